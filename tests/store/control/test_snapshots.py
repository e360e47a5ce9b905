"""The store's half of snapshots, by its control door, with sessions that have a mailbox open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorClient, DoorRefused
from postroad.journal import Kind
from postroad_store.control import snapshots
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import FlagSet
from postroad_store.mail.model.letter import Letter
from tests.harness.control import DISMISSED

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.mail.model.mailbox import Mailbox
    from tests.harness.imap import Place

BOB = "bob@alpha.test"


def asked(name: str = "seeded", token: str = "t1", **more: Any) -> dict[str, Any]:
    return {"world": "default", "name": name, "token": token, **more}


async def put(place: Place, mailbox: Mailbox) -> None:
    await place.storage.append([Arrival((mailbox,), b"Subject: one\r\n\r\n1\r\n", 0, FlagSet(0))])


async def refused(request: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(DoorRefused) as error:
        await request
    return error.value.status, error.value.sentence


async def test_take_list_restore_delete(door: DoorClient, place: Place) -> None:
    bob = await place.storage.account(BOB)
    await put(place, bob.inbox)
    DISMISSED.clear()
    taken = await door.post("/snapshots", asked())
    assert taken.items() >= {"world": "default", "name": "seeded", "token": "t1", "messages": 1}.items()
    assert await door.get("/snapshots") == {"snapshots": [taken]}
    assert await door.get("/snapshots", world="shop") == {"snapshots": []}
    await put(place, bob.inbox)
    view = place.storage.view(bob.inbox)
    assert (await door.post("/snapshots/restore", asked(token="r1")))["accounts"] >= 1
    assert view.gone
    assert BOB in DISMISSED
    assert list(place.storage.view(bob.inbox).uids) == [1]
    assert await door.post("/snapshots/restore", asked(token="r1")) == {"accounts": 0}
    before = bob.inbox.uid_validity
    await door.post("/snapshots/restore", asked(token="r2", fresh=True))
    assert bob.inbox.uid_validity > before
    events = [(kind, detail) for kind, detail in place.journal.entries if detail.get("account") == BOB]
    kinds = [kind for kind, _ in events if kind in {Kind.KEPT, Kind.RESTORED}]
    assert kinds == [Kind.KEPT, Kind.RESTORED, Kind.RESTORED]
    assert {detail["token"] for kind, detail in events if kind in {Kind.KEPT, Kind.RESTORED}} == {"t1"}
    assert events[-1][1]["uid_validities"]["INBOX"] == bob.inbox.uid_validity
    assert await door.delete("/snapshots", name="seeded") == {}
    assert await door.get("/snapshots") == {"snapshots": []}


async def test_what_is_refused(door: DoorClient) -> None:
    await door.post("/snapshots", asked())
    assert (await refused(door.post("/snapshots", asked())))[0] == 409
    for name in ("b", "c"):
        await door.post("/snapshots", asked(name))
    status, sentence = await refused(door.post("/snapshots", asked("d")))
    assert (status, sentence) == (409, "a world has at most 3 snapshots (POSTROAD_SNAPSHOTS)")
    assert (await refused(door.post("/snapshots/restore", asked("nothing"))))[0] == 404
    assert (await refused(door.delete("/snapshots", name="nothing")))[0] == 404
    assert (await refused(door.delete("/snapshots")))[0] == 400
    assert (await refused(door.post("/snapshots", {**asked("e"), "world": "nowhere"})))[0] == 404
    for wrong in ({"name": "x"}, asked("a/b"), asked(""), asked("x" * 101), asked("x", ""), asked("a\nb")):
        assert (await refused(door.post("/snapshots", wrong)))[0] == 400


async def test_letters_are_waited_for(door: DoorClient, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.storage.outbox.deliver([], [Letter("", "a@x.test", b"Subject: gone\r\n\r\n", False)], [], 0.0)
    monkeypatch.setattr(snapshots, "PATIENCE", 0.01)
    assert (await refused(door.post("/snapshots", asked())))[0] == 409
    posted = place.storage.outbox.due(1.0)
    assert posted is not None
    monkeypatch.undo()
    place.storage.outbox.forget(posted.number)
    await door.post("/snapshots", asked())
