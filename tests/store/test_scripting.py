"""Sieve put together: loaded when it is first needed, and refused at the start where the settings make no sense."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.config import ConfigError
from postroad.journal.refusals import Refusals
from postroad_store.scripting import Scripting
from tests.harness.pop3 import Place
from tests.harness.sasl import nobodys

if TYPE_CHECKING:
    from pathlib import Path


def scripting(place: Place) -> Scripting:
    return Scripting(
        place.settings,
        place.accounts,
        place.storage,
        Refusals(place.journal, Clock()),
        sasl=nobodys("sieve"),
        hostname="mx.postroad.test",
        everybody=place.folder,
    )


def test_what_is_hidden_is_not_in_the_language(tmp_path: Path) -> None:
    place = Place(tmp_path, {"POSTROAD_SIEVE_WITHOUT": "vacation regex"})
    language = scripting(place).language()
    assert not {"vacation", "vacation-seconds", "regex"} & language.capabilities.keys()
    place.close()


def test_what_can_not_be_hidden_is_told_at_the_start(tmp_path: Path) -> None:
    place = Place(tmp_path, {"POSTROAD_SIEVE_WITHOUT": "foo"})
    with pytest.raises(ConfigError, match="POSTROAD_SIEVE_WITHOUT=foo: foo cannot be hidden; these can: fileinto"):
        scripting(place)
    place.close()


async def test_sessions_and_deliveries_share_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    scripts = scripting(place)
    scripts.close()
    assert scripts.sorter() is scripts.sorter()
    assert scripts.session().engine is not scripts.session().engine
    scripts.close()
    place.close()


def test_a_store_without_scripts_loads_no_sieve() -> None:
    program = "import sys, postroad_store.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not [name for name in done.stdout.split() if name.startswith(("postroad_store.sieve", "re2"))]
