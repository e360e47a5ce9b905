from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from postroad.jsontext import MOST_MARKS
from postroad_web.mailpit import endpoint, listing

if TYPE_CHECKING:
    from tests.web.dialect import Web

LIST, SEARCH = "/api/v1/messages", "/api/v1/search"


async def test_an_empty_mailbox(web: Web) -> None:
    empty = {"total": 0, "unread": 0, "count": 0, "messages_count": 0, "messages_unread": 0, "start": 0}
    assert await web.json(LIST) == {**empty, "tags": [], "messages": []}
    assert await web.json(SEARCH, query="x") == {**empty, "tags": [], "messages": []}


async def test_what_was_accepted_is_in_the_next_list(web: Web) -> None:
    """Nobody waits for anything here: a message that is not yet delivered is there, too."""
    for number in range(5):
        web.send(f"message {number}")
        assert (await web.subjects())[0] == f"message {number}"
    web.stack.accept(b"Subject: queued\r\n\r\nx", "alice@alpha.test", ["bob@beta.test"])
    assert (await web.subjects(SEARCH, query="subject:queued")) == ["queued"]


async def test_the_newest_come_first_and_pages_are_cut_by_number(web: Web) -> None:
    for number in range(60):
        web.send(f"{number}", more="X-Tags: a, b\r\n" if number == 3 else "")
    page = await web.json(LIST)
    assert [row["Subject"] for row in page["messages"]] == [str(number) for number in range(59, 9, -1)]
    numbers = {name: page[name] for name in ("total", "unread", "count", "messages_count", "messages_unread")}
    assert numbers == {"total": 60, "unread": 60, "count": 50, "messages_count": 60, "messages_unread": 60}
    assert page["tags"] == ["a", "b"]
    page = await web.json(LIST, start=58, limit=5)
    assert ([row["Subject"] for row in page["messages"]], page["start"], page["count"]) == (["1", "0"], 58, 2)
    assert len(await web.subjects(LIST, limit=0, start=30)) == 60  # no limit, and no offset either
    assert len(await web.subjects(LIST, limit=-3, start="x")) == 50


async def test_long_lists_come_in_pieces(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PIECE", 4)
    monkeypatch.setattr(endpoint, "_LONG", 2000)
    for number in range(11):
        web.send(f"{number}")
    down = [str(number) for number in range(10, -1, -1)]
    for query in ({}, {"query": "is:unread"}):
        path = SEARCH if query else LIST
        assert await web.subjects(path, limit=100, **query) == down
        assert await web.subjects(path, limit=9, start=1, **query) == down[1:10]
        assert await web.subjects(path, limit=3, start=4, **query) == down[4:7]
        page = await web.json(path, limit=8, **query)
        assert (page["count"], page["messages_count"], page["start"]) == (8, 11, 0)
    assert await web.subjects(LIST, limit=0, start=5) == down


async def test_before_a_time(web: Web) -> None:
    for number in range(3):
        web.send(f"{number}")
    created = (await web.json(LIST))["messages"][0]["Created"]
    page = await web.json(LIST, before=created)
    assert [row["Subject"] for row in page["messages"]] == ["1", "0"]
    assert (page["total"], page["messages_count"]) == (3, 3)
    assert await web.subjects(SEARCH, query="is:unread", before=created) == ["1", "0"]
    assert await web.subjects(LIST, before="yesterday") == ["2", "1", "0"]


async def test_search(web: Web) -> None:
    web.send("Your code", to=["eve@beta.test"])
    read = web.send("Your invoice", more="X-Tags: money\r\n")
    await web.json(f"/api/v1/message/{read}")
    page = await web.json(SEARCH, query="subject:your")
    numbers = [page[name] for name in ("total", "unread", "count", "messages_count", "messages_unread")]
    assert numbers == [2, 1, 2, 2, 1]
    assert await web.subjects(SEARCH, query='addressed:"eve@beta.test" subject:"Your code"') == ["Your code"]
    assert await web.subjects(SEARCH, query="-subject:code") == ["Your invoice"]
    assert await web.subjects(SEARCH, query="tag:Money is:read") == ["Your invoice"]
    page = await web.json(SEARCH, query="your", limit=0)
    assert (page["messages"], page["messages_count"]) == ([], 2)
    for query in ("", "  "):
        assert await web.text(SEARCH, query=query) == (400, "Error: no search query")
    assert (await web.text(SEARCH, query="x" * 50_000))[0] == 400


async def test_notifications_are_not_shown(web: Web) -> None:
    ident = web.stack.accept(b"Subject: lost\r\n\r\nx", "alice@alpha.test", ["nobody@beta.test"])
    report = web.stack.fail(ident, "nobody@beta.test")
    web.stack.deliver(report)
    assert await web.subjects() == ["lost"]
    assert await web.text(f"/api/v1/message/{report}") == (404, "404 page not found")
    assert (await web.json("/api/v1/info"))["Messages"] == 1


async def test_messages_that_were_expunged_everywhere_are_not_shown(web: Web) -> None:
    ident = web.stack.accept(b"Subject: gone\r\n\r\nx", "alice@alpha.test", ["bob@beta.test"])
    (place,) = web.stack.deliver(ident)
    await web.stack.told(web.catalog)
    assert await web.subjects() == ["gone"]
    web.stack.remove(place)
    await web.stack.told(web.catalog)
    assert await web.subjects() == []


class TestRead:
    async def read(self, web: Web) -> list[str]:
        return await web.subjects(SEARCH, query="is:read")

    @pytest.mark.parametrize("names", [("IDs", "Read"), ("ids", "read")])
    async def test_some(self, web: Web, names: tuple[str, str]) -> None:
        first, _ = web.send("one"), web.send("two")
        await web.subjects()
        answer = await web.http.put(LIST, json={names[0]: [first, "unknown"], names[1]: True})
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "ok", "text/plain")
        assert await self.read(web) == ["one"]
        await web.http.put(LIST, json={names[0]: [first]})
        assert await self.read(web) == []

    async def test_all(self, web: Web) -> None:
        web.send("one")
        web.send("two")
        assert (await web.http.put(LIST, json={"Read": True, "IDs": []})).text == "ok"
        assert await self.read(web) == ["two", "one"]
        await web.http.put(LIST, json={})
        assert await self.read(web) == []

    async def test_what_a_search_finds(self, web: Web) -> None:
        web.send("one")
        web.send("two")
        await web.http.put(LIST, json={"Read": True, "Search": "subject:two"}, params={"tz": "Europe/Berlin"})
        assert await self.read(web) == ["two"]

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"IDs": ["a"], "Search": "b"}, "You may specify either IDs or a search query, not both"),
            ({"IDs": "a"}, "IDs is not of type []string"),
            (None, "Expecting value"),
        ],
    )
    async def test_faults(self, web: Web, body: Any, error: str) -> None:
        answer = await web.http.put(LIST, content=json.dumps(body) if body else b"ids=1&Read=True")
        assert answer.status_code == 400
        assert answer.text.startswith(error)


class TestDelete:
    async def test_some(self, web: Web) -> None:
        first, second = web.send("one"), web.send("two")
        await web.subjects()
        assert (await web.http.request("DELETE", LIST, json={"ids": [first, "unknown"]})).text == "ok"
        assert await web.subjects() == ["two"]
        assert len(web.stack.store.contents) == 2  # the copies are other people's
        assert await web.text(f"/api/v1/message/{first}") == (404, "404 page not found")
        assert (await web.json(f"/api/v1/message/{second}"))["Subject"] == "two"

    @pytest.mark.parametrize("body", [b"", b"ids=1", b"{}", b'{"IDs":[]}', b"null", b'{"IDs":"a"}'])
    async def test_all_is_the_whole_world(self, web: Web, body: bytes) -> None:
        web.send("one")
        web.stack.accept(b"Subject: queued\r\n\r\nx", "alice@alpha.test", ["bob@beta.test"])
        answer = await web.http.request("DELETE", LIST, content=body)
        assert (answer.status_code, answer.text) == (200, "ok")
        assert await web.subjects() == []
        assert (web.stack.queued, web.stack.store.contents) == ({}, {})
        web.send("after")
        assert await web.subjects() == ["after"]

    async def test_more_values_than_are_read_are_not_the_whole_world(self, web: Web) -> None:
        web.send("one")
        answer = await web.http.request("DELETE", LIST, content=b'{"IDs":[' + b'"a",' * MOST_MARKS + b'"a"]}')
        assert (answer.status_code, answer.text) == (413, "the body has too many values")
        assert await web.subjects() == ["one"]

    async def test_what_a_search_finds(self, web: Web) -> None:
        web.send("one")
        web.send("two")
        assert (await web.http.delete(SEARCH, params={"query": "subject:one"})).text == "ok"
        assert await web.subjects() == ["two"]
        assert (await web.http.delete(SEARCH)).status_code == 400

    async def test_a_service_that_is_away_is_named(self, web: Web) -> None:
        web.send("one")
        await web.subjects()
        web.stack.store.away = True
        answer = await web.http.delete(LIST)
        assert answer.status_code == 503
        assert "store" in answer.text


async def test_a_relay_that_is_away_does_not_hide_the_list(web: Web) -> None:
    web.send("one")
    await web.subjects()
    web.stack.relay.away = True
    assert await web.subjects() == ["one"]


async def test_lists_are_compressed_for_those_who_ask(web: Web) -> None:
    for number in range(10):
        web.send(f"{number}")
    await web.subjects()
    async with web.http.stream("GET", LIST) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        octets = b"".join([piece async for piece in answer.aiter_raw()])
        assert json.loads(gzip.decompress(octets))["count"] == 10
    plain = await web.http.get(LIST, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) > 2 * len(octets)
