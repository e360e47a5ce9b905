"""Both streams."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.mailhog import events
from postroad_web.mailhog.events import event
from tests.web.mailpit.test_events import WAIT, listening

if TYPE_CHECKING:
    from tests.web.dialect import Web

SOCKET, LINES = "/api/v2/websocket", "/api/v1/events"


async def test_the_websocket_tells_of_each_message(web: Web) -> None:
    async with listening(web, SOCKET) as socket:
        socket.said.put_nowait({"type": "websocket.receive", "text": "hello"})  # nobody listens to it
        web.stack.send(b"Subject: report\r\n\r\n", None, ["alice@alpha.test"], port="report")
        ident = web.send("one")
        assert await socket.frame() == (await web.http.get(f"/api/v1/messages/{ident}")).json()
        await web.json(f"/api/v1/message/{ident}")  # read by Mailpit's: nothing new
        two = web.send("two")
        assert (await socket.frame())["ID"] == two


async def test_a_client_that_does_not_read_is_dropped(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SENT_WITHIN", 0.05)
    async with listening(web, SOCKET) as socket:
        socket.stuck = asyncio.Event()
        web.send("one")
        while (message := await socket.frame()).get("type") != "websocket.close":
            pass
        assert message["code"] == 1001


async def test_only_so_many_clients_listen(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "AT_ONCE", 1)
    async with listening(web, SOCKET):
        with pytest.raises(AssertionError):
            async with listening(web, SOCKET):
                pass


class Reader:
    """A client of the stream of lines."""

    def __init__(self, web: Web) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.left = asyncio.Event()
        scope = {"type": "http", "method": "GET", "path": LINES, "query_string": b"", "headers": []}
        self.serving = asyncio.ensure_future(web.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.told.put(message)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.told.get(), WAIT)

    async def leave(self) -> None:
        self.left.set()
        await asyncio.wait_for(self.serving, WAIT)


async def test_lines(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEPALIVE", 0.05)
    reader = Reader(web)
    start = await reader.next()
    assert dict(start["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert (await reader.next())["body"] == b"keepalive: \n\n"
    ident = web.send("one")
    while (body := (await reader.next())["body"]) == b"keepalive: \n\n":
        pass
    lines = body.decode().split("\n")
    assert lines[:2] == ["data: {", f'data:   "ID": "{ident}",']
    assert lines[-3:] == ["data: }", "", ""]
    told = json.loads("".join(line.removeprefix("data: ") for line in lines))
    assert told == (await web.http.get(f"/api/v1/messages/{ident}")).json()
    await reader.leave()


async def test_head_is_no_stream(web: Web) -> None:
    answer = await web.http.head(LINES)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_an_event_is_json_of_many_lines() -> None:
    assert event('{"a":["ü"]}'.encode()) == 'data: {\ndata:   "a": [\ndata:     "ü"\ndata:   ]\ndata: }\n\n'.encode()
