"""Webhooks with a receiver on this machine: signed, sent again, gone on with after a restart, never sent elsewhere."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.webhooks import sender, webhooks
from postroad_web.webhooks.hook import signed, target_of
from postroad_web.webhooks.sender import ForbiddenError, NotSentError, send
from tests.web.api.asgi import client, stacked
from tests.web.api.test_wait import ANN, BOB, mail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from postroad_web.api.services import Services
    from tests.harness.doors import ToyStack


class Receiver:
    """Takes webhooks; `answers` are the statuses of the next ones, then 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.taken: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        exact = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        status = self.answers.pop(0) if self.answers else 204
        if status:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: http://8.8.8.8/\r\n\r\n".encode())
        writer.close()
        self.taken.put_nowait(({name.lower(): value for name, value in exact.items()}, body))

    async def next(self) -> tuple[dict[str, str], Any]:
        async with asyncio.timeout(5):
            headers, body = await self.taken.get()
        return headers, json.loads(body)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mail"
    async with server:
        yield receiver


class Rig:
    def __init__(self, stack: ToyStack, given: Services, http: httpx.AsyncClient) -> None:
        self.stack, self.services, self.http = stack, given, http

    async def send(self, subject: str = "Hello") -> str:
        ident = self.stack.send(mail(subject), ANN, [BOB])
        await self.stack.told(self.services.catalog)
        return ident

    async def add(self, url: str, status: int = 201, **more: Any) -> Any:
        answer = await self.http.post("/v1/webhooks", json={"url": url, **more})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def troubled(self, sentence: str) -> None:
        async with asyncio.timeout(5):
            while sentence not in (trouble := next(iter(self.services.webhooks.troubles.values()), "")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert sentence in trouble

    async def kept(self) -> None:
        """Wait until the file says that all that has happened was taken."""
        path = self.services.settings.web_dir / webhooks.FILE
        async with asyncio.timeout(5):
            while json.loads(path.read_bytes())[0]["cursor"] < self.services.catalog.cursor:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)


@asynccontextmanager
async def rig(folder: Path, environ: dict[str, str] | None = None) -> AsyncIterator[Rig]:
    async with stacked(folder, environ) as (stack, given), client(given) as http:
        yield Rig(stack, given, http)


async def test_events_are_sent_signed(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, receiving() as receiver:
        await it.send("before")
        hook = await it.add(receiver.url)
        ident = await it.send()
        headers, body = await receiver.next()
        assert body["type"] == "message.arrived"
        assert body["data"]["message"]["id"] == ident
        timestamp = int(headers["webhook-timestamp"])
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        assert signed(hook["secret"], headers["webhook-id"], timestamp, raw) == {
            name: value for name, value in headers.items() if name.startswith("webhook-")
        }
        shown = (await it.http.get("/v1/webhooks")).json()["webhooks"]
        assert [webhook["id"] for webhook in shown] == [hook["id"]]
        assert "secret" not in shown[0]
        assert (await it.http.delete(f"/v1/webhooks/{hook['id']}")).status_code == 204
        assert (await it.http.delete(f"/v1/webhooks/{hook['id']}")).status_code == 404
        await it.send()
        assert receiver.taken.empty()


async def test_only_what_was_asked_for(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, receiving() as receiver:
        await it.add(receiver.url, query="subject:welcome", events=["arrived", "deleted"])
        await it.send("Other")
        ident = await it.send("Welcome")
        await it.services.catalog.of("default").mark([ident], read=True)
        assert (await receiver.next())[1]["data"]["message"]["id"] == ident
        await it.services.catalog.every.delete([ident])
        await it.send("Welcome again")
        assert [(await receiver.next())[1]["type"] for _ in range(2)] == ["message.deleted", "message.arrived"]


async def test_a_query_may_look_at_the_header(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, receiving() as receiver:
        await it.add(receiver.url, query="header:x-order=7")
        ident = await it.send()
        assert (await receiver.next())[1]["data"]["message"]["id"] == ident


async def test_what_was_not_taken_is_sent_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, receiving() as receiver:
        await it.add(receiver.url)
        receiver.answers = [500, 302, 0]
        first, second = await it.send(), await it.send()
        for sentence in ("has answered 500", "has answered 302", "closed before an answer"):
            headers, body = await receiver.next()
            assert (headers["webhook-id"].split(".")[-1], body["data"]["message"]["id"]) == (first, first)
            await it.troubled(sentence)
            assert receiver.taken.empty()
            it.services.clock.push(30.0)
        again, body = await receiver.next()
        assert (again["webhook-id"], body["data"]["message"]["id"]) == (headers["webhook-id"], first)
        assert (await receiver.next())[1]["data"]["message"]["id"] == second


async def test_what_is_never_taken_is_given_up(tmp_path: Path) -> None:
    async with rig(tmp_path) as it, receiving() as receiver:
        await it.add(receiver.url)
        receiver.answers = [500] * 7
        await it.send()
        for _ in range(7):
            await receiver.next()
            await it.troubled("500")
            it.services.webhooks.troubles.clear()
            it.services.clock.push(3600.0)
        second = await it.send()
        assert (await receiver.next())[1]["data"]["message"]["id"] == second


async def test_a_restart_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "KEPT_WITHIN", 0.01)
    async with rig(tmp_path) as it, receiving() as receiver:
        hook = await it.add(receiver.url)
        assert (tmp_path / "web" / "webhooks.json").stat().st_mode & 0o777 == 0o600
        await it.send()
        await receiver.next()
        await it.kept()
        await it.services.webhooks.close()
        ident = await it.send()
        assert receiver.taken.empty()
        again = webhooks.Webhooks(it.services.settings.web_dir, it.services.catalog, it.services.clock, anywhere=False)
        again.start()
        headers, body = await receiver.next()
        assert (headers["webhook-id"].split(".")[0], body["data"]["message"]["id"]) == (hook["id"], ident)
        assert again.of("*")[0].secret == hook["secret"]
        await again.close()
        it.services.webhooks = again


@pytest.mark.parametrize("octets", [b"rubbish", b'[{"id": "a"}]', b"[1]"])
async def test_a_file_that_cannot_be_read_is_set_aside(
    tmp_path: Path, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig(tmp_path) as it:
        (tmp_path / "web").mkdir(exist_ok=True)
        (tmp_path / "web" / "webhooks.json").write_bytes(octets)
        again = webhooks.Webhooks(it.services.settings.web_dir, it.services.catalog, it.services.clock, anywhere=False)
        again.start()
        assert again.of("*") == []
        assert (tmp_path / "web" / "webhooks.damaged").read_bytes() == octets
        assert "webhooks.damaged" in caplog.text
        await again.close()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://a/"}, "url"),
        ({"url": "http://a/\r\nx"}, "url"),
        ({}, "url"),
        ({"url": "http://a/", "events": ["nothing"]}, "events.0"),
        ({"url": "http://a/", "query": "("}, "query"),
        ({"url": "http://a/", "secret": "mine"}, "secret"),
    ],
)
async def test_bad_requests(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    async with rig(tmp_path) as it:
        answer = await it.http.post("/v1/webhooks", json=body)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_only_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST", 1)
    async with rig(tmp_path) as it:
        await it.add("http://127.0.0.1:1/")
        await it.add("http://127.0.0.1:1/", 409)


async def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(_host: str, port: int, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_nothing_is_sent_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as it:
        await resolving(monkeypatch, "127.0.0.1", "8.8.8.8")
        await it.add("http://both.test/")
        await it.send()
        await it.troubled("is not on this machine or a private network")
        with pytest.raises(ForbiddenError):
            await send(target_of("http://both.test/"), {}, b"", anywhere=False)


async def test_unless_the_operator_allows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path, {"POSTROAD_WEBHOOKS_ANYWHERE": "on"}) as it, receiving() as receiver:
        monkeypatch.setattr(sender, "may_be_sent_to", lambda _address: False)
        await it.add(receiver.url)
        ident = await it.send()
        assert (await receiver.next())[1]["data"]["message"]["id"] == ident


async def test_a_receiver_that_never_answers_or_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "WITHIN", 0.1)
    answers = [b"", b"not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, b"no TLS"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer := answers.pop(0):
            writer.write(answer)
        else:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        target = target_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        with pytest.raises(NotSentError, match="no answer in"):
            await send(target, {}, b"", anywhere=False)
        for scheme in ("http", "http", "https"):
            with pytest.raises(NotSentError):
                await send(target._replace(scheme=scheme), {}, b"", anywhere=False)
    with pytest.raises(NotSentError):
        await send(target, {}, b"", anywhere=False)


async def test_a_disk_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook that could not be kept is not there, and one that could not be forgotten is."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with rig(tmp_path) as hooks:
        kept = await hooks.add("http://127.0.0.1:9/")
        with monkeypatch.context() as disk:
            disk.setattr("os.fsync", full)
            await hooks.add("http://127.0.0.1:9/other", 500)
            assert (await hooks.http.delete(f"/v1/webhooks/{kept['id']}")).status_code == 500
        assert [hook.id for hook in hooks.services.webhooks.of("*")] == [kept["id"]]
        assert (await hooks.http.delete(f"/v1/webhooks/{kept['id']}")).status_code == 204
        assert not hooks.services.webhooks.of("*")


async def test_cursors_are_kept_once_the_disk_has_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def full(_descriptor: int) -> None:
        failed.set()
        raise OSError(28, "No space left on device")

    async with rig(tmp_path) as it, receiving() as receiver:
        await it.add(receiver.url)
        with monkeypatch.context() as disk:
            disk.setattr("os.fsync", full)
            await it.send()
            await receiver.next()
            assert await asyncio.to_thread(failed.wait, 5)
        await it.kept()
