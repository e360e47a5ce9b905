"""The routes of worlds over a real keeper and a real catalog: what is asked, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from postroad.control.client import DoorRefused
from postroad_web.api.stream import events
from postroad_web.catalog.catalog import Catalog
from tests.harness.doors import ToyStack
from tests.web.api.asgi import client, services
from tests.web.worlds.test_keeper import Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from postroad_web.catalog.hub import Subscription

WORLDS = "/v1/worlds"
SHOP = f"{WORLDS}/shop"
MADE = "1970-01-12T13:46:40.000Z"  # by the clock of `Desk`
BOB: dict[str, Any] = {
    "name": "bob",
    "password": "pw",
    "quota": {"storage": 1000, "reject": False},
    "imap_without": ["MOVE"],
    "append_limits": {"INBOX": "10K"},
}


class Place:
    """The API, with the keeper and the doors behind it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.desk = Desk(folder, **settings)
        self.stack = ToyStack()
        self.stack.relay.answers["GET", "/state"] = self._state
        self.snapshots: list[dict[str, Any]] = []
        self.stack.store.answers["GET", "/snapshots"] = lambda _: {"snapshots": self.snapshots}
        self.catalog = Catalog(folder, relay=self.stack.relay, store=self.stack.store, worlds=self.desk.keeper)
        self.services = services(
            {"POSTROAD_DATA": str(folder), **{f"POSTROAD_{name.upper()}": value for name, value in settings.items()}},
            clock=self.desk.clock,
            catalog=self.catalog,
            relay=self.stack.relay,
            store=self.stack.store,
            worlds=self.desk.keeper,
        )
        self.desk.keeper.forget = self.services.forget
        self.http: httpx.AsyncClient

    def _state(self, _query: Any) -> dict[str, Any]:
        last = self.stack.relay.number
        return {"last": last, "upto": last, "queued": len(self.stack.queued), "messages": []}

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        answer = await self.http.request(method, path, json=body, params=query)
        return answer.status_code, answer.json() if answer.content else None

    async def make(self, ident: str, **more: Any) -> dict[str, Any]:
        status, created = await self.ask("POST", WORLDS, {"id": ident, **more})
        assert status == 201, created
        return dict(created)

    def accept(self, world: str) -> str:
        named = {} if world == "default" else {"world": world}
        return self.stack.accept(b"Subject: Hello\r\n\r\n", "app@example.org", [f"bob@{world}.test"], **named)


@pytest.fixture
def settings() -> dict[str, str]:
    """Return the settings of `place`, which a test may have others of."""
    return {}


@pytest_asyncio.fixture
async def place(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[Place]:
    opened = Place(tmp_path, **settings)
    await opened.catalog.start()
    async with client(opened.services) as opened.http:
        yield opened
    await opened.catalog.close()
    opened.desk.database.close()


async def test_a_world_is_made_and_shown(place: Place) -> None:
    domains = [{"name": "Shop.test", "accounts": [BOB, {"name": "ann"}], "aliases": {"sales": "bob"}}, {}]
    shown = await place.make("shop", owner="me", ttl=60, password="secret", domains=domains)
    assert place.desk.listed() == [["shop"]] * 4
    definition = place.desk.keeper.get("shop").definition
    first, second = shown["domains"]
    assert first["name"] == "Shop.test"
    bob, ann = first["accounts"]
    assert bob == {**BOB, "address": "bob@Shop.test", "login": "bob@shop.test"}
    assert (ann["name"], ann["password"], ann["login"]) == ("ann", "secret", "ann@shop.test")
    assert (ann["quota"], ann["imap_without"], ann["append_limits"]) == (None, [], {})
    assert first["aliases"] == {"sales": "bob"}
    assert second["accounts"] == []
    del shown["domains"]
    assert shown == {
        "id": "shop",
        "owner": "me",
        "created": MADE,
        "expires": "1970-01-12T13:47:40.000Z",
        "app": definition["app"],
        "capture": definition["capture"],
        "imap_without": [],
        "quota": None,
        "messages": 0,
        "queued": 0,
        "snapshots": [],
        "ports": [],
    }


async def test_a_world_of_nothing_has_a_name_of_its_own(place: Place) -> None:
    status, shown = await place.ask("POST", WORLDS)
    assert status == 201
    assert [domain["name"] for domain in shown["domains"]] == [f"{shown['id']}.test"]
    assert shown["expires"] is None
    assert list(place.desk.keeper.others()) == [shown["id"]]


async def test_what_is_in_a_world_is_counted(place: Place) -> None:
    shop = await place.make("shop")
    place.accept("shop")
    place.accept("shop")
    place.accept("default")
    await place.stack.told(place.catalog)
    place.snapshots.append({"name": "seeded"})
    status, shown = await place.ask("GET", SHOP)
    assert (status, shown) == (200, {**shop, "messages": 2, "queued": 3, "snapshots": ["seeded"]})


async def test_worlds_are_listed_by_page(place: Place) -> None:
    assert await place.ask("GET", WORLDS) == (200, {"worlds": [], "next": None})
    created = {ident: await place.make(ident) for ident in ("c", "a", "b")}
    assert await place.ask("GET", WORLDS) == (200, {"worlds": [created["a"], created["b"], created["c"]], "next": None})
    assert await place.ask("GET", WORLDS, limit=2) == (200, {"worlds": [created["a"], created["b"]], "next": "b"})
    assert await place.ask("GET", WORLDS, limit=2, after="b") == (200, {"worlds": [created["c"]], "next": None})
    for query in ({"limit": 0}, {"limit": 201}, {"after": "x" * 33}, {"other": 1}):
        assert (await place.ask("GET", WORLDS, **query))[0] == 422


async def test_a_world_that_goes_meanwhile_is_left_out(place: Place) -> None:
    await place.make("shop")

    def gone(_query: Any) -> None:
        raise DoorRefused(status, "no")

    place.stack.store.answers["GET", "/snapshots"] = gone
    status = 404
    assert await place.ask("GET", WORLDS) == (200, {"worlds": [], "next": None})
    assert (await place.ask("GET", SHOP))[0] == 404
    status = 500
    assert (await place.ask("GET", WORLDS))[0] == 502
    place.stack.relay.away = True
    answer, problem = await place.ask("GET", SHOP)
    assert (answer, problem["service"]) == (503, "relay")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "Shop"}, "id"),
        ({"id": "-shop"}, "id"),
        ({"id": 7}, "id"),
        ({"ttl": 0}, "ttl"),
        ({"domains": 0}, "domains"),
        ({"domains": []}, "domains"),
        ({"domains": [{"acounts": []}]}, "domains.0.acounts"),
        ({"domains": [{"accounts": ["bob"]}]}, "domains.0.accounts.0"),
        ({"domains": [{"aliases": {"sales": 5}}]}, "domains.0.aliases.sales"),
        ({"domains": [{"aliases": {"sales": []}}]}, "domains.0.aliases.sales"),
        ({"domains": [{"name": "a..test"}]}, "domains.0.name"),
        ({"domains": [{"name": "a.test", "accounts": [{"name": "bob@b.test"}]}]}, "domains.0.accounts.0.name"),
        ({"domains": [{"name": "a.test", "accounts": [{"name": "b b@a.test"}]}]}, "domains.0.accounts.0.name"),
        ({"domains": [{"name": "a.test", "aliases": {"x@b.test": "x"}}]}, "domains.0.aliases.x@b.test"),
        ({"password": ""}, "password"),
        ({"quota": "much"}, "quota"),
        ({"quota": {"storage": -1}}, "quota.storage"),
        ({"imap_without": [7]}, "imap_without.0"),
        ({"imap_without": ["NO SUCH"]}, "imap_without.0"),
        ({"other": 1}, "other"),
    ],
)
async def test_what_is_no_world(place: Place, body: dict[str, Any], field: str) -> None:
    status, problem = await place.ask("POST", WORLDS, body)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
    assert place.desk.listed() == [[]] * 4


async def test_a_record_that_is_wrong_is_named_with_its_line(place: Place) -> None:
    domain = {"name": "shop.test", "records": ["www A 203.0.113.9", "nonsense"], "catch_all": "nobody"}
    status, problem = await place.ask("POST", WORLDS, {"domains": [domain]})
    assert (status, problem["title"]) == (422, "The request is not right")
    lines = {error["field"]: error.get("line") for error in problem["errors"]}
    assert lines == {"domains.0.records.1": 2, "domains.0.catch_all": None}
    assert place.desk.listed() == [[]] * 4


async def test_what_another_world_has_is_told(place: Place) -> None:
    await place.make("shop")
    domain = {"domains": [{"name": "sub.shop.test"}]}
    for body, world in (({"id": "shop"}, "shop"), ({"id": "default"}, "default"), (domain, "shop")):
        status, problem = await place.ask("POST", WORLDS, body)
        assert (status, problem["title"], problem["world"]) == (409, "Another world has it", world)


@pytest.mark.parametrize("settings", [{"worlds": "1", "world_accounts": "1"}])
async def test_limits(place: Place) -> None:
    two = {"domains": [{"accounts": [{"name": "a"}, {"name": "b"}]}]}
    status, problem = await place.ask("POST", WORLDS, two)
    assert (status, problem["title"]) == (409, "There is a limit")
    assert "POSTROAD_WORLD_ACCOUNTS" in problem["detail"]
    await place.make("shop")
    status, problem = await place.ask("POST", WORLDS)
    assert status == 409
    assert "POSTROAD_WORLDS" in problem["detail"]
    assert (await place.ask("POST", f"{SHOP}/accounts", {"name": "a"}))[0] == 201
    assert (await place.ask("POST", f"{SHOP}/accounts", {"name": "b"}))[0] == 409


async def test_a_world_is_changed(place: Place) -> None:
    shop = await place.make("shop", ttl=60)
    wanted = {"owner": "me", "imap_without": ["IDLE"]}
    assert await place.ask("PATCH", SHOP, wanted) == (200, {**shop, **wanted})
    assert all(door.worlds["shop"]["imap_without"] == ["IDLE"] for door in place.desk.doors)
    place.desk.clock.push(5.0)
    status, shown = await place.ask("PATCH", SHOP, {"ttl": 60})
    assert (status, shown["expires"]) == (200, "1970-01-12T13:47:45.000Z")
    status, shown = await place.ask("PATCH", SHOP, {"ttl": 0, "owner": "", "imap_without": []})
    assert (status, shown) == (200, {**shop, "owner": "", "expires": None})
    assert (await place.ask("PATCH", SHOP, {"ttl": -1}))[0] == 422
    assert (await place.ask("PATCH", SHOP, {"domains": 2}))[0] == 422


async def test_accounts_are_added(place: Place) -> None:
    await place.make("shop", password="pw", domains=2)
    bob = {"name": "bob", "quota": "1M", "append_limits": {"INBOX": 10}}
    status, shown = await place.ask("POST", f"{SHOP}/accounts", bob)
    address = {"address": "bob@shop.test", "login": "bob@shop.test", "password": "pw", "imap_without": []}
    assert (status, shown) == (201, {**bob, **address})
    status, shown = await place.ask("POST", f"{SHOP}/accounts", {"name": "ann", "domain": "shop-2.test"})
    assert (status, shown["address"]) == (201, "ann@shop-2.test")
    _, world = await place.ask("GET", SHOP)
    names = [[account["name"] for account in domain["accounts"]] for domain in world["domains"]]
    assert names == [["bob"], ["ann"]]
    assert (await place.ask("POST", f"{SHOP}/accounts", {"name": "eve@SHOP-2.test."}))[0] == 422
    assert (await place.ask("POST", f"{SHOP}/accounts", {"name": "eve", "domain": "SHOP-2.test."}))[0] == 201


@pytest.mark.parametrize(
    ("account", "field", "sentence"),
    [
        ({"name": "Bob"}, "name", "Bob@shop.test exists already"),
        ({"name": "outside"}, "name", "outside@shop.test exists already"),
        ({"name": "sales"}, "name", "sales@shop.test exists already"),
        ({"name": "x@shop.test", "domain": "two.test"}, "name", "x@shop.test is not in two.test"),
        ({"name": "x", "quota": "much"}, "quota", "the quota of x@shop.test must be a size"),
        ({"name": "x", "password": ""}, "password", "must be a text of 1 to 500 characters"),
        ({"name": "x", "password": "a\0b"}, "password", "is of no use: the password has a NUL in it"),
        ({}, "name", "is missing"),
    ],
)
async def test_an_account_that_can_not_be_added(place: Place, account: Any, field: str, sentence: str) -> None:
    first = {"name": "shop.test", "accounts": [{"name": "bob"}], "aliases": {"sales": "bob"}}
    shop = await place.make("shop", domains=[first, {"name": "two.test"}])
    status, problem = await place.ask("POST", f"{SHOP}/accounts", account)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
    assert problem["errors"][0]["detail"].startswith(sentence)
    assert await place.ask("GET", SHOP) == (200, shop)


@pytest.mark.parametrize("account", [{"name": "x", "domain": "other.test"}, {"name": "x@other.test"}])
async def test_an_account_in_no_domain_of_the_world(place: Place, account: Any) -> None:
    await place.make("shop")
    status, problem = await place.ask("POST", f"{SHOP}/accounts", account)
    assert (status, problem["detail"]) == (404, "The world has no domain other.test.")


async def test_changes_at_the_same_time_come_one_after_the_other(place: Place) -> None:
    await place.make("shop")
    accounts = [place.ask("POST", f"{SHOP}/accounts", {"name": f"u{number}"}) for number in range(5)]
    owner, port = place.ask("PATCH", SHOP, {"owner": "me"}), place.ask("POST", f"{SHOP}/ports")
    answers = await asyncio.gather(*accounts, owner, port, place.ask("DELETE", SHOP))
    assert [status for status, _ in answers] == [201] * 5 + [200, 201, 204]
    assert place.desk.listed() == [[]] * 4


async def test_a_world_is_emptied_and_stays(place: Place) -> None:
    shop = await place.make("shop")
    place.accept("shop")
    mine = place.accept("default")
    await place.stack.told(place.catalog)
    assert await place.ask("POST", f"{SHOP}/purge") == (204, None)
    assert ("DELETE", "/queue") in place.stack.relay.asked
    assert ("DELETE", "/mail") in place.stack.store.asked
    assert await place.ask("GET", SHOP) == (200, shop)
    assert place.catalog.of("default").get(mine) is not None


async def test_a_world_is_dropped_with_its_mail(place: Place) -> None:
    await place.make("shop")
    ident = place.accept("shop")
    await place.stack.told(place.catalog)
    assert place.catalog.every.get(ident) is not None
    assert await place.ask("DELETE", SHOP) == (204, None)
    assert place.desk.listed() == [[]] * 4
    assert place.catalog.every.get(ident) is None
    assert (await place.ask("DELETE", SHOP))[0] == 404


async def test_whoever_waits_for_a_world_that_is_dropped_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not hear of a world that gets its ID later."""
    await place.make("shop")
    hub, listens = place.catalog.hub, asyncio.Semaphore(0)
    subscribe = hub.subscribe

    def subscribed(world: str) -> Subscription:
        listens.release()
        return subscribe(world)

    monkeypatch.setattr(hub, "subscribe", subscribed)

    async def heard() -> list[str]:
        return [event.kind async for event in events(place.catalog.of("shop"), None)]

    listening = asyncio.ensure_future(heard())
    waiting = asyncio.ensure_future(place.ask("POST", "/v1/wait", {"recipient": "x@shop.test"}, world="shop"))
    for _ in (listening, waiting):
        await listens.acquire()
    assert (await place.ask("DELETE", SHOP))[0] == 204
    status, problem = await waiting
    assert (status, problem["detail"]) == (404, "The world shop was dropped meanwhile.")
    await place.make("shop")
    place.accept("shop")
    await place.stack.told(place.catalog)
    assert await listening == ["purged"]


async def test_several_are_dropped_together(place: Place) -> None:
    for world in ("a", "b", "c"):
        await place.make(world)
    assert await place.ask("DELETE", "/v1/worlds/a,nobody,c") == (204, None)
    assert place.desk.listed() == [["b"]] * 4
    assert [door.dropped for door in place.desk.doors] == [[["a", "c"]]] * 3
    assert (await place.ask("DELETE", "/v1/worlds/a,c"))[0] == 404
    status, problem = await place.ask("DELETE", "/v1/worlds/" + ",".join(["b"] * 101))
    assert (status, problem["detail"]) == (422, "At most 100 worlds are dropped at a time.")
    assert place.desk.listed() == [["b"]] * 4


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"owner": "me"}),
        ("DELETE", "", None),
        ("POST", "/purge", None),
        ("POST", "/accounts", {"name": "bob"}),
        ("GET", "/ports", None),
        ("POST", "/ports", None),
        ("DELETE", "/ports/1026", None),
    ],
)
async def test_a_world_that_is_not_there(place: Place, method: str, path: str, body: Any) -> None:
    status, problem = await place.ask(method, f"{SHOP}{path}", body)
    assert (status, problem["title"]) == (404, "No such world")
    assert problem["detail"] == "There is no world shop that the API has made."


async def test_what_a_service_alone_can_find_wrong_has_its_field_too(place: Place) -> None:
    place.desk.doors[2].refuses = "domains.0.imap_without.1: imap_without: there is no X; these can be hidden: IDLE"
    status, problem = await place.ask("POST", WORLDS, {"id": "shop"})
    fault = {"field": "domains.0.imap_without.1", "detail": "there is no X; these can be hidden: IDLE"}
    assert (status, problem["title"], problem["errors"]) == (422, "The request is not right", [fault])


async def test_a_service_that_refuses_or_is_away_is_named(place: Place) -> None:
    place.desk.doors[2].refuses = True
    status, problem = await place.ask("POST", WORLDS, {"id": "shop"})
    assert (status, problem["title"], problem["detail"]) == (422, "A service refuses it", "no.")
    assert place.desk.listed() == [[]] * 4
    place.desk.doors[2].refuses = False
    place.desk.doors[0].away = True
    status, problem = await place.ask("POST", WORLDS, {"id": "shop"})
    assert (status, problem["service"]) == (503, "dns")


async def test_a_door_that_fails_is_no_fault_of_the_client(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_path: str, _value: Any) -> None:
        raise DoorRefused(500, "broken")

    monkeypatch.setattr(place.desk.doors[1], "put", fail)
    status, problem = await place.ask("POST", WORLDS, {"id": "shop"})
    assert (status, problem["detail"]) == (502, "broken")


async def test_a_disk_that_is_full_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.make("shop")

    def full(_made: object) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_exception(sqlite3.OperationalError("disk full"))
        return future

    monkeypatch.setattr(place.desk.database, "put", full)
    for method in ("PATCH", "DELETE"):
        status, problem = await place.ask(method, SHOP, {"owner": "me"} if method == "PATCH" else None)
        assert (status, problem["title"], problem["detail"]) == (507, "The worlds can't be written", "disk full.")
    assert place.desk.keeper.get("shop").definition["owner"] == ""


async def test_without_a_keeper_there_are_no_worlds() -> None:
    async with client(services()) as http:
        for answer in (await http.get(WORLDS), await http.post(WORLDS)):
            assert (answer.status_code, answer.json()["title"]) == (503, "No worlds are kept")
