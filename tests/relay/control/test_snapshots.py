"""The relay's half of snapshots, by its control door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorRefused
from tests.relay.control.test_endpoints import BUSY, Desk, certificate, desk, server_tls

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["certificate", "desk", "server_tls"]  # fixtures


async def status_of(request: Awaitable[Any]) -> int:
    with pytest.raises(DoorRefused) as error:
        await request
    return error.value.status


def asked(**more: Any) -> dict[str, Any]:
    return {"world": "default", "name": "Seeded one", "token": "t1", **more}


async def test_take_list_restore_delete(desk: Desk) -> None:
    door = desk.door
    desk.site.store.replies["RCPT TO:<bob@beta.test>"] = BUSY
    ident = await desk.send("bob@beta.test")
    await desk.until(deferred=1)
    await door.post("/freeze", world="default")
    taken = await door.post("/snapshots", asked())
    assert taken.items() >= {"name": "Seeded one", "token": "t1", "messages": 1}.items()
    assert taken["last"] > 0
    assert await door.get("/snapshots") == {"snapshots": [taken]}
    assert await door.get("/snapshots", world="shop") == {"snapshots": []}
    await desk.send("bob@beta.test")
    await desk.until(deferred=2)
    await door.post("/freeze")
    await door.post("/snapshots/begin", asked(restore="r1"))
    assert await door.post("/thaw") == {}  # not while a restore is under way
    assert (await door.get("/snapshots/restoring"))["restoring"] == [{**asked(), "restore": "r1", "fresh": False}]
    late = await desk.send("alice@beta.test")  # it is durable, and dropped with the rest
    assert await door.post("/snapshots/finish", {"world": "default", "restore": "r1"}) == {"messages": 1}
    assert (await door.get("/snapshots/restoring"))["restoring"] == []
    (message,) = (await door.get("/queue"))["messages"]
    assert (message["queue_id"], message["attempts"]) == (ident, 1)
    assert (await desk.kinds(late))[-1] == "dropped"
    assert (await desk.kinds(ident))[-1] == "restored"
    await door.post("/freeze")
    await door.post("/snapshots/begin", asked(restore="r2"))
    await door.post("/snapshots/cancel", {"world": "default", "restore": "r2"})
    assert await door.delete("/snapshots", name="Seeded one") == {}
    assert await door.get("/snapshots") == {"snapshots": []}


async def test_what_is_refused(desk: Desk) -> None:
    door = desk.door
    assert await status_of(door.post("/snapshots", asked())) == 409  # nothing is frozen
    assert await status_of(door.delete("/snapshots", name="nothing")) == 404
    assert await status_of(door.post("/snapshots/finish", {"world": "default", "restore": "r"})) == 404
    await door.post("/freeze")
    assert await status_of(door.post("/snapshots/begin", asked(restore="r"))) == 404
    await door.post("/thaw")
    wrongs: list[Any] = [asked(token="../t"), asked(world="a/b"), asked(name=""), asked(token=None), [], "x"]
    for wrong in wrongs:
        assert await status_of(door.post("/snapshots", wrong)) == 400
    assert await status_of(door.get("/snapshots", world="..")) == 400
