"""What IMAP commands do to messages, as the journal has it: enough to find each copy again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.journal import Kind
from postroad_store.imap.registry import Registry
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.harness.imap import Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALICE = "alice@alpha.test"


async def fill(place: Place, count: int, mailbox: str = "INBOX") -> None:
    box = (await place.storage.account(ALICE)).selectable(mailbox)
    await place.storage.append([Arrival((box,), b"Subject: x\r\n\r\n", 0, NO_FLAGS)] * count)


async def enter(wire: Wire, mailbox: str = "INBOX") -> Wire:
    await wire.say(f"l LOGIN {ALICE} wonderland")
    await wire.say(f"s SELECT {mailbox}")
    return wire


def noted(place: Place) -> list[tuple[Kind, dict[str, Any]]]:
    """Return what has been noted since the last time, without UIDVALIDITY, account and protocol."""
    entries, place.journal.entries = place.journal.entries, []
    for _, detail in entries:
        assert detail.pop("account") == ALICE
        assert detail.pop("protocol") == "imap"
        detail.pop("uid_validity")
        detail.pop("to_uid_validity", None)
    return entries


async def test_copy_and_move(place: Place, connect: Callable[[], Wire]) -> None:
    await fill(place, 5)
    await fill(place, 2, "Sent")
    wire = await enter(connect())
    await wire.say("a COPY 2 Sent")
    assert noted(place) == [(Kind.COPIED, {"mailbox": "INBOX", "uid": 2, "to": "Sent", "to_uid": 3})]
    await wire.say("b UID MOVE 1:2,4 Sent")
    assert noted(place) == [(Kind.MOVED, {"mailbox": "INBOX", "uid": "1:2,4", "to": "Sent", "to_uid": "4:6"})]
    await wire.say("c UID COPY 99 Sent")
    await wire.say("d COPY 1 Nowhere")
    assert noted(place) == []


async def test_the_uidvalidity_of_both_mailboxes(place: Place, connect: Callable[[], Wire]) -> None:
    await fill(place, 1)
    wire = await enter(connect())
    account = await place.storage.account(ALICE)
    await wire.say("a MOVE 1 Sent")
    ((_, detail),) = place.journal.entries
    assert detail["uid_validity"] == account.inbox.uid_validity
    assert detail["to_uid_validity"] == account.selectable("Sent").uid_validity


async def test_many_ranges_are_several_events(place: Place, connect: Callable[[], Wire]) -> None:
    await fill(place, 200)
    wire = await enter(connect())
    odd = ",".join(map(str, range(1, 200, 2)))
    await wire.say(f"a UID MOVE {odd} Sent")
    first, second = (detail for _, detail in noted(place))
    assert first["uid"] == ",".join(map(str, range(1, 100, 2)))
    assert (first["to_uid"], second["to_uid"]) == ("1:50", "51:100")


async def test_rename(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a CREATE old/deep")
    await wire.say("b RENAME old new")
    assert noted(place) == [
        (Kind.RENAMED, {"mailbox": "old", "to": "new"}),
        (Kind.RENAMED, {"mailbox": "old/deep", "to": "new/deep"}),
    ]


async def test_rename_of_inbox(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a RENAME INBOX nothing-yet")
    assert noted(place) == []
    await fill(place, 3)
    await wire.say("b RENAME INBOX first")
    assert noted(place) == [(Kind.MOVED, {"mailbox": "INBOX", "uid": "1:3", "to": "first", "to_uid": "1:3"})]
    await fill(place, 6000)
    await wire.say("c RENAME INBOX second")  # in steps
    assert noted(place) == [(Kind.MOVED, {"mailbox": "INBOX", "uid": "1:6003", "to": "second", "to_uid": "1:6003"})]


async def test_delete(place: Place, connect: Callable[[], Wire]) -> None:
    wire = await enter(connect())
    await wire.say("a CREATE box/below")
    await wire.say("b DELETE box")
    assert noted(place) == [(Kind.REMOVED, {"mailbox": "box"})]
    await wire.say("c DELETE box/below")
    await wire.say("d DELETE box")  # only a name by now
    assert noted(place) == [(Kind.REMOVED, {"mailbox": "box/below"})]


async def test_replace(place: Place, connect: Callable[[], Wire]) -> None:
    await fill(place, 2)
    wire = await enter(connect())
    await wire.say("a REPLACE 1 INBOX {3+}\r\na:b")
    assert noted(place) == [(Kind.REMOVED, {"mailbox": "INBOX", "uid": 1})]


async def test_labels_are_copies(tmp_path: Path) -> None:
    place = Place(tmp_path, registry=Registry(asked=["X-GM-EXT-1"]))
    await fill(place, 3)
    wire = await enter(Wire(place))
    await wire.say("a STORE 1:2 +X-GM-LABELS (work)")
    assert noted(place) == [(Kind.COPIED, {"mailbox": "INBOX", "uid": "1:2", "to": "work", "to_uid": "1:2"})]
    await wire.say("b STORE 2:3 +X-GM-LABELS (work)")
    assert noted(place) == [(Kind.COPIED, {"mailbox": "INBOX", "uid": 3, "to": "work", "to_uid": 3})]
    await wire.say("c STORE 1:2 -X-GM-LABELS (work)")
    assert noted(place) == [(Kind.REMOVED, {"mailbox": "work", "uid": "1:2"})]
    await wire.say("d STORE 1 -X-GM-LABELS (work)")
    assert noted(place) == []
    place.close()
