"""Accounts, domains and purging, as the native API has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorAway, DoorRefused
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from tests.web.api.asgi import WORLD, NoCatalog, client, services

if TYPE_CHECKING:
    from postroad.control.client import DoorClient
    from postroad_web.api.services import Services
    from tests.harness.imap import Place

ALICE = "alice@alpha.test"
MAIL = b"Subject: x\r\n\r\n"
LOGINS = [
    "alice@alpha.test",
    "bob@beta.test",
    "capture@postroad.test",
    "carol@alpha.test",
    "dave@beta.test",
    "postmaster@postroad.test",
]


@pytest.fixture
def given(place: Place, store: DoorClient) -> Services:
    place.accounts.world = WORLD
    return services(store=store)


async def put(place: Place, login: str, count: int) -> None:
    inbox = (await place.storage.account(login)).inbox
    await place.storage.append([Arrival((inbox,), MAIL, 0, NO_FLAGS)] * count)


async def test_accounts(place: Place, given: Services) -> None:
    await put(place, ALICE, 2)
    await place.storage.account("made@beta.test")
    async with client(given) as http:
        listed = (await http.get("/v1/accounts")).json()
        by_login = {account["login"]: account for account in listed["accounts"]}
        assert (sorted(by_login), listed["next"]) == (sorted([*LOGINS, "made@beta.test"]), None)
        assert by_login[ALICE] == {
            "login": ALICE,
            "world": "default",
            "domain": "alpha.test",
            "in_world_file": True,
            "aliases": ["info@alpha.test", "team@alpha.test"],
            "catch_all_of": [],
            "capture": False,
            "mailboxes": 6,
            "messages": 2,
            "unseen": 2,
        }
        assert by_login["carol@alpha.test"]["catch_all_of"] == ["alpha.test"]
        assert by_login["capture@postroad.test"]["capture"] is True
        assert by_login["made@beta.test"]["in_world_file"] is False
        assert (await http.get("/v1/accounts/ALICE@Alpha.test")).json() == by_login[ALICE]
        assert (await http.get("/v1/accounts/nobody@alpha.test")).status_code == 404
        assert (await http.get("/v1/accounts/nobody")).status_code == 404


async def test_pages_of_accounts(given: Services) -> None:
    seen: list[str] = []
    async with client(given) as http:
        page = {"next": None}
        while page["next"] is not None or not seen:
            query = {"limit": 4} | ({"after": page["next"]} if seen else {})
            page = (await http.get("/v1/accounts", params=query)).json()
            seen += [account["login"] for account in page["accounts"]]
    assert seen == LOGINS


class Dns:
    """The name server's control door."""

    async def get(self, path: str) -> dict[str, Any]:
        if path != "/zones/beta.test":
            raise DoorAway("dns", "no connection")
        return {"records": ["beta.test. 3600 IN MX 10 mx.postroad.test."]}


async def test_domains() -> None:
    async with client(services(dns=Dns())) as http:
        listed = {domain["name"]: domain for domain in (await http.get("/v1/domains")).json()["domains"]}
        assert sorted(listed) == ["alpha.test", "beta.test", "postroad.test"]
        assert listed["alpha.test"] == {
            "name": "alpha.test",
            "world": "default",
            "mx": [{"preference": 10, "host": "mx.postroad.test"}],
            "accounts": ["alice@alpha.test", "carol@alpha.test"],
            "aliases": {
                "info@alpha.test": ["alice@alpha.test"],
                "team@alpha.test": ["alice@alpha.test", "carol@alpha.test"],
            },
            "catch_all": "carol@alpha.test",
        }
        beta = (await http.get("/v1/domains/BETA.test")).json()
        assert beta == listed["beta.test"] | {"records": ["beta.test. 3600 IN MX 10 mx.postroad.test."]}
        assert (await http.get("/v1/domains/gamma.test")).status_code == 404
        assert (await http.get("/v1/domains/-..-")).status_code == 404
        assert (await http.get("/v1/domains/alpha.test")).status_code == 503


class Purged(NoCatalog):
    """A catalog that counts how often it is purged."""

    count = 0

    async def purge(self) -> None:
        self.count += 1


async def test_purge(place: Place, given: Services) -> None:
    catalog = Purged()
    given.catalog = catalog  # type: ignore[assignment]
    await put(place, ALICE, 3)
    await put(place, "bob@beta.test", 2)
    async with client(given) as http:
        answer = await http.post("/v1/purge", json={"account": ALICE})
        assert answer.json() == {"account": ALICE, "removed": 3}
        assert catalog.count == 0
        assert (await http.post("/v1/purge", json={"account": "nobody@alpha.test"})).status_code == 404
        assert (await http.post("/v1/purge", json={"everything": True})).status_code == 422
        answer = await http.post("/v1/purge")
        assert (answer.json(), catalog.count) == ({"account": None, "removed": None}, 1)


async def test_a_door_that_fails() -> None:
    class Broken:
        async def get(self, path: str, **_query: str) -> None:
            raise DoorRefused(500, f"no {path}")

    async with client(services(store=Broken())) as http:
        assert (await http.get("/v1/accounts")).status_code == 502
