"""The clock of a world: what is asked of the relay, and what its answers become."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.doors import ToyStack
from tests.web.api.asgi import NoCatalog, client, services, state_of

CLOCK: dict[str, Any] = {"now": 1.5, "ahead": 7200.0, "next": 9.5, "pushing": False}
SHOWN = {"now": "1970-01-01T00:00:01.500Z", "ahead": 7200.0, "next": "1970-01-01T00:00:09.500Z"}


class Catalog(NoCatalog):
    """Notes up to where the journals are to be folded."""

    def __init__(self) -> None:
        self.known: list[tuple[int, int]] = []

    async def caught_up(self, relay: int, store: int, _patience: float) -> None:
        self.known.append((relay, store))


async def test_it_is_shown() -> None:
    stack = ToyStack()
    given: list[Any] = []

    def shown(query: Any) -> dict[str, Any]:
        given.append(query)
        return {**CLOCK, "next": None}

    stack.relay.answers["GET", "/clock"] = shown
    async with client(services(relay=stack.relay)) as http:
        assert (await http.get("/v1/worlds/default/clock")).json() == {**SHOWN, "next": None}
    assert given == [{"world": "default"}]


@pytest.mark.parametrize(
    ("asked", "told"), [(7200, 7200.0), ("2h", 7200.0), ("90", 90.0), ("0", 0.0), (0.5, 0.5), ("next", "next")]
)
async def test_it_is_pushed(asked: Any, told: Any) -> None:
    stack = ToyStack()
    given: list[Any] = []
    # The relay answers before the push is over, twice.
    waits = [{**CLOCK, "pushing": True}, CLOCK]

    def begun(value: Any) -> dict[str, Any]:
        given.append(value)
        return {**CLOCK, "pushing": True}

    stack.relay.answers["POST", "/clock"] = begun
    stack.relay.answers["GET", "/clock"] = lambda _: waits.pop(0)
    stack.relay.answers["GET", "/state"] = lambda _: state_of(stack)
    catalog = Catalog()
    async with client(services(relay=stack.relay, store=stack.store, catalog=catalog)) as http:
        answer = await http.post("/v1/worlds/default/clock", json={"push": asked})
        assert (answer.status_code, answer.json()) == (200, SHOWN)
    assert given == [{"push": told}]
    assert waits == []
    # Whoever lists messages now finds each as the push has left it.
    assert catalog.known == [(stack.relay.number, stack.store.number)]


@pytest.mark.parametrize("push", [-1, "2 h", "soon", "", None, True, "3651d", 1e10, [1]])
async def test_a_push_by_nonsense(push: Any) -> None:
    async with client(services(relay=ToyStack().relay)) as http:
        answer = await http.post("/v1/worlds/default/clock", json={"push": push})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "push"


async def test_a_world_that_is_not_there() -> None:
    async with client(services(relay=ToyStack().relay)) as http:
        for answer in (
            await http.get("/v1/worlds/nowhere/clock"),
            await http.post("/v1/worlds/nowhere/clock", json={"push": 1}),
        ):
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no world nowhere.")
