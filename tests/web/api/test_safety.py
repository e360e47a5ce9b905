"""Attacks on the application as a whole: each is refused, and says why."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from postroad.journal.refusals import BURST, REFILL
from postroad.world.guesses import Guesses, TooManyGuesses
from postroad_web.api import app as frame
from postroad_web.api import limits, native
from postroad_web.api.app import build
from postroad_web.api.problem import Problem
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from postroad.sasl.mechanism import Claim
    from postroad_web.api.services import Services

JSON = "application/problem+json"


@pytest.fixture(autouse=True)
def _routes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def echo(request: Request) -> Response:
        return JSONResponse({"octets": len(await request.body())})

    async def attachment(_request: Request) -> Response:
        return Response(b"<script>alert(1)</script>", media_type="text/html")

    async def fault(_request: Request) -> Response:
        raise RuntimeError("the password is 12345")

    async def early(_request: Request) -> Response:
        return JSONResponse({})

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    def routes(_services: Services) -> list[Any]:
        return [
            Route("/v1/echo", echo, methods=["GET", "POST"]),
            Route("/v1/messages", echo, methods=["POST"]),
            Route("/v1/attachment", attachment),
            Route("/v1/fault", fault),
            Route("/v1/early", early, methods=["POST"]),
            Route("/api/v1/messages", early, methods=["DELETE"]),
            WebSocketRoute("/v1/socket", socket),
        ]

    monkeypatch.setattr(native, "routes", routes)


async def test_rebinding_is_refused() -> None:
    async with client(services(), base="http://evil.example:8025") as http:
        answer = await http.get("/v1/echo")
        assert (answer.status_code, answer.headers["content-type"]) == (421, JSON)
        assert "POSTROAD_WEB_HOSTS" in answer.json()["detail"]
        assert (await http.get("/")).status_code == 421
        assert (await http.get("/livez")).status_code == 421
    async with client(services({"POSTROAD_WEB_HOSTS": "Evil.Example"}), base="http://evil.example:8025") as http:
        assert (await http.get("/v1/echo")).status_code == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost:8025/v1/echo", 200),
        ("HTTP://localhost/v1/%65cho", 200),
        ("http://localhost:8025", 200),
        ("http://evil.example/v1/echo", 421),
        ("http:///v1/echo", 421),
        ("*", 404),
        ("ftp://localhost/v1/echo", 404),
    ],
)
async def test_a_target_may_be_a_whole_url(target: str, status: int) -> None:
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(target),
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost:8025")],
        "scheme": "http",
    }
    await build(services())(scope, receive, send)
    assert told[0]["status"] == status


async def test_a_page_of_another_origin_changes_nothing() -> None:
    async with client(services()) as http:
        answer = await http.post("/v1/echo", headers={"Origin": "http://evil.example"})
        assert (answer.status_code, answer.headers["content-type"]) == (403, JSON)
        answer = await http.delete("/api/v1/messages", headers={"Origin": "http://evil.example"})
        assert (answer.status_code, answer.text) == (403, "Blocked due to CORS violation")
        assert (await http.post("/v1/echo", headers={"Origin": "http://localhost:8025"})).status_code == 200


async def test_a_websocket_of_another_origin_is_refused() -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/v1/socket",
        "headers": [(b"host", b"localhost:8025"), (b"origin", b"http://evil.example")],
        "query_string": b"",
        "extensions": {"websocket.http.response": {}},
    }
    application = frame.build(services())
    await application(scope, receive, send)
    assert [message.get("status") for message in sent] == [403, None]
    sent.clear()
    del scope["extensions"]
    await application(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
    sent.clear()
    scope["headers"] = [(b"host", b"localhost:8025"), (b"origin", b"http://localhost:8025")]
    await application(scope, receive, send)
    assert sent[0]["type"] == "websocket.accept"
    assert (b"x-content-type-options", b"nosniff") not in sent[0].get("headers", [])


async def test_whatever_is_served_can_run_nothing() -> None:
    async with client(services()) as http:
        for path in ("/v1/attachment", "/v1/echo", "/v1/fault", "/v1/nothing", "/livez"):
            headers = (await http.get(path)).headers
            assert "sandbox" in headers["content-security-policy"]
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-dns-prefetch-control"] == "off"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_fault_tells_nothing() -> None:
    async with client(services()) as http:
        answer = await http.get("/v1/fault")
        assert (answer.status_code, answer.headers["content-type"]) == (500, JSON)
        assert "12345" not in answer.text


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer secret"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"ann").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        {"Authorization": "Basic " + "YQ==" * 1000},
    ],
)
async def test_without_credentials_nothing_is_answered(headers: dict[str, str]) -> None:
    async with client(services({"POSTROAD_WEB_AUTH": "ann:s:ecret bob:x"})) as http:
        answer = await http.get("/v1/echo", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, JSON)
        assert answer.headers["www-authenticate"].startswith('Basic realm="Login"')
        assert (await http.get("/", headers=headers)).text == "Unauthorized.\n"


async def test_credentials() -> None:
    given = services({"POSTROAD_WEB_AUTH": "ann:s:ecret bob:x"})
    async with client(given) as http:
        assert (await http.get("/v1/echo", headers=basic("ann", "s:ecret"))).status_code == 200
        assert (await http.get("/v1/echo", headers=basic("bob", "x"))).status_code == 200
        wrong = asyncio.create_task(http.get("/v1/echo", headers=basic("bob", "s:ecret")))
        nobody = asyncio.create_task(http.get("/v1/echo", headers=basic("eve", "x")))
        for _ in range(21):
            await asyncio.sleep(0)
        assert not wrong.done()  # it is slowed down
        given.clock.push(2.0)
        assert (await wrong).status_code == 401
        assert (await nobody).status_code == 401


async def test_what_is_denied_leaves_a_line_within_bounds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "postroad_web.api.denied")
    given = services({"POSTROAD_WEB_AUTH": "ann:secret"})

    def lines() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.name == "postroad_web.api.denied"]

    async with client(given) as http:
        await http.get("/v1/echo")  # as a browser begins
        assert lines() == []
        await http.get("/v1/echo", headers={"Authorization": "Bearer x"})
        await http.get("/v1/echo", headers={"Host": "evil.example", **basic("ann", "secret")})
        await http.post("/v1/echo", headers={"Origin": "https://evil.example", **basic("ann", "secret")})
        assert lines()[0].getMessage() == "refused: A user name and password are needed"
        login, host, origin = (record.__dict__ for record in lines())
        assert [facts["status"] for facts in (login, host, origin)] == [401, 421, 403]
        assert (host["host"], host["user"], host["path"]) == ("evil.example", "ann", "/v1/echo")
        assert (origin["origin"], origin["method"]) == ("https://evil.example", "POST")
        for _ in range(BURST):
            await http.get("/v1/echo", headers={"Host": "evil.example"})
        assert len(lines()) == BURST
        given.clock.push(REFILL)
        await http.get("/v1/echo", headers={"Host": "evil.example"})
        assert lines()[-1].__dict__["not_noted"] == 3


async def test_too_many_guesses_are_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_guesses: Guesses, _find: object, claim: Claim, _address: str) -> None:
        raise TooManyGuesses(claim.login)

    monkeypatch.setattr(Guesses, "log_in", refuse)
    async with client(services({"POSTROAD_WEB_AUTH": "ann:secret"})) as http:
        answer = await http.get("/v1/echo", headers=basic("ann", "secret"))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")


async def pieces(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_bodies_are_bounded_whatever_they_say_of_themselves() -> None:
    async with client(services()) as http:
        assert (await http.post("/v1/echo", content=b"x" * 1000)).json() == {"octets": 1000}
        assert (await http.post("/v1/echo", content=b"x" * (6 << 20))).status_code == 413
        assert (await http.post("/v1/echo", content=pieces(1 << 20, 6))).status_code == 413
        answer = await http.post("/api/v1/send", content=b"", headers={"Content-Length": str(65 << 20)})
        assert (answer.status_code, answer.json()) == (413, {"Error": "At most 67108864 octets are taken here."})
        assert (await http.post("/v1/messages", content=pieces(1 << 20, 6))).json() == {"octets": 6 << 20}
        assert (await http.post("/v1/messages", content=pieces(1 << 20, 65))).status_code == 413
        for length in ("-1", "9" * 20, "1e3"):
            answer = await http.post("/v1/echo", content=b"", headers={"Content-Length": length})
            assert answer.status_code == 413


async def test_heads_are_bounded() -> None:
    async with client(services()) as http:
        for path, headers in (("/v1/echo?" + "x" * 40_000, {}), ("/v1/echo", {"X": "x" * 40_000})):
            answer = await http.get(path, headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (431, JSON)


async def test_large_bodies_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOGETHER", 3 << 20)
    async with client(services()) as http:
        answer = await http.post("/v1/messages", content=pieces(1 << 20, 4))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await http.post("/v1/messages", content=pieces(1 << 20, 3))).status_code == 200


async def test_a_body_that_was_one_too_many_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOGETHER", 3 << 20)
    sending, released = asyncio.Event(), asyncio.Event()

    async def long() -> AsyncIterator[bytes]:
        yield b"x" * (4 << 20)
        sending.set()
        await released.wait()

    async with client(services()) as http:
        refused = asyncio.create_task(http.post("/v1/messages", content=long()))
        await sending.wait()
        assert (await http.post("/v1/messages", content=pieces(1 << 20, 3))).status_code == 200
        released.set()
        assert (await refused).status_code == 503


async def endless() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PIECE_WITHIN", 0.05)
    async with client(services()) as http:
        answer = await http.post("/v1/echo", content=endless())
        assert answer.status_code == 408


@pytest.mark.parametrize(
    ("fields", "pieces"),
    [([], [{"type": "http.request", "body": b"x", "more_body": True}]), ([(b"content-length", b"300")], [])],
    ids=["in the middle", "at once"],
)
async def test_a_client_that_leaves_is_nobodys_fault(
    caplog: pytest.LogCaptureFixture, fields: list[Any], pieces: list[Any]
) -> None:
    messages = [*pieces, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    headers = [(b"host", b"localhost:8025"), *fields]
    scope = {"type": "http", "method": "POST", "path": "/v1/echo", "query_string": b"", "headers": headers}
    await frame.build(services())(scope, receive, send)
    assert caplog.records == []


def test_only_so_many_are_held_at_a_time() -> None:
    slots = limits.Slots("waits", 1)
    with slots.one():
        with pytest.raises(Problem) as refused, slots.one():
            pass
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
    with slots.one():
        assert slots.taken == 1


async def test_what_nobody_reads_is_taken_before_the_answer_ends() -> None:
    application = frame.build(services())
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/early",
        "headers": [(b"host", b"localhost:8025"), (b"content-length", b"300")],
        "query_string": b"",
    }
    events: list[Any] = []
    pieces = [{"type": "http.request", "body": b"x" * 100, "more_body": more} for more in (True, True, False)]

    async def receive() -> Any:
        events.append("piece")
        return pieces.pop(0)

    async def send(message: Any) -> None:
        events.append((message.get("body"), message.get("more_body", False)))

    await application(scope, receive, send)
    assert events == [(None, False), (b"{}", True), "piece", "piece", "piece", (b"", False)]
    # A client that waits to be asked for the body does not send it after an answer (RFC 9110 §10.1.1).
    scope["headers"] = [*scope["headers"], (b"expect", b"100-continue")]
    events.clear()
    await application(scope, receive, send)
    assert events == [(None, False), (b"{}", True), (b"", False)]


async def test_what_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINGER", 0.05)
    async with client(services()) as http:
        assert (await http.post("/v1/early", content=endless())).status_code == 200
