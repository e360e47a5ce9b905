"""Messages that an APPEND brings: large ones, many of them, and disks that are full."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from postroad.mail.content import SPILL_AT, Content
from postroad_store.imap.commands.append.building import MAX_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

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
    one = b" " + literal(b"a: b\r\n")
    told = await wire.say(b"a APPEND INBOX" + one * MAX_MESSAGES)
    assert told.endswith(f"a OK [APPENDUID 1772366400 1:{MAX_MESSAGES}] Append completed.\r\n")
    told = await wire.say(b"b APPEND INBOX" + one * (MAX_MESSAGES + 1))
    assert told == "b NO [LIMIT] Too many messages, or too many octets, in one command.\r\n"
    assert f"MESSAGES {MAX_MESSAGES})" in await wire.say("c STATUS INBOX (MESSAGES)")


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


async def test_a_message_that_goes_while_it_is_copied(
    connect: Callable[[], Wire], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = await ready(connect())
    await wire.say(b"a APPEND INBOX " + literal(b"a: b\r\n"))
    monkeypatch.setattr(place.storage, "content", lambda *_: None)
    told = await wire.say(b"b APPEND INBOX CATENATE (URL /INBOX/;UID=1)")
    assert told == 'b NO [BADURL "/INBOX/;UID=1"] URL names a message that is not there\r\n'
