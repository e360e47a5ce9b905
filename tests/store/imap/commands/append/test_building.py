"""Messages that an APPEND brings: large ones, many of them, and disks that are full."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

import pytest

from postroad.mail.content import SPILL_AT, Content
from postroad_store.imap.commands.append.building import MAX_MESSAGES
from postroad_store.imap.commands.fetch.section import PIECE
from postroad_store.imap.urls import find_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.imap import Place, Wire


async def ready(wire: Wire) -> Wire:
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("s SELECT INBOX")
    return wire


def literal(octets: bytes, sign: bytes = b"") -> bytes:
    return b"%b{%d+}\r\n%b" % (sign, len(octets), octets)


async def test_large_messages(connect: Callable[[], Wire]) -> None:
    wire = await ready(connect())
    text = b"Subject: large\n\n" + b"a line\n" * (SPILL_AT // 6)
    binary = b"Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + b"\0\n" * SPILL_AT
    told = await wire.say(b"a APPEND INBOX " + literal(text) + b" " + literal(binary, b"~"))
    assert told.endswith("a OK [APPENDUID 1772366400 1:2] Append completed.\r\n")
    told = await wire.say("b FETCH 1:2 (RFC822.SIZE BINARY.SIZE[1])")
    size = len(text) + text.count(b"\n")  # with CRLF
    assert f"* 1 FETCH (RFC822.SIZE {size} " in told
    assert f" BINARY.SIZE[1] {2 * SPILL_AT})" in told
    told = await wire.say(b"c APPEND INBOX CATENATE (URL /INBOX/;UID=1 TEXT " + literal(b"end") + b")")
    assert "c OK [APPENDUID" in told
    told = await wire.say(f"d FETCH 3 (BODY.PEEK[]<{size - 6}.99>)")
    assert told == f"* 3 FETCH (BODY[]<{size - 6}> {{9}}\r\nline\r\nend)\r\nd OK Fetch completed.\r\n"
    told = await wire.say(b"f APPEND INBOX " + literal(b"a\0: b\r\n" * SPILL_AT, b"~"))
    assert told == "f NO [UNKNOWN-CTE] Message has NULs that can't be kept.\r\n"
    told = await wire.say(b"g REPLACE 1 INBOX " + literal(b"a\0: b\r\n", b"~"))
    assert told == "g NO [UNKNOWN-CTE] Message has NULs that can't be kept.\r\n"


async def test_many_messages(connect: Callable[[], Wire]) -> None:
    wire = await ready(connect())
    message = b" " + literal(b"a: b\r\n")
    told = await wire.say(b"a APPEND INBOX" + message * MAX_MESSAGES)
    assert told.endswith(f"a OK [APPENDUID 1772366400 1:{MAX_MESSAGES}] Append completed.\r\n")
    told = await wire.say(b"b APPEND INBOX" + message * (MAX_MESSAGES + 1))
    assert told == "b NO [LIMIT] Too many messages, or too many octets, in one command.\r\n"
    assert f"MESSAGES {MAX_MESSAGES})" in await wire.say("c STATUS INBOX (MESSAGES)")


@pytest.mark.parametrize(
    "arguments",
    [
        b" " + literal(b"a: b\r\n\r\nc\r\n"),
        b' (\\Seen) "01-Mar-2026 12:00:00 +0000" ' + literal(b"a: b\n\nc\n"),
        b" " + literal(b"\r\n"),
        b" " + literal(b"\r\n\r\n{1}"),
        b" " + literal(b"a: b\r\n\r\n\0\r\n", b"~"),
        b" " + literal(b"a: b\r\n\r\n\0\r\n"),
        b" " + literal(b""),
        b" " + literal(b"a: b\r\n") + b" " + literal(b"c: d\r\n"),
        b" " + literal(b"a: b\r\n") + b" ",
        b" " + literal(b"a: b\r\n") + b")",
        b" UTF8 (" + literal(b"a: b\r\n", b"~") + b")",
        b" UTF8 (" + literal(b"a: b\r\n", b"~"),
        b" CATENATE (TEXT " + literal(b"a: b\r\n") + b")",
        b" CATENATE (TEXT " + literal(b"a: b\r\n"),
        b" " + literal(b"a: \xc3\xa4\r\n\r\n"),
    ],
)
async def test_a_message_that_comes_whole_is_taken_as_one_that_comes_in_pieces(
    connect: Callable[[], Wire], arguments: bytes
) -> None:
    wires = await ready(connect()), await ready(connect())
    octets = b"a APPEND Drafts" + arguments + b"\r\nb NOOP\r\n"
    told = []
    for wire, step in zip(wires, (len(octets), 1), strict=True):
        await wire.say(b"c CREATE Drafts")
        for start in range(0, len(octets), step):
            wire.feed(octets[start : start + step])
        answer = re.sub(r"APPENDUID \d+", "APPENDUID", await wire.say("d NOOP"))
        await wire.say(b"e EXAMINE Drafts")
        told.append((answer, await wire.say(b"f FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BINARY.PEEK[])")))
        await wire.say(b"g DELETE Drafts")
    assert told[0] == told[1]
    assert "b OK " in told[0][0]


async def test_a_message_that_must_be_asked_for_is_asked_for_though_it_has_come(connect: Callable[[], Wire]) -> None:
    wire = await ready(connect())
    told = await wire.say(b"a APPEND INBOX {6}\r\na: b\r\n")
    assert told == "+ OK\r\n* 1 EXISTS\r\n* 1 RECENT\r\na OK [APPENDUID 1772366400 1] Append completed.\r\n"


async def test_a_full_disk(connect: Callable[[], Wire], place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = await ready(connect())
    await wire.say(b"a APPEND INBOX " + literal(b"a: b\r\n"))
    write = Content.write

    def full(content: Content, block: bytes) -> None:
        if block == b"last":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(content, block)

    monkeypatch.setattr(Content, "write", full)
    refused = "NO [OVERQUOTA] Message can't be kept: No space left on device\r\n"
    for command in (b" " + literal(b"c: d\r\n"), b" CATENATE (TEXT " + literal(b"c: d\r\n")):
        end = b")" if b"CATENATE" in command else b""
        more = b" TEXT " if end else b" "
        told = await wire.say(b"b APPEND INBOX" + command + more + literal(b"last") + end)
        assert told.endswith(refused.removeprefix("NO [OVERQUOTA] ")), told
    monkeypatch.setattr(Content, "write", lambda content, block: full(content, b"last"))
    told = await wire.say(b"c APPEND INBOX CATENATE (URL /INBOX/;UID=1)")
    assert told.endswith("Message can't be kept: No space left on device\r\n")
    assert "MESSAGES 1)" in await wire.say("d STATUS INBOX (MESSAGES)")
    assert not list(place.incoming.iterdir())


async def test_a_message_that_goes_while_it_is_copied_is_copied_to_its_end(connect: Callable[[], Wire]) -> None:
    wire = await ready(connect())
    text = b"a: b\r\n\r\n" + b"a line\r\n" * PIECE
    await wire.say(b"a APPEND INBOX " + literal(text))
    other = await ready(connect())
    size, pieces = find_text(wire.session, b"/INBOX/;UID=1")
    assert size == len(text)
    copied = next(pieces)
    await other.say("a STORE 1 +FLAGS (\\Deleted)")
    assert "* 1 EXPUNGE" in await other.say("b EXPUNGE")
    assert "BADURL" in await wire.say("b APPEND INBOX CATENATE (URL /INBOX/;UID=1)")
    assert copied + b"".join(pieces) == text
