"""Random Sieve scripts on the store's engine and on pigeonhole: the same are refused, and the others do the same.

`python -m tests.interop.beside.sieve` runs as many as one likes, and says of each difference which words show it.
"""

from __future__ import annotations

import os
import re

import pytest

from tests.harness.needs import require
from tests.interop.beside.scripts import Scripts
from tests.interop.beside.sieve import difference, ours, pigeonhole

pytestmark = pytest.mark.interop

SEEDS = range(1, 301)


def test_a_seed_has_one_script() -> None:
    assert Scripts(7).make() == Scripts(7).make()
    assert Scripts(7).make() != Scripts(8).make()


def test_scripts_have_words_of_all_kinds() -> None:
    """Whatever is changed in the generator: what is compared does not become little."""
    cases = [Scripts(seed).make() for seed in SEEDS]
    words = {word for case in cases for word in re.findall(r":?[a-z]+", re.sub(r'"(?:[^"\\]|\\.)*"', "", case.script))}
    assert words >= {
        *("if", "elsif", "else", "stop", "keep", "discard", "fileinto", "redirect", "reject", "set", "addflag"),
        *("setflag", "removeflag", "addheader", "deleteheader", "allof", "anyof", "not", "true", "false", "header"),
        *("address", "envelope", "exists", "size", "date", "currentdate", "body", "string", "hasflag", "mailboxexists"),
        *(":is", ":contains", ":matches", ":regex", ":value", ":count", ":comparator", ":localpart", ":domain", ":all"),
        *(":user", ":detail", ":index", ":last", ":zone", ":originalzone", ":raw", ":content", ":text", ":over"),
        *(":under", ":copy", ":create", ":flags", ":lower", ":upper", ":lowerfirst", ":upperfirst", ":quotewildcard"),
        ":length",
    }
    assert 0 < sum(ours(case) == ["invalid"] for case in cases) < 30
    assert 0 < sum(ours(case) == ["fails"] for case in cases) < 60


def test_scripts_do_the_same() -> None:
    require(os.geteuid() == 0, "sieve-test reads a mail store as the user mail, which root alone may become")
    with pigeonhole() as oracle:
        by_seed = {seed: difference(oracle, Scripts(seed).make()) for seed in SEEDS}
    assert {seed: both for seed, both in by_seed.items() if both is not None} == {}
