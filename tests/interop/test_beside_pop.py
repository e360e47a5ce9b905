"""Random POP3 sessions on the store and on Dovecot: the same answers, and the same maildrop afterwards."""

from __future__ import annotations

import pytest

from tests.interop.beside.pop import Compared, Pair, session, split

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("imap-oracle")]  # one Dovecot at a time: it has a port

SEEDS = range(1, 31)


def test_answers_are_split_and_compared() -> None:
    octets = b"+OK 1 5\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n-ERR\r\n+OK\r\nx\r\n"
    commands = [b"STAT", b"uidl", b"XYZZY", b"TOP 1 0"]
    assert split(octets, commands) is None
    answers = split(octets + b"..\r\n.\r\n", commands)
    assert answers is not None
    compared = Compared()
    assert [compared(*each) for each in zip(commands, answers, strict=True)] == [
        *(b"+OK 1 5", b"1 id0|2 id1", b"-ERR", b"+OKx\r\n..\r\n.\r\n")
    ]
    assert compared(b"UIDL 2", b"+OK 2 b\r\n") == b"2 id1"


def test_commands_are_of_all_kinds() -> None:
    words = {line.partition(b" ")[0].upper() for seed in SEEDS for group in session(seed)[1] for line in group}
    assert words >= {*b"STAT LIST UIDL NOOP RSET CAPA RETR DELE TOP QUIT XYZZY USER".split()}


async def test_sessions_are_alike() -> None:
    async with Pair() as pair:
        by_seed = {seed: await pair.compare(*session(seed)) for seed in SEEDS}
    assert {seed: difference for seed, difference in by_seed.items() if difference is not None} == {}
