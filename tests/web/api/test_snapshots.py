"""The routes of snapshots: what is asked for, and what the answers are."""

from __future__ import annotations

from typing import Any

import pytest

from postroad_web.snapshots.snapshots import Snapshot, SnapshotRefused
from tests.harness.doors import ToyStack
from tests.web.api.asgi import client, services

TAKEN = Snapshot("default", "seeded", "t", 1.5, 3, 4, 5, 2, 7)
SHOWN: dict[str, Any] = {
    "name": "seeded",
    "world": "default",
    "taken": "1970-01-01T00:00:01.500Z",
    "accounts": 3,
    "messages": 4,
    "octets": 5,
    "queued": 2,
}


class Toy:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def of(self, world: str) -> list[Snapshot]:
        self.asked.append(world)
        return [TAKEN]

    async def take(self, world: str, name: str) -> Snapshot:
        self.asked.append((world, name))
        if name == "taken":
            raise SnapshotRefused(409, "There is a snapshot taken already.")
        return TAKEN

    async def restore(self, world: str, name: str, *, fresh: bool) -> Snapshot:
        self.asked.append((world, name, fresh))
        if name == "gone":
            raise SnapshotRefused(404, "There is no snapshot gone.")
        return TAKEN

    async def delete(self, world: str, name: str) -> None:
        self.asked.append((world, name))


async def test_the_routes() -> None:
    toy = Toy()
    given = services(relay=ToyStack().relay)
    given.snapshots = toy  # type: ignore[assignment]
    path = "/v1/worlds/default/snapshots"
    async with client(given) as http:
        assert (await http.get(path)).json() == {"snapshots": [SHOWN]}
        answer = await http.post(path, json={"name": "seeded"})
        assert (answer.status_code, answer.json()) == (201, SHOWN)
        assert (await http.post(f"{path}/a%20b/restore")).json() == SHOWN
        await http.post(f"{path}/seeded/restore", json={"fresh": True})
        assert (await http.delete(f"{path}/seeded")).status_code == 204
        refused = await http.post(path, json={"name": "taken"})
        assert (refused.status_code, refused.json()["detail"]) == (409, "There is a snapshot taken already.")
        assert (await http.post(f"{path}/gone/restore")).status_code == 404
    assert toy.asked == [
        "default",
        ("default", "seeded"),
        ("default", "a b", False),
        ("default", "seeded", True),
        ("default", "seeded"),
        ("default", "taken"),
        ("default", "gone", False),
    ]


@pytest.mark.parametrize("name", ["", "a/b", "x" * 101, "a\nb", None, 7])
async def test_a_name_that_can_not_be(name: Any) -> None:
    async with client(services(relay=ToyStack().relay)) as http:
        answer = await http.post("/v1/worlds/default/snapshots", json={"name": name})
        assert answer.status_code == 422
        assert (await http.get("/v1/worlds/nowhere/snapshots")).status_code == 404
