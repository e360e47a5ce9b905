"""Every route of the application, asked about each of three worlds and about one that is not there.

The table is made of the routes themselves. A new route is asked as they all are; where its path or its method needs it,
`VALUES`, `BODIES` and `QUERIES` say how. It fails here if it shows or changes anything of another world than its own.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute

from postroad.control.client import DoorRefused
from postroad.world.source import parse_world
from postroad_web.api.app import build
from postroad_web.catalog.catalog import Catalog
from postroad_web.mailhog.paths import _First
from postroad_web.mailpit.endpoint import Endpoint
from postroad_web.mailpit.paths import Slashes
from tests.harness.doors import ToyDoor, ToyStack
from tests.harness.stack import DEFAULT_WORLD
from tests.web.api.asgi import BASE, services
from tests.web.worlds import SomeWorlds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.types import ASGIApp

    from postroad.world.world import World

WORLDS = ("default", "w1", "w2")
LONGEST = 10.0  # seconds of one request
# Paths that are about the process, or that only say what there is: no world shows in them.
OPEN = {"/livez", "/readyz"}
STREAMS = {"/v1/events", "/api/v1/events"}  # they end with the client; the websockets are found by their class


def content(world: str) -> str:
    """What is in everything of a world that somebody could see there."""
    return f"zq{world}zq"


class Town:
    """A stack of three worlds, each with a message that is delivered, one in the queue, one that failed."""

    def __init__(self, folder: Path) -> None:
        self.worlds = SomeWorlds(w1="", w2="")
        self.stack = ToyStack()
        self.stack.relay, self.stack.store = TownDoor("relay", 1_000, self), TownDoor("store", 5_000, self)
        self.catalog = Catalog(folder / "web", relay=self.stack.relay, store=self.stack.store, worlds=self.worlds)
        self.idents: dict[str, list[str]] = {world: [] for world in WORLDS}
        self.idents["nobody"] = ["R999991", "R999992"]
        self.changed: list[str] = []  # what was done to the relay and the store: the world's ID
        for world in WORLDS[1:]:
            self.worlds.worlds[world] = named(world)
        self.services = services(
            {"POSTROAD_DATA": str(folder), "POSTROAD_APP_PORT": "1"},
            world=named("default"),
            worlds=self.worlds,
            catalog=self.catalog,
            relay=self.stack.relay,
            store=self.stack.store,
            dns=TownDoor("dns", 1, self),
        )

    def send(self, world: str, *, deliver: bool = True) -> str:
        octets = (
            f"From: {content(world)} <ann@{world}.test>\r\nTo: alice@{world}.test\r\nSubject: {content(world)}\r\n"
            f"X-Tags: tag-{world}\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
            f'<p><a href="http://127.0.0.1:9/{content(world)}">{content(world)}</a>\r\n'
        )
        about = {} if world == "default" else {"world": world}
        ident = self.stack.accept(octets.encode(), f"ann@{world}.test", [f"alice@{world}.test"], **about)
        self.idents[world].append(ident)
        if deliver:
            self.stack.deliver(ident)
        return ident

    async def fill(self) -> None:
        await self.catalog.start()
        self.services.webhooks.start()
        for world in WORLDS:
            self.send(world)
            self.send(world, deliver=False)
            failed = self.send(world, deliver=False)
            self.idents[world].append(self.stack.fail(failed, f"alice@{world}.test", f"550 {content(world)}"))
            now = self.services.clock.now()
            self.stack.relay.note(
                "refused", now, command="RCPT", recipient=f"x@{world}.test", reply=f"550 {content(world)}"
            )
            self.services.webhooks.add(world, f"http://127.0.0.1:9/{content(world)}", ("tags",), None)
        await self.stack.told(self.catalog)

    async def close(self) -> None:
        await self.services.webhooks.close()
        await self.catalog.close()

    def state(self, world: str) -> object:
        """What a world has that a request may change."""
        view = self.catalog.of(world)
        records = [(record.id, record.read, record.tags, record.state) for record in view.page(limit=-1).records]
        hooks = [hook.url for hook in self.services.webhooks.of(world)]
        return records, view.tag_counts(), hooks, self.changed.count(world)


def named(world: str) -> World:
    """Return the toy world with names of its own: alpha.test is its `<ID>.test`."""
    text = DEFAULT_WORLD.replace("alpha.test", f"{world}.test").replace("beta.test", f"beta.{world}.test")
    return replace(parse_world(text.encode(), IPv4Network("127.0.0.0/24")), id=world)


class TownDoor(ToyDoor):
    """Answers for all worlds, whichever it is asked for: that nothing leaks is the web service's affair.

    Only what it alone can tell apart it does: the queue by world, and sessions.
    """

    def __init__(self, service: str, first: int, town: Town) -> None:
        super().__init__(service, first)
        self.town = town

    def _answer(self, method: str, path: str, given: Any) -> Any:
        asked = (method, *map(unquote, path.strip("/").split("/")))
        answer = self._queue(asked, given) if self.service == "relay" else self._mail(asked, given)
        return super()._answer(method, path, given) if answer is None else answer

    async def put(self, path: str, value: Any, **query: Any) -> Any:
        self.town.changed.append(query["world"])
        return await self.get(path, **query)

    def _of(self, login: str) -> str:
        return self.town.worlds.of_domain(login.rpartition("@")[2])

    def _entry(self, ident: str) -> dict[str, Any]:
        for world, idents in self.town.idents.items():
            if ident in idents:
                recipient = {
                    "address": f"alice@{world}.test",
                    "state": "pending",
                    "reason": content(world),
                    "host": None,
                }
                return {
                    "queue_id": ident, "world": world, "message_id": None, "arrived": 1.0, "sender": None, "size": 1,
                    "attempts": 0, "due": 2.0, "held": False, "active": False, "login": None, "reports": None,
                    "recipients": [recipient],
                }  # fmt: skip
        raise DoorRefused(404, "no such message")

    def _queue(self, asked: tuple[str, ...], given: Any) -> Any:
        match asked:
            case ("GET", "state"):
                world = given.get("world")
                entries = [self._entry(ident) for idents in self.town.idents.values() for ident in idents[1:2]]
                mine = [entry for entry in entries if world in {None, entry["world"]}]
                return {
                    "queued": len(mine),
                    "held": 0,
                    "accepting": 0,
                    "last": self.number,
                    "upto": self.number,
                    "messages": mine,
                }
            case ("GET", "queue"):
                every = [ident for idents in self.town.idents.values() for ident in idents[1:2]]
                entries = [entry for entry in map(self._entry, every) if given.get("world") in {None, entry["world"]}]
                return {"messages": entries, "next": None, "total": len(entries)}
            case ("POST", "queue", "retry"):
                for ident in given["ids"] or ():
                    if self._entry(ident)["world"] == given["world"]:
                        self.town.changed.append(given["world"])
                return {"count": 1}
            case ("GET", "queue", ident):
                return self._entry(ident)
            case ("POST", "queue", ident, _) | ("DELETE", "queue", ident):
                self.town.changed.append(self._entry(ident)["world"])
                return self._entry(ident)
            case ("DELETE", "queue"):
                self.town.changed.append(given["world"])
                return {"removed": 1}
            case ("GET", "faults"):
                off = {"code": 451, "probability": 0}
                words = {"seed": 0, "words": "mailpit", "of": content(given["world"])}
                return words | dict.fromkeys(("mail", "rcpt", "auth"), off)
            case ("GET", "route"):
                facts: dict[str, Any] = {
                    "outcome": "routed",
                    "status": None,
                    "reason": None,
                    "questions": [],
                    "servers": [],
                }
                return {"domain": given["domain"], **facts}
            case ("GET", "sessions"):
                worlds = [world for world in WORLDS if given["world"] in {"*", world}]
                return {"sessions": [self._session(world) for world in worlds], "next": None}
            case ("GET", "sessions", ident):
                world = ident.removeprefix("session-")
                if given["world"] not in {"*", world}:
                    raise DoorRefused(404, "no such session")
                return self._session(world) | {"lines": [], "facts": [], "omitted": 0}
        return None

    def _session(self, world: str) -> dict[str, Any]:
        return {
            "id": f"session-{world}", "protocol": "smtp", "peer": content(world), "local": "", "outbound": False,
            "began": 1.0, "ended": 2.0, "tls": None, "account": f"alice@{world}.test", "world": world, "messages": [],
        }  # fmt: skip

    def _mail(self, asked: tuple[str, ...], given: Any) -> Any:
        match asked:
            case ("GET", "figures"):
                return {"journal": {"last": self.number}}
            case ("GET", "accounts"):
                logins = sorted(f"{name}@{world}.test" for world in WORLDS for name in ("alice", content(world)))
                return {"accounts": [{"login": login, "mailboxes": 1, "messages": 1, "unseen": 1} for login in logins]}
            case ("GET", "accounts", login, "mailboxes"):
                facts = {"special_use": None, "selectable": True, "messages": 1, "unseen": 1}
                facts |= {"uid_validity": 77, "uid_next": 2}
                return {"mailboxes": [{"name": name, **facts} for name in ("INBOX", content(self._of(login)))]}
            case ("GET", "accounts", _, "messages"):
                return {"messages": [{"uid": 1, "flags": [], "internal_date": 1, "size": 3}], "next": None}
            case ("POST", "accounts", login, _):
                self.town.changed.append(self._of(login))
                return {"removed": 1, "uid_validity": 77, "uids": [2]}
            case ("DELETE", "mail"):
                self.town.changed.append(given["world"] if "account" not in given else self._of(given["account"]))
                return {"removed": 1}
            case ("GET", "users"):  # the default world's alone
                logins = [f"{name}@default.test" for name in ("alice", content("default"))]
                return {"users": [{"login": login, "email": login, "account": login} for login in logins]}
            case ("POST" | "DELETE", "users", *_):
                self.town.changed.append("default")
                return {"login": "a", "email": "a@default.test", "account": "a@default.test"}
            case ("GET", "zones"):
                return {"zones": [{"apex": f"{world}.test.", "serial": 1, "records": 1} for world in WORLDS]}
            case ("GET", "zones", name):
                return {"records": [f"{name} TXT {content(self._of(name))}"]}
            case ("GET" | "POST" | "PUT" | "DELETE", "sessions" | "clock", *_):
                raise DoorRefused(404, "it is a toy")
        return None


# How a route is asked about something of a world. Of `id` in a path it depends on the path.
VALUES: dict[str, Callable[[Town, str], str]] = {
    "/v1/worlds/{id}": lambda _, world: world,
    "/v1/queue/{id}": lambda town, world: town.idents[world][1],
    "/v1/sessions/{id}": lambda _, world: f"session-{world}",
    "/v1/webhooks/{id}": lambda town, world: (
        town.services.webhooks.of(world)[0].id if town.services.webhooks.of(world) else "none"
    ),
    "{id}": lambda town, world: town.idents[world][0],
    "{apex}": lambda _, world: f"{world}.test",
    "{login:login}": lambda _, world: f"alice@{world}.test",
    "/api/user/{name}": lambda _, world: f"alice@{world}.test",
    "{folder:path}": lambda _, __: "INBOX",
    "{mailbox:path}": lambda _, __: "INBOX",
    "{uid:int}": lambda _, __: "1",
    "{part}": lambda _, __: "1",
    "{port:int}": lambda _, __: "1026",
    "{tag}": lambda _, world: f"tag-{world}",
    "{tag:path}": lambda _, world: f"tag-{world}",
    "{name}": lambda _, world: f"{world}.test",
    "{rest:path}": lambda _, __: "nothing",
}
QUERIES: dict[str, str] = {
    "DELETE /v1/messages": "id={id}",
    "GET /v1/explain": "address=alice@{world}.test",
    "GET /api/v1/search": "query=zq",
    "DELETE /api/v1/search": "query=subject:{content}",
    "GET /api/v2/search": "kind=containing&query=zq",
    "GET /search": "q=zq",
}
BODIES: dict[str, Any] = {
    "PATCH /v1/messages": {"ids": ["{id}", "{queued}"], "read": True, "tags": ["red"]},
    "POST /v1/messages": {"from": "a@{world}.test", "to": ["alice@{world}.test"], "text": "x"},
    "PATCH /v1/messages/{id}": {"read": True, "tags": ["red"]},
    "POST /v1/messages/{id}/release": {"to": ["ann@example.com"]},
    "PATCH /v1/tags/{tag}": {"name": "red"},
    "POST /v1/purge": {"account": "alice@{world}.test"},
    "POST /v1/queue/retry": {"ids": ["{queued}"]},
    "POST /v1/accounts/{login:login}/mailboxes/{mailbox:path}/messages/remove": {"uids": [1]},
    "POST /v1/tokens": {"account": "alice@{world}.test"},
    "POST /v1/wait": {"recipient": "nobody@{world}.test", "timeout": 0},
    "POST /v1/quiet": {"timeout": 0},
    "POST /v1/webhooks": {"url": "http://127.0.0.1:9/", "world": "{world}"},
    "PUT /api/v1/messages": {"IDs": ["{id}", "{queued}"], "Read": True},
    "DELETE /api/v1/messages": {"IDs": ["{id}", "{queued}"]},
    "PUT /api/v1/tags": {"IDs": ["{id}"], "Tags": ["red"]},
    "PUT /api/v1/tags/{tag:path}": {"Name": "red"},
    "POST /api/v1/send": {"From": {"Email": "a@{world}.test"}, "To": [{"Email": "alice@{world}.test"}], "Text": "x"},
    "POST /api/v1/message/{id}/release": {"To": ["ann@example.com"]},
    "POST /api/user": {"email": "a@{world}.test", "password": "x"},
    "POST /api/user/": {"email": "a@{world}.test", "password": "x"},
}
# These name no thing, and so are about all of the world that asks: what another world has is never meant.
SWEEPING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/v1/purge", {}),
    ("DELETE", "/api/v1/messages", {}),
    ("PUT", "/api/v1/messages", {"Read": True}),
    ("POST", "/api/mail/purge", {}),
    ("POST", "/api/service/reset", {}),
)


def table(app: Any) -> list[tuple[str, str]]:
    """Return methods and paths of all routes that answer and end."""
    rows = []
    for route in app.routes:
        if isinstance(route, WebSocketRoute | Slashes | _First) or route.path in STREAMS:
            continue
        assert isinstance(route, Route), f"{route} is a kind of route that this test does not know"
        methods = set(route.methods or ())
        if isinstance(route.endpoint, Endpoint):
            methods = set(route.endpoint._methods)
        rows += [(method, route.path) for method in sorted(methods - {"HEAD"})]
    assert len(rows) > 60
    return sorted(set(rows), key=lambda row: (row[0] != "GET", row))


def filled(town: Town, path: str, world: str) -> str:
    """Return a path with the values of a world."""

    def value(match: re.Match[str]) -> str:
        before = path[: match.end()]
        known = VALUES.get(before) or VALUES.get(match[0])
        assert known is not None, f"VALUES has nothing for {match[0]} of {path}"
        return quote(known(town, world), safe="@")

    return re.sub(r"\{[^}]+\}", value, path)


def told(town: Town, template: Any, world: str) -> Any:
    """Return a body or a query with the values of a world."""
    if isinstance(template, dict):
        return {name: told(town, item, world) for name, item in template.items()}
    if isinstance(template, list):
        return [told(town, item, world) for item in template]
    if isinstance(template, str):
        known = {"id": town.idents[world][0], "queued": town.idents[world][1], "content": content(world)}
        return template.format(world=world, **known)
    return template


async def ask(http: httpx.AsyncClient, town: Town, asking: str, row: tuple[str, str], about: str) -> httpx.Response:
    """Ask a route of a world about something of the same or of another."""
    method, path = row
    named = f"{method} {path}"
    query = told(town, QUERIES.get(named, ""), about)
    options: dict[str, Any] = {"json": told(town, BODIES[named], about)} if named in BODIES else {}
    if path.endswith("/seed"):
        options = {"content": b"Subject: seeded\r\n\r\n"}
    try:
        async with asyncio.timeout(LONGEST):
            return await http.request(method, f"/w/{asking}{filled(town, path, about)}?{query}", **options)
    except TimeoutError:
        raise AssertionError(f"{named} does not end: is it one of STREAMS?") from None


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@asynccontextmanager
async def opened(town: Town) -> AsyncIterator[tuple[httpx.AsyncClient, ASGIApp]]:
    await town.fill()
    app = build(town.services)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            yield http, app
    finally:
        await town.close()


def as_nobodys(town: Town, text: str, world: str) -> str:
    for ident, other in zip(town.idents[world], town.idents["nobody"], strict=False):
        text = text.replace(ident, other)
    return text.replace(f"session-{world}", "session-nobody")


def shown_by(answer: httpx.Response) -> str:
    return answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())


async def test_nothing_of_one_world_shows_in_anothers_answers(town: Town) -> None:
    shows = 0
    async with opened(town) as (http, app):
        for asking in WORLDS:
            others = [world for world in WORLDS if world != asking]
            for method, path in table(app):
                if method != "GET":
                    continue
                answer = await ask(http, town, asking, (method, path), asking)
                text = shown_by(answer)
                shows += content(asking) in text
                for other in others:
                    # Not even the names and the numbers of what another has.
                    for trace in (content(other), f"@{other}.test", f"tag-{other}", *town.idents[other]):
                        assert trace not in text, (asking, path, trace)
                if path.startswith("/v1/worlds/"):
                    continue
                for other in others:
                    answer = await ask(http, town, asking, (method, path), other)
                    assert content(other) not in shown_by(answer), (asking, path, other)
                    if "{id}" in path:  # it is as if it were nowhere
                        nowhere = await ask(http, town, asking, (method, path), "nobody")
                        assert answer.status_code == nowhere.status_code, (asking, path)
                        assert as_nobodys(town, answer.text, other) == nowhere.text, (asking, path)
    assert shows > 70  # or nothing is shown to anybody


async def test_nothing_of_one_world_is_changed_by_another(town: Town) -> None:
    async with opened(town) as (http, app):
        for asking in ("default", "w1"):
            for method, path in table(app):
                if method == "GET" or path.startswith("/v1/worlds/"):
                    continue
                before = {world: town.state(world) for world in WORLDS}
                for other in WORLDS:
                    if other == asking:
                        continue
                    answer = await ask(http, town, asking, (method, path), other)
                    assert content(other) not in shown_by(answer), (asking, method, path)
                    assert town.state(other) == before[other], (asking, method, path)
                await ask(http, town, asking, (method, path), asking)
                for other in WORLDS:
                    assert other == asking or town.state(other) == before[other], (asking, method, path)
            for method, path, body in SWEEPING:
                before = {world: town.state(world) for world in WORLDS}
                answer = await http.request(method, f"/w/{asking}{path}", json=body)
                assert answer.status_code == 200, answer.text
                for other in WORLDS:
                    assert other == asking or town.state(other) == before[other], (asking, method, path)


async def test_a_world_that_is_not_there_has_no_routes(town: Town) -> None:
    async with opened(town) as (http, app):
        before = [town.state(world) for world in WORLDS]
        for method, path in table(app):
            answer = await ask(http, town, "w3", (method, path), "w1")
            assert answer.status_code == (200 if path == "/livez" else 503 if path in OPEN else 404), (method, path)
            assert not any(content(world) in shown_by(answer) for world in WORLDS)
        assert [town.state(world) for world in WORLDS] == before


async def test_all_worlds_can_be_read_and_not_changed(town: Town) -> None:
    async with opened(town) as (http, app):
        for path in ("/v1/messages", "/v1/queue", "/v1/tags", "/v1/accounts", "/v1/domains", "/v1/webhooks"):
            text = (await http.get(path, params={"world": "*"})).text
            for world in WORLDS:
                assert f"{world}.test" in text or f"tag-{world}" in text or content(world) in text, path
        for world in WORLDS:
            answer = await http.get(f"/v1/messages/{town.idents[world][0]}", params={"world": "*"})
            assert answer.json()["world"] == world
        for method, path in table(app):
            if method != "GET" and path.startswith("/v1"):
                answer = await http.request(method, filled(town, path, "w1"), params={"world": "*"})
                assert answer.status_code == 400, (method, path)


async def test_a_world_that_is_dropped_leaves_nothing_here(town: Town) -> None:
    async with opened(town) as (http, _):
        await http.post("/w/w1/v1/wait", json={"timeout": 0, "subject": "x"})
        before = [town.state(world) for world in ("default", "w2")]
        del town.worlds.times["w1"]
        await town.services.forget(["w1"])
        assert town.services.webhooks.of("w1") == []
        assert town.services.waits.refusals.after(0, "w1") == []
        assert "w1" not in town.services.waits._glances
        assert town.catalog.of("w1").counts() == (0, 0)
        assert [town.state(world) for world in ("default", "w2")] == before
        await town.services.forget(["w1"])


@pytest.mark.parametrize("asking", ["default", "w1"])
async def test_streams_tell_of_one_world(town: Town, asking: str) -> None:
    async with opened(town) as (_, app):
        heard: dict[str, list[bytes]] = {}
        tasks = []
        sockets = {route.path for route in app.routes if isinstance(route, WebSocketRoute)}  # type: ignore[attr-defined]
        for path in (*STREAMS, *sockets):
            heard[path] = []
            kind = "websocket" if path in sockets else "http"
            tasks.append(asyncio.ensure_future(listen(app, kind, f"/w/{asking}{path}", heard[path])))
        async with asyncio.timeout(LONGEST):
            while not all(heard.values()):  # noqa: ASYNC110 - they ring no bell
                await asyncio.sleep(0.01)
            for world in ("w2", "default", "w1"):
                town.send(world)
                town.stack.relay.note(
                    "refused", 2e9, command="RCPT", recipient=f"x@{world}.test", reply=f"550 {content(world)}"
                )
            await town.stack.told(town.catalog)
            while not all(content(asking).encode() in b"".join(said) for said in heard.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for path, said in heard.items():
            for other in WORLDS:
                assert other == asking or content(other).encode() not in b"".join(said), path
                assert other == asking or town.idents[other][-1].encode() not in b"".join(said), path


async def listen(app: ASGIApp, kind: str, path: str, heard: list[bytes]) -> None:
    """Be a client of a stream, which stays."""
    came = [{"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": b""}]

    async def receive() -> Any:
        if came:
            return came.pop()
        return await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        text = message.get("text")
        heard.append(text.encode() if text else message.get("body", b"") or b"\n")

    scope = {
        "type": kind, "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "http",
        "headers": [(b"host", b"localhost:8025")], "subprotocols": [], "server": ("localhost", 8025),
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    with suppress(asyncio.CancelledError):
        await app(scope, receive, send)
