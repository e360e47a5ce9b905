"""GET /v1/events and /v1/events/ws: what is streamed, and how a stream is taken up again."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from postroad.control.client import DoorAway
from postroad_web.api import stream
from postroad_web.api.app import build
from postroad_web.api.limits import Slots
from postroad_web.api.listening import Listening
from postroad_web.api.native import events
from postroad_web.catalog.hub import Happened
from tests.web.api.asgi import client, stacked
from tests.web.api.test_wait import ANN, BOB, mail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from postroad_web.api.services import Services
    from tests.harness.doors import ToyStack


class Streamed:
    """One connection that reads server-sent events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def event(self) -> dict[str, str]:
        """Return the fields of the next event; a comment has the name ""."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(5):
            while True:
                line = (await self.reader.readline()).decode().rstrip("\r\n")
                name, colon, value = line.partition(":")
                if colon:
                    fields[name] = value.strip()
                elif line == "" and fields:
                    return fields

    async def change(self) -> tuple[str, Any]:
        fields = await self.event()
        return fields["event"], json.loads(fields["data"])["message"]


class Rig:
    """A toy stack behind a real server."""

    def __init__(self, stack: ToyStack, given: Services, port: int) -> None:
        self.stack, self.services, self.port = stack, given, port

    def send(self, to: str = BOB) -> str:
        return self.stack.send(mail(to=to), ANN, [to])

    async def told(self) -> None:
        await self.stack.told(self.services.catalog)

    @asynccontextmanager
    async def streamed(self, query: str = "", *headers: str) -> AsyncIterator[Streamed]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"GET /v1/events{query} HTTP/1.1", "Host: localhost", *headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head
        assert b"text/event-stream" in head
        try:
            yield Streamed(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    async with stacked(folder) as (stack, given):
        server = Listening(build(given), connections=50)
        server.bind("127.0.0.1", 0)
        await server.start()
        try:
            yield Rig(stack, given, server.port)
        finally:
            await server.close()


async def test_what_happens_is_streamed(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, it.streamed() as streamed:
        assert (await streamed.event())["id"] == str(it.services.catalog.cursor)
        ident = it.send()
        kind, message = await streamed.change()
        assert (kind, message["id"], message["subject"]) == ("arrived", ident, "Hello")
        await it.services.catalog.of("default").mark([ident], read=True)
        kind, message = await streamed.change()
        assert (kind, message["read"]) == ("updated", True)
        await it.services.catalog.every.delete([ident])
        assert await streamed.change() == ("deleted", {"id": ident, "number": message["number"]})
        await it.services.catalog.of("default").purge()
        while (change := await streamed.change())[0] != "purged":
            pass
        assert change[1] is None


async def test_a_stream_is_taken_up_where_it_ended(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.send()
        await it.told()
        cursor = it.services.catalog.cursor
        missed = [it.send(), it.send()]
        await it.told()
        for query, header in (("", f"Last-Event-ID: {cursor}"), (f"?after={cursor}", "X: y")):
            async with it.streamed(query, header) as streamed:
                assert (await streamed.event())["id"] == str(cursor)
                changes = [await streamed.change(), await streamed.change()]
                assert {message["id"] for _, message in changes} == set(missed[:2])
                assert {kind for kind, _ in changes} == {"arrived"}
                for _ in missed[2:]:
                    await streamed.change()
                missed.append(later := it.send())
                kind, message = await streamed.change()
                assert (kind, message["id"]) == ("arrived", later)


async def test_nothing_is_missed_behind_the_line_that_says_where_a_stream_begins(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        catalog = it.services.catalog
        lines = events._lines(events._Heard(catalog.of("default"), it.services.live, "default"), None, ("arrived",))
        assert f"id: {catalog.cursor}\n".encode() in await anext(lines)
        ident = it.send()
        await it.told()
        async with asyncio.timeout(5):
            assert ident.encode() in await anext(lines)
        await lines.aclose()


async def test_only_some_kinds(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, it.streamed("?kind=deleted&kind=tags") as streamed:
        await streamed.event()
        ident = it.send()
        await it.told()
        await it.services.catalog.every.tag([ident], ["red"])
        await it.services.catalog.of("default").rename_tag("red", "blue")
        assert (await streamed.change())[0] == "tags"
        await it.services.catalog.every.delete([ident])
        assert (await streamed.change())[0] == "deleted"


async def test_a_look_at_the_head_is_no_stream(tmp_path: Path) -> None:
    async with stacked(tmp_path) as (_, given), client(given) as http:
        assert (await http.head("/v1/events")).headers["content-type"].startswith("text/event-stream")


async def test_silence_has_heartbeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    async with rig(tmp_path) as it, it.streamed() as streamed:
        await streamed.event()
        assert await streamed.event() == {"": ""}
        assert await streamed.event() == {"": ""}
        it.send()
        while "event" not in (fields := await streamed.event()):
            pass
        assert fields["event"] == "arrived"


async def test_streams_are_bounded_and_end_with_their_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Slots("streams", 1)
    monkeypatch.setattr(events, "Slots", lambda *_: slots)
    async with rig(tmp_path) as it:
        async with it.streamed() as streamed:
            await streamed.event()
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 503 " in await reader.readline()
            writer.close()
        while slots.taken:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(0.01)
        assert not it.services.catalog.hub
        async with it.streamed() as streamed:
            await streamed.event()


async def test_a_listener_that_was_overrun_gets_what_it_missed(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, it.streamed() as streamed:
        await streamed.event()
        it.send()
        await streamed.event()
        (subscription,) = it.services.catalog.hub._subscriptions["default"]
        subscription.overrun = True
        subscription.close()
        ident = it.send()
        assert (await streamed.change())[1]["id"] == ident


async def test_a_change_larger_than_a_page_is_missed_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PAGE", 2)
    async with stacked(tmp_path) as (stack, given):
        sent = {stack.send(mail(), ANN, [BOB]) for _ in range(5)}
        await stack.told(given.catalog)
        cursor = given.catalog.cursor
        await given.catalog.of("default").mark(None, read=True)
        sent.add(stack.send(mail(), ANN, [BOB]))
        await stack.told(given.catalog)
        missed = [event async for event in stream.missed(given.catalog.every, cursor)]
        assert {event.record.id for event in missed if event.record is not None} == sent
        assert [event.kind for event in missed] == [Happened.UPDATED] * 5 + [Happened.ARRIVED]
        assert [event.last for event in missed] == [False] * 4 + [True, True]


async def test_the_websocket_says_the_same(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        async with connect(f"ws://127.0.0.1:{it.port}/v1/events/ws?after=0") as socket:
            await socket.send("nobody listens")
            ident = it.send()
            async with asyncio.timeout(5):
                event = json.loads(await socket.recv())
            assert (event["kind"], event["message"]["id"]) == ("arrived", ident)
        async with connect(f"ws://127.0.0.1:{it.port}/v1/events/ws") as socket:
            await it.services.catalog.every.delete([ident])
            async with asyncio.timeout(5):
                assert json.loads(await socket.recv())["kind"] == "deleted"


async def test_a_websocket_that_is_asked_for_wrongly_is_refused(tmp_path: Path) -> None:
    from websockets.exceptions import InvalidStatus

    async with rig(tmp_path) as it:
        for host, query, headers, status in (
            ("localhost", "?after=x", {}, 422),
            ("localhost", "?kind=nothing", {}, 422),
            ("localhost", "", {"Origin": "http://evil.example"}, 403),
            ("evil.example", "", {}, 421),
        ):
            uri = f"ws://{host}:{it.port}/v1/events/ws{query}"
            with pytest.raises(InvalidStatus) as refused:
                await connect(uri, host="127.0.0.1", additional_headers=headers)
            assert refused.value.response.status_code == status


def session(changed: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"s{changed}", "protocol": "smtp", "peer": "p", "local": "l", "outbound": False, "began": 1.0,
        "ended": None, "tls": False, "account": None, "world": "default", "messages": [], "reads": [],
        "changed": changed, **more,
    }  # fmt: skip


async def test_sessions_are_told_while_somebody_listens(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        both_listen, told = asyncio.Event(), asyncio.Event()

        def sessions(query: dict[str, Any]) -> dict[str, Any]:
            asked.put_nowait(query)
            if "after" not in query:
                return {"sessions": [], "next": None, "last": 9 if told.is_set() else 7}
            if both_listen.is_set() and not told.is_set():
                told.set()
                return {"sessions": [session(8), session(9)], "next": None, "last": 9}
            raise DoorAway("relay", "it goes on being asked")

        it.stack.relay.answers["GET", "/sessions"] = sessions
        it.services.live._clock = Quick()  # type: ignore[assignment]
        async with it.streamed("?kind=session") as streamed, it.streamed("?kind=session&kind=arrived") as both:
            await streamed.event()
            await both.event()
            both_listen.set()
            for number in (8, 9):
                event = await streamed.event()
                assert event["event"] == "session"
                assert "id" not in event
                assert json.loads(event["data"])["session"]["id"] == f"s{number}"
                assert json.loads(event["data"])["world"] == "default"
            it.send()
            kinds = [(await both.event())["event"] for _ in range(3)]
            assert sorted(kinds) == ["arrived", "session", "session"]
            assert (await asked.get())["world"] == "default"
            assert it.services.live._tasks.keys() == {"default"}
        async with asyncio.timeout(5):
            while it.services.live._tasks:  # noqa: ASYNC110 - the server sees that the clients have gone
                await asyncio.sleep(0.01)
    await it.services.live.close()


class Quick:
    """A clock on which nothing has to be waited for for long."""

    async def sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0.01)
