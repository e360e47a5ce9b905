"""Random sessions on the store and on Dovecot: the same answers, and the same state afterwards.

`python -m tests.interop.beside` runs as many as one likes, and says of each difference which commands show it.
"""

from __future__ import annotations

import re

import pytest

from tests.interop.beside.commands import Sequence, Step
from tests.interop.beside.messages import differences, message
from tests.interop.beside.servers import Pair
from tests.interop.test_imap_oracle import ADDRESS

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("imap-oracle")]  # one Dovecot at a time: it has a port

SEEDS = range(1, 31)
MESSAGES = range(3001, 3101)  # all that differs of these is settled in docs/mime.md


def test_a_seed_has_one_sequence() -> None:
    assert Sequence(7).make() == Sequence(7).make()
    assert Sequence(7).make() != Sequence(8).make()


def test_commands_are_of_all_kinds() -> None:
    """Whatever is changed in the generator: what is compared does not become little."""
    words = {
        word.upper()
        for seed in SEEDS
        for step in Sequence(seed).make()
        if (match := re.match(rb"(?:UID )?([A-Za-z]+) ", step.command)) and not step.spoilt
        for word in [match[1].decode()]
    }
    assert words >= {
        *("APPEND", "COPY", "CREATE", "DELETE", "ENABLE", "EXAMINE", "EXPUNGE", "FETCH", "GETMETADATA", "GETQUOTAROOT"),
        *("LIST", "LSUB", "MOVE", "RENAME", "SEARCH", "SELECT", "SETMETADATA", "SORT", "STATUS", "STORE", "SUBSCRIBE"),
        *("THREAD", "UNSUBSCRIBE"),
    }


async def test_sessions_are_alike() -> None:
    async with Pair(ADDRESS) as pair:
        by_seed = {seed: await pair.compare(Sequence(seed).make()) for seed in SEEDS}
    assert {seed: str(difference) for seed, difference in by_seed.items() if difference is not None} == {}


async def test_messages_with_faults_are_read_alike() -> None:
    async with Pair(ADDRESS) as pair, pair.sides(1) as both:
        for side in both:
            await side.do(Step(0, b"SELECT INBOX"))
        by_seed = {seed: await differences(both, message(seed)[1]) for seed in MESSAGES}
    assert {seed: items for seed, items in by_seed.items() if items} == {}
