"""The limits of annotations (RFC 5464 §4.1, §4.3), and who may change what."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from postroad.world.overlay import read_overlay
from postroad_store.imap.commands.metadata import ENTRIES_AT_ONCE, parse_get, parse_set
from postroad_store.imap.grammar.reader import LimitExceeded, Reader
from postroad_store.mail.model.annotations import MAX_ENTRIES, MAX_NAME, MAX_VALUE, checked_entry
from tests.common.world.test_layers import BASE
from tests.harness.imap import Place, Wire
from tests.harness.worlds import definition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    place = Place(tmp_path)
    wire = Wire(place)
    await wire.idle()
    wire.feed(b"a LOGIN alice@alpha.test wonderland\r\n")
    await wire.idle()
    yield wire
    wire.end()
    place.close()


async def said(wire: Wire, octets: bytes) -> bytes:
    wire.received.clear()
    wire.feed(octets)
    await wire.idle()
    return bytes(wire.received)


async def test_a_value_that_is_too_large(wire: Wire) -> None:
    value = b"x" * MAX_VALUE
    assert await said(wire, b"b SETMETADATA INBOX (/private/comment {%d+}\r\n%b)\r\n" % (MAX_VALUE, value)) == (
        b"b OK Setmetadata completed.\r\n"
    )
    answer = await said(wire, b"c GETMETADATA INBOX (DEPTH 0 MAXSIZE 1000) /private/comment\r\n")
    assert answer == b"c OK [METADATA LONGENTRIES 32768] Getmetadata completed.\r\n"
    answer = await said(wire, b"d SETMETADATA INBOX (/private/comment {%d+}\r\n%bx)\r\n" % (MAX_VALUE + 1, value))
    assert answer == b"d NO [METADATA MAXSIZE 32768] An annotation has at most 32768 octets\r\n"
    # A literal that no command may have is refused before it comes.
    answer = await said(wire, b"e SETMETADATA INBOX (/private/comment {100000}\r\n")
    assert answer == b"e NO [METADATA MAXSIZE 32768] Error in IMAP command SETMETADATA: Literal too large\r\n"


async def test_too_many_entries(wire: Wire) -> None:
    for number in range(MAX_ENTRIES):
        await said(wire, b'b SETMETADATA INBOX (/private/x/%d "x")\r\n' % number)
    assert await said(wire, b'c SETMETADATA INBOX (/private/x/0 NIL /private/y "y" /private/z "z")\r\n') == (
        b"c NO [METADATA TOOMANY] A mailbox has at most 100 annotations of each kind\r\n"
    )
    assert await said(wire, b'd SETMETADATA INBOX (/private/x/0 NIL /private/y "y")\r\n') == (
        b"d OK Setmetadata completed.\r\n"
    )
    assert await said(wire, b'e SETMETADATA INBOX (/shared/y "y")\r\n') == b"e OK Setmetadata completed.\r\n"


async def test_octets_with_nul_are_a_literal8(wire: Wire) -> None:
    assert await said(wire, b"b SETMETADATA INBOX (/private/comment ~{3+}\r\na\0b)\r\n") == (
        b"b OK Setmetadata completed.\r\n"
    )
    assert await said(wire, b"c GETMETADATA INBOX /private/comment\r\n") == (
        b"* METADATA INBOX (/private/comment ~{3}\r\na\0b)\r\nc OK Getmetadata completed.\r\n"
    )


async def test_administrators_change_what_all_see(wire: Wire) -> None:
    accounts = wire.session.shared.accounts
    accounts.world = dataclasses.replace(accounts.world, administrators=frozenset({"alice@alpha.test"}))
    assert await said(wire, b'b SETMETADATA "" (/shared/comment "x")\r\n') == b"b OK Setmetadata completed.\r\n"
    assert await said(wire, b'c GETMETADATA "" /shared/comment\r\n') == (
        b'* METADATA "" (/shared/comment "x")\r\nc OK Getmetadata completed.\r\n'
    )


async def test_another_world_hears_nothing_of_it(tmp_path: Path) -> None:
    """What administrators of the file's world tell is for its accounts; private entries are everybody's own."""
    place = Place(tmp_path)
    place.shared.accounts.layers.put(read_overlay(definition("shop"), BASE))
    administrator, fellow, stranger = (Wire(place) for _ in range(3))
    logins = (b"bob@alpha.test builder", b"alice@alpha.test wonderland", b"bob@shop.test bob")
    for wire, login in zip((administrator, fellow, stranger), logins, strict=True):
        await wire.idle()
        await said(wire, b"a LOGIN %b\r\n" % login)
        await said(wire, b"b ENABLE METADATA-SERVER\r\n")
    await said(administrator, b'c SETMETADATA "" (/shared/comment "x")\r\n')
    assert await said(fellow, b"c NOOP\r\n") == b'* METADATA "" /shared/comment\r\nc OK NOOP completed.\r\n'
    assert await said(stranger, b"c NOOP\r\n") == b"c OK NOOP completed.\r\n"
    assert await said(stranger, b'd SETMETADATA "" (/private/comment "y")\r\n') == b"d OK Setmetadata completed.\r\n"
    assert await said(stranger, b'e GETMETADATA "" (/shared/comment /private/comment)\r\n') == (
        b'* METADATA "" (/private/comment "y" /shared/comment NIL)\r\ne OK Getmetadata completed.\r\n'
    )
    for wire in (administrator, fellow, stranger):
        wire.end()
    place.close()


@pytest.mark.parametrize(
    "name", [b"/private/a", b"/Shared/B", b"/shared/vendor/acme/x", b"/private/a b/c", b"/private/~"]
)
def test_names_that_can_be(name: bytes) -> None:
    assert checked_entry(name) == name.decode().lower()


@pytest.mark.parametrize(
    "name",
    [
        *(b"", b"/", b"private/a", b"/private", b"/private/", b"/other/a", b"/private/a/", b"/private//a"),
        *(b"/private/a*", b"/private/%", b"/private/\xc3\xa4", b"/private/\x19", b"/private/\x7f"),
        *(b"/shared/vendor", b"/SHARED/Vendor/acme", b"/private/" + b"x" * MAX_NAME),
    ],
)
def test_names_that_cannot_be(name: bytes) -> None:
    assert checked_entry(name) is None


def test_commands_are_bounded() -> None:
    many = b" ".join(b"/private/%d" % number for number in range(ENTRIES_AT_ONCE + 1))
    with pytest.raises(LimitExceeded, match="Too many entries"):
        parse_get(b"t", Reader([b" INBOX (" + many + b")"]))
    with pytest.raises(LimitExceeded, match="Too many entries"):
        parse_set(b"t", Reader([b" INBOX (" + many.replace(b" ", b" x ").replace(b"x", b'"x"') + b' "x")']))
