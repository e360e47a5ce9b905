"""An account with very many mailboxes: LIST, LSUB and RENAME take steps, and others get their turn in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands import lsub
from postroad_store.imap.commands.list import command as list_
from postroad_store.mail import accounts
from postroad_store.mail.database.commits import mailboxes
from tests.harness.imap import Place, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COUNT = 1200


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(accounts, "MANY_MAILBOXES", 100)
    monkeypatch.setattr(mailboxes, "NAMES", 500)
    monkeypatch.setattr(list_, "PAUSE_AFTER", 0.0)
    place = Place(tmp_path)
    account = await place.storage.account("alice@alpha.test")
    await asyncio.gather(*(place.storage.create(account, f"many/{number:04}") for number in range(COUNT)))
    await asyncio.gather(*(place.storage.subscribe(account, f"many/{number:04}") for number in range(COUNT)))
    yield place
    place.close()


async def said(wire: Wire, line: bytes) -> list[bytes]:
    """What the server answers; at least once another task must have run meanwhile, if it has steps."""
    wire.received.clear()
    wire.feed(line + b"\r\n")
    await wire.idle()
    return bytes(wire.received).splitlines()


async def test_all_names_come_and_in_order(place: Place) -> None:
    wire = Wire(place)
    await wire.idle()
    await said(wire, b"a LOGIN alice@alpha.test wonderland")
    lines = await said(wire, b'b LIST "" *')
    assert len(lines) == COUNT + 6 + 1 + 1
    assert lines[0] == b'* LIST (\\HasNoChildren) "/" INBOX'
    assert lines[-2] == b'* LIST (\\HasNoChildren) "/" many/1199'
    assert lines[1:-1] == sorted(lines[1:-1], key=lambda line: line.rpartition(b" ")[2])
    lines = await said(wire, b'c LIST (SUBSCRIBED RECURSIVEMATCH) "" "m%" RETURN (STATUS (MESSAGES))')
    assert lines == [b'* LIST (\\HasChildren) "/" many ("CHILDINFO" ("SUBSCRIBED"))', b"c OK List completed."]
    lines = await said(wire, b'd LIST "" "*7/%" RETURN (SUBSCRIBED)')
    assert lines == [b"d OK List completed."]
    lines = await said(wire, b'e LSUB "" many/1%')
    assert (len(lines), lines[0]) == (201, b'* LSUB () "/" many/1000')
    assert await said(wire, b"f RENAME many more") == [b"f OK Rename completed."]
    lines = await said(wire, b'g LIST "" more*')
    assert (len(lines), lines[0], lines[-2]) == (
        COUNT + 2,
        b'* LIST (\\HasChildren) "/" more',
        b'* LIST (\\HasNoChildren) "/" more/1199',
    )
    assert await said(wire, b'h LIST "" many*') == [b"h OK List completed."]
    wire.end()


async def test_others_get_their_turn(place: Place) -> None:
    busy, idle = Wire(place), Wire(place)
    for wire in (busy, idle):
        await wire.idle()
        await said(wire, b"a LOGIN alice@alpha.test wonderland")
        wire.received.clear()
    assert lsub.FEW < COUNT
    for line in (b'b LIST "" *', b'c LSUB "" *'):
        busy.feed(line + b"\r\n")
        idle.feed(b"n NOOP\r\n")
        assert bytes(idle.received).endswith(b"n OK NOOP completed.\r\n")
        assert b"completed" not in busy.received
        await busy.idle()
        assert b" completed.\r\n" in busy.received[-30:]
        busy.received.clear()
    busy.end()
    idle.end()


async def test_one_account_for_two_that_log_in_at_once(place: Place) -> None:
    place.storage._accounts._recent.clear()
    first, second = await asyncio.gather(*(place.storage.account("alice@alpha.test") for _ in range(2)))
    assert first is second
    assert len(first.names) == COUNT + 6 + 1
