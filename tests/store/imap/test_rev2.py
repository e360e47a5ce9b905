r"""What IMAP4rev2 changes in SELECT, and in what is told unasked (RFC 9051 appendix E)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def wires(tmp_path: Path) -> AsyncIterator[tuple[Wire, Wire]]:
    """Return a session that has enabled IMAP4rev2, and one that has not, both logged in."""
    place = Place(tmp_path)
    account = await place.storage.account("alice@alpha.test")
    await place.storage.create(account, "été/box")
    for _ in range(3):
        await place.storage.append([Arrival((account.inbox,), b"x: y\r\n\r\n", int(NOW), NO_FLAGS)])
    pair = Wire(place), Wire(place)
    for wire in pair:
        await wire.say("l LOGIN alice@alpha.test wonderland")
    await pair[0].say("e ENABLE IMAP4rev2")
    yield pair
    for wire in pair:
        wire.end()
    place.close()


SELECTED = """\
* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags permitted.
* 3 EXISTS
* OK [UIDVALIDITY 1772366400] UIDs valid
* OK [UIDNEXT 4] Predicted next UID
* OK [MAILBOXID (m69a42a40)] Mailbox's id
* OK [URLMECH INTERNAL] Mechanisms of URLAUTH
* OK [HIGHESTMODSEQ 4] Highest
* LIST (\\HasNoChildren \\Subscribed) "/" INBOX
a OK [READ-WRITE] Select completed.
""".replace("\n", "\r\n")


async def test_select(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    assert await wire.say("a SELECT INBOX") == SELECTED
    answer = await wire.say('b EXAMINE "été/box"')
    assert answer.startswith("* OK [CLOSED] ")
    assert '\r\n* LIST (\\HasNoChildren) "/" "été/box"\r\n' in answer
    answer = await other.say("c SELECT INBOX")
    assert "* 3 RECENT" in answer  # nothing has been claimed by the session that does not know the flag
    assert "[UNSEEN 1]" in answer
    assert "LIST" not in answer


async def test_what_is_told_unasked(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    for client in wires:
        await client.say("a SELECT INBOX")
    assert (
        await wire.say("b STORE 1 +FLAGS (\\Seen)") == "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\nb OK Store completed.\r\n"
    )
    assert await wire.say("c FETCH 2 (FLAGS)") == "* 2 FETCH (FLAGS ())\r\nc OK Fetch completed.\r\n"
    assert await wire.say("d FETCH 2 (BODY[HEADER.FIELDS (X)])") == (
        "* 2 FETCH (UID 2 FLAGS (\\Seen) BODY[HEADER.FIELDS (X)] {8}\r\nx: y\r\n\r\n)\r\nd OK Fetch completed.\r\n"
    )
    await other.say("e STORE 2 -FLAGS (\\Seen)")
    await other.say("f STORE 3 +FLAGS.SILENT (\\Deleted)")
    await other.say("g EXPUNGE")
    other.feed(b"h APPEND INBOX {3+}\r\na:b\r\n")
    await other.idle()
    assert await wire.say("i NOOP") == (
        "* 3 EXPUNGE\r\n* 3 EXISTS\r\n* 2 FETCH (UID 2 FLAGS ())\r\ni OK NOOP completed.\r\n"
    )
    assert await wire.say("j MOVE 1 Archive") == (
        "* OK [COPYUID 1772366405 1 1] Moved UIDs.\r\n* 1 EXPUNGE\r\nj OK Move completed.\r\n"
    )
