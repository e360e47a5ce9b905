"""The clock of a world, by the relay's control door."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest

from postroad.control.client import DoorRefused
from postroad_relay.queue.spool.clocks import Clocks
from tests.relay.control.test_endpoints import BUSY, Desk, certificate, desk, server_tls

__all__ = ["certificate", "desk", "server_tls"]  # fixtures

DAY: Final = 86400.0


async def push(desk: Desk, by: Any, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await desk.door.post("/clock", {"push": by}, **{"wait": 10, **query})
    return answer


async def test_a_clock_is_shown_and_pushed(desk: Desk) -> None:
    clock = await desk.door.get("/clock")
    assert clock == {"now": pytest.approx(time.time(), abs=5), "ahead": 0, "next": None, "pushing": False}
    desk.site.store.replies["RCPT TO:<bob@beta.test>"] = BUSY
    ident = await desk.send("bob@beta.test")
    (waiting,) = (await desk.until(deferred=1))["messages"]
    assert (await desk.door.get("/clock"))["next"] == pytest.approx(waiting["due"], abs=0.1)
    pushed = await push(desk, "next")
    assert pushed["pushing"] is False
    assert pushed["ahead"] == pytest.approx(600, abs=65)
    (again,) = (await desk.until(deferred=1))["messages"]
    assert (again["queue_id"], again["attempts"]) == (ident, 2)
    assert again["due"] == pytest.approx(pushed["next"], abs=0.1)
    assert again["due"] > pushed["now"]
    further = await push(desk, 7200)
    assert further["ahead"] == pushed["ahead"] + 7200
    deferred = [event for event in await desk.events() if event["kind"] == "deferred"]
    assert len(deferred) == 2 + 11  # each attempt comes ten to eleven minutes after the one before it
    assert further["next"] == pytest.approx(deferred[-1]["next"], abs=0.1)
    times = [event["time"] for event in deferred]
    assert times == sorted(times)
    assert times[-1] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 6600))


async def test_the_clock_of_another_world_is_its_own(desk: Desk) -> None:
    await push(desk, 100, world="shop")
    assert (await desk.door.get("/clock", world="shop"))["ahead"] == 100
    assert (await desk.door.get("/clock"))["ahead"] == 0


async def test_a_push_that_takes_long_is_waited_for_again(desk: Desk) -> None:
    answer = await push(desk, 100, wait=0)
    while answer["pushing"]:
        answer = await desk.door.get("/clock", wait=10)
    assert answer["ahead"] == 100


@pytest.mark.parametrize("by", [-1, True, "2h", None, 1e12])
async def test_a_push_by_nonsense(desk: Desk, by: Any) -> None:
    with pytest.raises(DoorRefused) as error:
        await push(desk, by)
    assert (error.value.status, error.value.sentence) == (400, "push must be seconds from 0 to 315360000, or next")


async def test_a_push_beyond_a_century(desk: Desk) -> None:
    for _ in range(10):
        await push(desk, 3650 * DAY)
    with pytest.raises(DoorRefused) as error:
        await push(desk, 1)
    assert error.value.status == 409


@pytest.mark.parametrize(
    ("fault", "status", "sentence"),
    [
        (OSError(28, "No space left on device"), 507, "the world's clock can't be written: [Errno 28] No space left"),
        (RuntimeError("a fault of the relay's own"), 500, "something failed that nobody foresaw"),
    ],
)
async def test_a_clock_that_can_not_be_written_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int, sentence: str
) -> None:
    def fail(_clocks: Clocks, _world: str, _ahead: float) -> None:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(Clocks, "_write", fail)
        with pytest.raises(DoorRefused) as error:
            await push(desk, 100)
    assert error.value.status == status
    assert sentence in error.value.sentence
    assert (await desk.door.get("/clock"))["ahead"] == 0
    assert (await push(desk, 100))["ahead"] == 100
