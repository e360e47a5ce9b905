"""BINARY of parts that are too long to be decoded at once."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.fetch.binary import Binary, BinarySize
from postroad_store.imap.commands.fetch.blocks import responses
from postroad_store.imap.commands.fetch.command import SPECS, Fetch
from postroad_store.imap.commands.fetch.item import Block
from postroad_store.imap.commands.fetch.plain import can_be_given
from postroad_store.imap.commands.fetch.section import PIECE
from postroad_store.imap.grammar.reader import Reader
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.model.message import UID
from tests.harness.imap import NOW, Place

if TYPE_CHECKING:
    from postroad_store.mail.model.view import View

LONG = random.Random(1).randbytes(3 * PIECE + 1000)
HEADER = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"


async def view_with(place: Place, *contents: bytes) -> View:
    account = await place.storage.account("alice@alpha.test")
    for content in contents:
        await place.storage.append([Arrival((account.inbox,), content, int(NOW), NO_FLAGS)])
    return place.storage.view(account.inbox)


def told(place: Place, view: View, items: bytes) -> list[tuple[bytes, bool]]:
    command = SPECS[0].parse(b"t", Reader([b" 1 " + items]))
    assert isinstance(command, Fetch)
    spans = [range(1, len(view.uids) + 1)]
    return list(responses(place.storage, view, spans, command.items.plan(uid=False)))


def whole(place: Place, view: View, items: bytes) -> bytes:
    return b"".join(octets for octets, _ in told(place, view, items))


def literal(octets: bytes) -> bytes:
    return b"~{%d}\r\n%b" % (len(octets), octets)


async def test_a_long_part(place: Place) -> None:
    view = await view_with(place, HEADER + base64.encodebytes(LONG).replace(b"\n", b"\r\n"))
    pieces = told(place, view, b"BINARY.PEEK[1]")
    assert b"".join(octets for octets, _ in pieces) == b"* 1 FETCH (BINARY[1] " + literal(LONG) + b")\r\n"
    assert max(len(octets) for octets, _ in pieces) <= PIECE
    assert pieces.count((b"", True)) >= 4  # others run while it is measured
    again = told(place, view, b"BINARY.PEEK[1]")
    assert b"".join(octets for octets, _ in again) == b"".join(octets for octets, _ in pieces)
    assert (b"", True) not in again  # its size is known now
    assert whole(place, view, b"BINARY.SIZE[1]") == b"* 1 FETCH (BINARY.SIZE[1] %d)\r\n" % len(LONG)


async def test_a_long_size(place: Place) -> None:
    view = await view_with(place, HEADER + base64.b64encode(LONG))
    pieces = told(place, view, b"(BINARY.SIZE[1] UID)")
    assert b"".join(octets for octets, _ in pieces) == b"* 1 FETCH (BINARY.SIZE[1] %d UID 1)\r\n" % len(LONG)
    assert len(pieces) > 4


@pytest.mark.parametrize("step", [1000, 100_000, PIECE, len(LONG)])
async def test_ranges(place: Place, step: int) -> None:
    view = await view_with(place, HEADER + base64.b64encode(LONG))
    starts = [0, *range(0, len(LONG) + step, step)] if step > 1000 else [0, PIECE, PIECE + step, 5000, len(LONG) - 1]
    for first in starts:
        got = whole(place, view, b"BINARY.PEEK[1]<%d.%d>" % (first, step))
        assert got == b"* 1 FETCH (BINARY[1]<%d> " % first + literal(LONG[first : first + step]) + b")\r\n"


async def test_a_long_text(place: Place) -> None:
    text = b"a line\n" * 100_000
    view = await view_with(place, b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(text))
    lines = text.replace(b"\n", b"\r\n")
    expected = b"* 1 FETCH (BINARY.SIZE[1] %d BINARY[1] {%d}\r\n%b)\r\n" % (len(lines), len(lines), lines)
    assert whole(place, view, b"(BINARY.PEEK[1] BINARY.SIZE[1])") == expected


async def test_a_message_that_is_gone(place: Place) -> None:
    view = await view_with(place, HEADER + base64.b64encode(LONG))
    await place.storage.expunge(view.mailbox, [1], only_deleted=False)
    assert told(place, view, b"BINARY.PEEK[1]") == [(b"", False)]
    command = SPECS[0].parse(b"t", Reader([b" 1 BINARY[1]"]))
    assert isinstance(command, Fetch)
    assert can_be_given(place.storage, view, UID(1), command.items.plan(uid=False))


def test_properties() -> None:
    item = Binary(b"BINARY[]", (), None, peek=False)
    assert item.sets_seen
    assert item.whole
    assert not Binary(b"BINARY[]<0>", (), (0, 1), peek=True).whole
    with pytest.raises(NotImplementedError):
        BinarySize(b"BINARY.SIZE[1]", (1,)).columns(Block.__new__(Block))
