"""`/users` of the store's control door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from postroad.clock import Clock
from postroad.control.client import DoorClient, DoorRefused
from postroad.control.door import Door
from postroad.greenmail import read_options
from postroad.world.overlay import read_overlay
from postroad_store.control.mail import Mail
from postroad_store.control.reading import Reading
from postroad_store.greenmail.control import UserRoutes
from postroad_store.greenmail.ledger import Ledger
from postroad_store.notes import Notes
from postroad_store.sieve.registry import Registry
from tests.harness.control import TOKEN
from tests.harness.imap import Place
from tests.store.test_accounts import WORLD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

OPTIONS = "-Dgreenmail.users=ann:s3cret@shop.example,al:x"
EVE = {"email": "eve@shop.example", "login": "eve", "password": "apple"}
SHOWN = {"login": "eve", "email": "eve@shop.example", "account": "eve@shop.example"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.accounts.users = Ledger(tmp_path).load(read_options(OPTIONS))
    place.storage.may_exist = place.accounts.may_exist
    yield place
    place.close()


LOADED: list[str] = []  # users, whenever the mail that is there from the start is brought


@pytest_asyncio.fixture
async def door(place: Place, tmp_path: Path) -> AsyncIterator[DoorClient]:
    reading = Reading(tmp_path / "mail")
    notes = Notes(place.journal, "control")  # type: ignore[arg-type]
    mail = Mail(place.accounts, place.storage, reading, notes, Clock(), Registry, 3, lambda _: None)

    async def load() -> None:
        LOADED[:] = [user.login for user in place.accounts.users.all()]

    routes = UserRoutes(mail, Ledger(tmp_path), place.storage.drop_accounts, load).routes
    opened = Door(routes, token=TOKEN, clock=Clock())
    await opened.start("127.0.0.1", 0)
    client = DoorClient("store", *opened.address, TOKEN)
    yield client
    await client.close()
    await opened.close()
    reading.close()


async def listed(door: DoorClient) -> dict[str, str]:
    """Return the accounts by login."""
    return {user["login"]: user["account"] for user in (await door.get("/users"))["users"]}


async def test_all_users_are_listed(door: DoorClient, place: Place) -> None:
    await place.storage.account("new@elsewhere.example")
    accounts = await listed(door)
    assert accounts["ann"] == "ann@shop.example"
    assert accounts["al"] == "al@localhost"
    assert accounts["bob@alpha.test"] == "bob@alpha.test"  # of the world file
    assert accounts["new@elsewhere.example"] == "new@elsewhere.example"


async def test_make_and_remove(door: DoorClient, place: Place, tmp_path: Path) -> None:
    assert await door.post("/users", EVE) == SHOWN
    assert (await listed(door))["eve"] == "eve@shop.example"
    assert Ledger(tmp_path).load(None).find("eve") is not None
    account = await place.storage.account("eve@shop.example")
    assert account.inbox is not None
    assert await door.delete("/users/eve") == {"removed": "eve@shop.example"}
    assert "eve" not in await listed(door)
    assert Ledger(tmp_path).load(None).find("eve") is None
    with pytest.raises(DoorRefused) as error:
        await door.delete("/users/eve")
    assert error.value.status == 404


async def test_remove_what_a_delivery_has_made(door: DoorClient, place: Place) -> None:
    await place.storage.account("new@elsewhere.example")
    assert await door.delete("/users/New@elsewhere.example") == {"removed": "new@elsewhere.example"}
    assert "new@elsewhere.example" not in await listed(door)
    with pytest.raises(DoorRefused) as error:
        await door.delete("/users/bob@alpha.test")
    assert (error.value.status, error.value.sentence) == (409, "bob@alpha.test is in the world file")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({"email": "a@b.test"}, 400),
        (EVE | {"password": ""}, 422),
        (EVE | {"email": "a@b@c@"}, 422),
        (EVE | {"email": "ann@shop.example"}, 409),
        (EVE | {"login": "ann"}, 409),
        (EVE | {"email": "bob@alpha.test"}, 409),
        (EVE | {"login": "bob@alpha.test"}, 409),
        (EVE | {"email": "eve@other.test"}, 409),
    ],
)
async def test_who_can_not_be_made(door: DoorClient, place: Place, body: Any, status: int) -> None:
    definition = {
        "id": "other",
        "app": {"user": "other", "password": "x"},
        "capture": {"login": "outside@other.test", "password": "x"},
        "domains": [{"name": "other.test"}],
    }
    place.accounts.layers.put(read_overlay(definition, WORLD))
    with pytest.raises(DoorRefused) as error:
        await door.post("/users", body)
    assert error.value.status == status


async def test_reset(door: DoorClient, place: Place) -> None:
    before = await listed(door)
    await door.post("/users", EVE)
    await door.delete("/users/ann")
    await place.storage.account("new@elsewhere.example")
    await door.post("/users/reset")
    assert await listed(door) == before
    assert LOADED == ["al", "ann"]  # once the users are as they were at the start


async def test_a_user_that_a_login_has_made_goes_by_its_name_too(door: DoorClient, place: Place) -> None:
    """GreenMail's users need not have a domain."""
    await place.storage.account("new@localhost")
    assert await door.delete("/users/New") == {"removed": "new@localhost"}
    assert "new@localhost" not in await listed(door)
