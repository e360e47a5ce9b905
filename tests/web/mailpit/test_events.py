from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.catalog.hub import Change, Happened
from postroad_web.catalog.record import Origin
from postroad_web.mailpit import events
from postroad_web.mailpit.events import Telling
from postroad_web.mailpit.info import VERSION
from postroad_web.mailpit.mailbox import MANY
from tests.web.mailpit.records import BARE, RECORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from tests.web.dialect import Web

WAIT = 10.0


class Socket:
    """A websocket of the client's."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.gone = False
        self.stuck: asyncio.Event | None = None  # set to let the client read on

    async def receive(self) -> dict[str, Any]:
        return await self.said.get()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.gone and message["type"] == "websocket.close":
            raise OSError("the client has gone")
        if self.stuck is not None and message["type"] == "websocket.send":
            await self.stuck.wait()
        await self.told.put(dict(message))

    async def frame(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.told.get(), WAIT)
        return json.loads(message["text"]) if message["type"] == "websocket.send" else message

    async def until(self, kind: str) -> dict[str, Any]:
        while (frame := await self.frame()).get("Type") != kind:
            pass
        return frame

    def leave(self) -> None:
        self.gone = True
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1000})


@asynccontextmanager
async def listening(web: Web, path: str = "/api/events") -> AsyncIterator[Socket]:
    socket = Socket()
    socket.said.put_nowait({"type": "websocket.connect"})
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost:8025")],
        "subprotocols": [],
        "scheme": "ws",
    }
    serving = asyncio.ensure_future(web.app(scope, socket.receive, socket.send))
    try:
        assert (await socket.frame())["type"] == "websocket.accept"
        yield socket
    finally:
        socket.leave()
        await asyncio.wait_for(serving, WAIT)


async def test_a_message_is_told_in_order(web: Web) -> None:
    async with listening(web) as socket:
        assert await socket.frame() == {"Type": "stats", "Data": {"Total": 0, "Unread": 0, "Version": VERSION}}
        ident = web.send("Hello", more="X-Tags: a\r\n")
        assert await socket.frame() == {"Type": "update", "Data": {"ID": ident, "Tags": ["a"]}}
        new = await socket.frame()
        assert new["Type"] == "new"
        assert new["Data"] == (await web.json("/api/v1/messages"))["messages"][0]
        assert await socket.frame() == {"Type": "stats", "Data": {"Total": 1, "Unread": 1, "Version": VERSION}}


async def test_what_people_do_is_told(web: Web) -> None:
    first, second = web.send("one"), web.send("two")
    await web.subjects()
    async with listening(web) as socket:
        await socket.until("stats")
        await web.json(f"/api/v1/message/{first}")
        assert await socket.frame() == {"Type": "update", "Data": {"ID": first, "Read": True}}
        await web.http.put("/api/v1/tags", json={"Tags": ["t"], "IDs": [first]})
        assert (await socket.until("update"))["Data"] == {"ID": first, "Tags": ["t"]}
        await web.http.delete("/api/v1/tags/t")
        assert (await socket.until("prune"))["Data"] is None
        await web.http.request("DELETE", "/api/v1/messages", json={"IDs": [second]})
        assert (await socket.until("delete"))["Data"] == {"ID": second}
        await web.http.delete("/api/v1/messages")
        assert (await socket.until("truncate"))["Data"] is None
        assert (await socket.until("stats"))["Data"]["Total"] == 0


async def test_refusals_of_the_relay_are_told(web: Web) -> None:
    await web.subjects()
    others = set(web.catalog.refusals)
    web.stack.relay.note("refused", time.time() - 3600, peer="10.0.0.9", port="app", reply="550 5.1.1 Long ago")
    async with listening(web) as socket:
        await socket.until("stats")
        now = time.time() + 1
        web.stack.store.note("refused", now, peer="127.0.0.1", port="smtp", reply="550 5.1.1 No such user here")
        web.stack.relay.note("refused", now, command="TLS", peer="127.0.0.1", port="submission", reason="no handshake")
        web.stack.relay.note("refused", now, peer="10.0.0.1", port="app", reply="451 Chaos sender error")
        web.stack.relay.note("refused", now, peer="10.0.0.2", port="smtp", reply="550 5.7.1 Relaying denied")
        warning, error = await socket.frame(), await socket.frame()
        facts = {"Level": "warning", "Type": "smtpd", "IP": "10.0.0.1", "Message": "451 Chaos sender error"}
        assert warning == {"Type": "error", "Data": facts}
        facts = {"Level": "error", "Type": "smtpd", "IP": "10.0.0.2", "Message": "550 5.7.1 Relaying denied"}
        assert error == {"Type": "error", "Data": facts}
    assert web.catalog.refusals == others


async def test_what_changes_nothing_is_told_all_the_same(web: Web) -> None:
    ident = web.send("one", more="X-Tags: t\r\n")
    await web.subjects()
    async with listening(web) as socket:
        await socket.until("stats")
        await web.http.put("/api/v1/messages", json={"IDs": [ident, "unknown"], "Read": False})
        assert await socket.frame() == {"Type": "update", "Data": {"ID": ident, "Read": False}}
        await socket.until("stats")
        await web.http.put("/api/v1/tags", json={"IDs": [ident], "Tags": ["T", "t"]})
        await web.http.put("/api/v1/tags", json={"IDs": [ident], "Tags": ["t"]})
        assert (await socket.until("update"))["Data"] == {"ID": ident, "Tags": ["T"]}
        assert (await socket.until("update"))["Data"] == {"ID": ident, "Tags": ["t"]}


async def test_what_a_client_says_is_ignored(web: Web) -> None:
    async with listening(web) as socket:
        await socket.until("stats")
        socket.said.put_nowait({"type": "websocket.receive", "text": "hello"})
        web.send("Hello")
        await socket.until("new")
        assert socket.said.empty()


async def test_a_client_that_does_not_read_is_dropped(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SENT_WITHIN", 0.05)
    async with listening(web) as socket:
        socket.stuck = asyncio.Event()
        web.send("Hello")
        while (message := await socket.frame()).get("type") != "websocket.close":
            pass
        assert message["code"] == 1001


async def test_only_so_many_clients_listen(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_CLIENTS", 1)
    async with listening(web):
        with pytest.raises(AssertionError):
            async with listening(web):
                pass
    async with listening(web) as socket:
        await socket.until("stats")


CROWD = (RECORD,) * (MANY + 1)
REPORT = type(RECORD)(id="r", number=1, origin=Origin.REPORT)


@pytest.mark.parametrize(
    ("kind", "records", "told"),
    [
        (Happened.ARRIVED, (BARE, REPORT), []),
        (Happened.UPDATED, (REPORT,), []),
        (Happened.UPDATED, CROWD, []),
        (Happened.UPDATED, (BARE,), [("update", {"ID": BARE.id, "Read": False})]),
        (Happened.DELETED, CROWD, [("prune", None)]),
        (Happened.PURGED, (), [("truncate", None)]),
        (Happened.TAGS, (RECORD,), [("prune", None)]),
    ],
)
def test_changes_of_many(kind: Happened, records: tuple[Any, ...], told: list[Any]) -> None:
    assert list(Telling().of(Change(1, kind, records, "default"))) == told


def test_a_delivery_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_REMEMBERED", 1)
    telling = Telling()
    assert [kind for kind, _ in telling.of(Change(1, Happened.ARRIVED, (RECORD,), "default"))] == ["update", "new"]
    assert list(telling.of(Change(2, Happened.UPDATED, (RECORD,), "default"))) == []
    list(telling.of(Change(3, Happened.UPDATED, (BARE,), "default")))  # and the first is forgotten
    assert [kind for kind, _ in telling.of(Change(4, Happened.UPDATED, (RECORD,), "default"))] == ["update", "update"]
