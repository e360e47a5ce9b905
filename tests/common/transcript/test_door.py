"""`GET /sessions` of a control door."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorRefused
from postroad.tap import Carried, LoggedIn, Opened, Read
from postroad.transcript.door import session_routes
from tests.common.control.test_door import client_of, opened
from tests.common.transcript.test_recorder import recorder, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from postroad.control.client import DoorClient
    from postroad.transcript.recorder import Recorder


@asynccontextmanager
async def door_of(heard: Recorder) -> AsyncIterator[DoorClient]:
    async with opened(*session_routes(heard)) as door, client_of(door) as client:
        yield client


def ids(answer: Any) -> list[str]:
    return [summary["id"] for summary in answer["sessions"]]


def at(heard: Recorder, name: str, began: float, protocol: str = "smtp", peer: str = "192.0.2.1:4000") -> Any:
    return heard.opened(Opened(protocol, name, peer, "127.0.0.25:2525", False, began))


async def test_pages() -> None:
    heard = recorder()
    for number in range(7):
        at(heard, f"s{number}", number)
    async with door_of(heard) as door:
        first = await door.get("/sessions", limit=3)
        second = await door.get("/sessions", limit=3, before=first["next"])
        third = await door.get("/sessions", limit=3, before=second["next"])
        assert [ids(page) for page in (first, second, third)] == [["s6", "s5", "s4"], ["s3", "s2", "s1"], ["s0"]]
        assert third["next"] is None
        assert first["last"] == heard.number
        assert ids(await door.get("/sessions", limit=0)) == []
        with pytest.raises(DoorRefused, match="cursor"):
            await door.get("/sessions", before="x")


async def test_filters() -> None:
    heard = recorder()
    at(heard, "imap", 1, "imap", "192.0.2.2:1")
    session(heard, "shop", "shop")
    carried = session(heard, "carried")
    carried.noted(Carried("Q1", "default"))
    read = session(heard, "read")
    read.noted(Read("bob", "INBOX", 7, "1:3", "default"))
    async with door_of(heard) as door:

        async def matching(**query: Any) -> list[str]:
            return ids(await door.get("/sessions", **query))

        assert await matching() == ["read", "carried", "imap"]
        assert await matching(world="*") == ["read", "carried", "shop", "imap"]
        assert await matching(world="shop", account="bob@shop.test") == ["shop"]
        assert await matching(protocol="imap") == ["imap"]
        assert await matching(peer="192.0.2.2") == await matching(peer="192.0.2.2:1") == ["imap"]
        assert await matching(message="Q0,Q1") == ["carried"]
        assert await matching(message="Q1", world="shop") == []
        assert await matching(message="", places=json.dumps([["bob", "INBOX", 7, 2]])) == ["read"]
        assert await matching(places=json.dumps([["bob", "INBOX", 7, 4], ["bob", "INBOX", 8, 2]])) == []
        for places in ("x", "[1]", '[["a","b","c",1]]'):
            with pytest.raises(DoorRefused, match="places"):
                await matching(places=places)


async def test_one_session() -> None:
    heard = recorder()
    session(heard, "a", "shop")
    async with door_of(heard) as door:
        assert (await door.get("/sessions/a", world="shop"))["lines"][0]["text"] == "220 mx.test"
        assert (await door.get("/sessions/a", world="*"))["account"] == "bob@shop.test"
        assert "lines" not in await door.get("/sessions/a", world="*", lines=False)
        for path in ("/sessions/a", "/sessions/b"):
            with pytest.raises(DoorRefused, match="no session"):
                await door.get(path)


async def test_what_has_changed_since() -> None:
    heard = recorder()
    before = heard.number
    first = session(heard, "a", over=False)
    session(heard, "b")
    async with door_of(heard) as door:
        answer = await door.get("/sessions", after=before)
        assert ids(answer) == ["a", "b"]
        assert answer["last"] == heard.number
        some = await door.get("/sessions", after=before, limit=1)
        assert ids(some) == ["a"]
        assert ids(await door.get("/sessions", after=some["last"])) == ["b"]
        assert ids(await door.get("/sessions", after=heard.number)) == []
        assert ids(await door.get("/sessions", after=heard.number, wait=0.01)) == []
        waiting = [asyncio.create_task(door.get("/sessions", after=heard.number, wait=20)) for _ in range(2)]
        other = asyncio.create_task(door.get("/sessions", after=heard.number, wait=20, protocol="imap"))
        while heard.woken is None:  # noqa: ASYNC110 - the requests are under way
            await asyncio.sleep(0)
        first.noted(LoggedIn("bob", "default"))
        assert [ids(answer) for answer in await asyncio.gather(*waiting)] == [["a"], ["a"]]
        at(heard, "c", 9.0, "imap")
        assert ids(await other) == ["c"]
