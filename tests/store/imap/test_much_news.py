"""Many changes of the mailbox: reported in pieces, between which others are answered, and in their order."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from postroad_store import notes
from postroad_store.mail.model import view as view_module
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 40
PIECE = 4


@pytest.fixture
async def wires(place: Place, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch) -> tuple[Wire, Wire]:
    """Return two sessions that have `COUNT` messages selected."""
    monkeypatch.setattr(view_module, "PIECE", PIECE)
    account = await place.storage.account("alice@alpha.test")
    await place.storage.append([Arrival((account.inbox,), b"x: y\r\n\r\n", int(NOW), NO_FLAGS)] * COUNT)
    pair = connect(), connect()
    for wire in pair:
        await wire.say("l LOGIN alice@alpha.test wonderland")
        await wire.say("s SELECT INBOX")
    return pair


def fetches(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"^\* (\d+) FETCH", text, re.MULTILINE)]


def expunges(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"^\* (\d+) EXPUNGE", text, re.MULTILINE)]


EVERY = list(range(1, COUNT + 1))
FROM_THE_END = list(range(COUNT, 0, -1))


async def test_others_are_answered_in_between(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Deleted)")
    wire.feed(b"b NOOP\r\nc NOOP\r\n")
    begun = (await wire.until(0)).decode()
    for _ in range(3):
        assert await other.say("d NOOP") == "d OK NOOP completed.\r\n"
        await asyncio.sleep(0)
    assert "b OK" not in begun
    await wire.idle()
    begun += (await wire.until(0)).decode()
    assert fetches(begun) == EVERY
    assert begun.endswith("b OK NOOP completed.\r\nc OK NOOP completed.\r\n")
    assert "Deleted" in begun

    answer = await other.say("e EXPUNGE")
    assert expunges(answer) == FROM_THE_END
    assert answer.endswith("e OK Expunge completed.\r\n")
    wire.feed(b"f CHECK\r\n")
    assert await other.say("g NOOP") == "g OK NOOP completed.\r\n"
    await wire.idle()
    assert expunges((await wire.until(0)).decode()) == FROM_THE_END


async def test_a_client_that_does_not_read_is_waited_for(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Seen)")
    wire.feed(b"b NOOP\r\n")
    await asyncio.sleep(0)
    wire.may_write(writable=False)
    for _ in range(50):
        await asyncio.sleep(0)
    told = (await wire.until(0)).decode()
    assert len(fetches(told)) <= 2 * PIECE
    wire.may_write(writable=True)
    await wire.idle()
    assert fetches(told + (await wire.until(0)).decode()) == EVERY


async def test_fetch_tells_no_expunge(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Deleted)")
    answer = await wire.say("b FETCH 1 (UID)")
    assert fetches(answer) == [1, *EVERY]
    await other.say("c EXPUNGE")
    assert await wire.say("d FETCH 1 (FLAGS)") == (
        "d NO [EXPUNGEISSUED] Some of the requested messages no longer exist.\r\n"
    )
    assert expunges(await wire.say("e UID FETCH 1 (FLAGS)")) == FROM_THE_END


async def test_status_of_the_selected_mailbox(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Deleted)")
    await other.say("b EXPUNGE")
    answer = await wire.say("c STATUS INBOX (MESSAGES UNSEEN)")
    assert expunges(answer) == FROM_THE_END
    assert answer.endswith(
        "* STATUS INBOX (MESSAGES 0 UNSEEN 0)\r\nc OK [CLIENTBUG] Status on selected mailbox completed.\r\n"
    )


async def test_store_tells_what_others_did_before(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (kw)")
    answer = await wire.say("b STORE 1 +FLAGS (\\Seen)")
    assert fetches(answer) == [*EVERY, 1]
    assert answer.startswith("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw)\r\n")
    assert answer.endswith("b OK Store completed.\r\n")


async def test_append_leaves_long_news_for_later(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Seen)")
    wire.feed(b"b APPEND INBOX {3+}\r\na:b\r\n")
    await wire.idle()
    answer = (await wire.until(0)).decode()
    assert (fetches(answer), f"* {COUNT + 1} EXISTS" in answer) == ([], True)
    assert fetches(await wire.say("c NOOP")) == EVERY


async def test_a_long_note_is_several_events(
    place: Place, wires: tuple[Wire, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "RANGES_PER_NOTE", 2)
    wire, _ = wires
    odd = ",".join(str(number) for number in EVERY[::2])
    await wire.say(f"a STORE {odd} +FLAGS.SILENT (\\Deleted)")
    assert expunges(await wire.say("b EXPUNGE")) == FROM_THE_END[1::2]
    assert ",".join(detail["uid"] for _, detail in place.journal.entries) == odd


async def test_move_tells_its_expunges_after_copyuid(wires: tuple[Wire, Wire]) -> None:
    wire, _ = wires
    answer = await wire.say("a MOVE 1:* Archive")
    assert answer.startswith("* OK [COPYUID ")
    assert expunges(answer) == FROM_THE_END
    assert answer.endswith("a OK Move completed.\r\n")


async def settled(wire: Wire) -> str:
    """Let the loop run until nothing more is said; return what was."""
    said = ""
    quiet = 0
    while quiet < 5:
        await asyncio.sleep(0)
        more = (await wire.until(0)).decode()
        quiet = 0 if more else quiet + 1
        said += more
    return said


async def test_idle_tells_in_pieces(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Deleted)")
    begun = await wire.say("b IDLE")
    assert begun == "+ idling\r\n"
    assert fetches(await settled(wire)) == EVERY
    await other.say("c EXPUNGE")
    assert expunges(await settled(wire)) == FROM_THE_END
    assert await wire.say("DONE") == "b OK Idle completed.\r\n"


@pytest.mark.parametrize(("end", "result"), [("DONE", "b OK"), ("stop it", "b BAD")])
async def test_idle_ends_amid_long_news(wires: tuple[Wire, Wire], end: str, result: str) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Deleted)")
    await wire.say("x NOOP")
    await wire.say("b IDLE")
    other.feed(b"c EXPUNGE\r\n")
    told = ""
    while not told:
        await asyncio.sleep(0)
        told = (await wire.until(0)).decode()
    assert len(expunges(told)) < COUNT
    answer = await wire.say(end)
    assert result in answer
    # RFC 3501 §7.4.1: no EXPUNGE while no command is in progress
    assert answer.rindex(result) > answer.rfind(" EXPUNGE")
    assert await settled(wire) == ""
    told += answer
    await other.idle()
    told += await wire.say("d NOOP")
    assert expunges(told) == FROM_THE_END


async def test_a_client_goes_amid_long_news(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await other.say("a STORE 1:* +FLAGS.SILENT (\\Deleted)")
    await wire.say("b IDLE")
    wire.end()
    assert len(fetches(await settled(wire))) < COUNT
    assert await other.say("c NOOP") == "c OK NOOP completed.\r\n"


async def test_the_mailbox_goes_with_all_its_messages(wires: tuple[Wire, Wire], connect: Callable[[], Wire]) -> None:
    wire, other = wires
    await other.say("a COPY 1:* Archive")
    idle = connect()
    await idle.say("l LOGIN alice@alpha.test wonderland")
    for session in (wire, idle):
        await session.say("b SELECT Archive")
    await idle.say("c IDLE")
    await other.say("d DELETE Archive")
    answer = await wire.say("e NOOP")
    assert expunges(answer) == FROM_THE_END
    assert answer.endswith("e OK NOOP completed.\r\n* BYE Selected mailbox was deleted, have to disconnect.\r\n")
    answer = await settled(idle)
    assert expunges(answer) == FROM_THE_END
    assert answer.endswith("* BYE Selected mailbox was deleted, have to disconnect.\r\n")
    assert idle.closed


async def heard(wire: Wire) -> str:
    """Return what is told between commands."""
    for _ in range(50):
        await asyncio.sleep(0)
    return (await wire.until(0)).decode()


async def test_notify_tells_in_pieces_too(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await wire.say("a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange))")
    wire.may_write(writable=False)
    await other.say("b STORE 1:* +FLAGS.SILENT (\\Deleted)")
    assert await heard(wire) == ""
    wire.may_write(writable=True)
    await asyncio.sleep(0)
    wire.may_write(writable=False)
    told = await heard(wire)
    assert len(fetches(told)) <= 2 * PIECE
    wire.may_write(writable=True)
    told += await heard(wire)
    assert fetches(told) == EVERY
    # A command that comes while it is told has the rest in its answer.
    wire.may_write(writable=False)
    await other.say("c EXPUNGE")
    await other.say("d APPEND INBOX {6+}\r\na: b\r\n")
    wire.feed(b"e NOOP\r\n")
    wire.may_write(writable=True)
    told = await heard(wire)
    assert expunges(told) == FROM_THE_END
    assert told.endswith("* 1 EXISTS\r\n* 0 RECENT\r\ne OK NOOP completed.\r\n* 1 FETCH (UID 41)\r\n")


async def test_notify_leaves_out_flags_that_are_not_wanted(wires: tuple[Wire, Wire]) -> None:
    wire, other = wires
    await wire.say("a NOTIFY SET (SELECTED (MessageNew MessageExpunge))")
    await other.say("b STORE 1:* +FLAGS.SILENT (\\Deleted)")
    await other.say("c EXPUNGE")
    told = await heard(wire)
    assert expunges(told) == FROM_THE_END
    assert fetches(told) == []
