"""The queue's routes: what is asked of the relay, and what its answers become."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.doors import ToyStack
from tests.web.api.asgi import client, services

ENTRY: dict[str, Any] = {
    "queue_id": "q1",
    "message_id": "<1@alpha.test>",
    "arrived": 1.5,
    "sender": None,
    "size": 100,
    "attempts": 2,
    "due": 9.5,
    "held": False,
    "active": False,
    "recipients": [
        {"address": "bob@beta.test", "state": "deferred", "status": "4.2.0", "reason": "451 later", "host": "mx"}
    ],
}
SHOWN = {
    "id": "q1",
    "world": "default",
    **{name: value for name, value in ENTRY.items() if name != "queue_id"},
    "arrived": "1970-01-01T00:00:01.500Z",
    "due": "1970-01-01T00:00:09.500Z",
}


def toy() -> tuple[ToyStack, list[Any]]:
    stack = ToyStack()
    given: list[Any] = []

    def answered(value: Any) -> Any:
        def answer(asked: Any) -> Any:
            given.append(asked)
            return value

        return answer

    stack.relay.answers |= {
        ("GET", "/queue"): answered({"messages": [ENTRY], "next": "q1", "total": 1}),
        ("GET", "/queue/q1"): answered(ENTRY),
        ("DELETE", "/queue/q1"): answered({}),
        ("POST", "/queue/retry"): answered({"count": 1}),
        **{("POST", f"/queue/q1/{action}"): answered(ENTRY) for action in ("retry", "hold", "release")},
    }
    return stack, given


async def test_the_queue() -> None:
    stack, given = toy()
    async with client(services(relay=stack.relay)) as http:
        answer = await http.get("/v1/queue?limit=7&after=q0")
        assert answer.json() == {"messages": [SHOWN], "next": "q1", "total": 1}
        assert given.pop() == {"after": "q0", "limit": 7, "world": "default"}
        assert (await http.get("/v1/queue?world=*")).status_code == 200
        assert given.pop() == {"after": None, "limit": 50}
        assert (await http.get("/v1/queue/q1")).json() == SHOWN
        for action in ("retry", "hold", "release"):
            assert (await http.post(f"/v1/queue/q1/{action}")).json() == SHOWN
        assert (await http.post("/v1/queue/retry", json={"ids": ["q1"]})).json() == {"count": 1}
        assert given.pop() == {"ids": ["q1"], "world": "default"}
        assert (await http.post("/v1/queue/retry")).json() == {"count": 1}
        assert given.pop() == {"ids": None, "world": "default"}
        for report, asked in (("?report=yes", "yes"), ("?report=no", "no"), ("", "no")):
            assert (await http.delete(f"/v1/queue/q1{report}")).status_code == 204
            assert given.pop() == {"report": asked}


@pytest.mark.parametrize("ident", ["q2", "..%2f..%2fstate", "%00", "a%20b", "q1%3freport=yes"])
async def test_what_is_not_there(ident: str) -> None:
    stack, given = toy()
    async with client(services(relay=stack.relay)) as http:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("POST", "/hold")):
            answer = await http.request(method, f"/v1/queue/{ident}{path}")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
    assert given == []


async def test_bad_requests() -> None:
    stack, _ = toy()
    async with client(services(relay=stack.relay)) as http:
        for path in ("/v1/queue?limit=0", "/v1/queue?limit=x", "/v1/queue?colour=red", "/v1/queue?limit=1&limit=2"):
            assert (await http.get(path)).status_code == 422
        assert (await http.delete("/v1/queue/q1?report=perhaps")).status_code == 422
        assert (await http.post("/v1/queue/q1/hold", json={"a": 1})).status_code == 422
        assert (await http.post("/v1/queue/retry", content=b"{")).status_code == 400
        assert (await http.post("/v1/queue/retry", content=b"[]")).status_code == 422
        answer = await http.put("/v1/queue/q1")
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"DELETE", "GET", "HEAD"}


async def test_a_relay_that_is_away_or_broken() -> None:
    from postroad.control.client import DoorRefused

    stack, _ = toy()
    async with client(services(relay=stack.relay)) as http:
        stack.relay.away = True
        answer = await http.get("/v1/queue")
        assert (answer.status_code, answer.json()["service"], answer.headers["retry-after"]) == (503, "relay", "1")
        stack.relay.away = False

        def fail(_: object) -> None:
            raise DoorRefused(500, "something went wrong")

        stack.relay.answers["GET", "/queue"] = stack.relay.answers["GET", "/queue/q1"] = fail
        assert (await http.get("/v1/queue")).status_code == 502
        assert (await http.get("/v1/queue/q1")).status_code == 502

        def refuse(_: object) -> None:
            raise DoorRefused(409, "it is under way")

        stack.relay.answers["GET", "/queue"] = refuse
        answer = await http.get("/v1/queue")
        assert (answer.status_code, answer.json()["detail"]) == (409, "it is under way")
