"""A world as the API describes it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from postroad_kit.definition import DEFAULT_DEFINITION, Accounts, Login, account_of, definition_of, wanted, with_account
from postroad_kit.endpoints import Endpoint, Endpoints, endpoints_of
from postroad_kit.errors import PostroadError
from postroad_kit.outline import Outline

ANSWER: dict[str, Any] = {
    "id": "checkout",
    "owner": "t::a",
    "created": "2026-11-26T12:00:00.000Z",
    "expires": "2026-11-26T13:00:00.000Z",
    "app": {"user": "checkout", "password": "p w"},
    "capture": {"login": "outside@shop.test", "password": "c"},
    "domains": [
        {
            "name": "shop.test",
            "accounts": [{"name": "bob", "address": "bob@shop.test", "login": "bob@shop.test", "password": "x"}],
            "aliases": {"sales": ["bob"]},
            "catch_all": "bob",
            "records": ["www A 172.30.0.9"],
        },
        {"name": "other.test"},
    ],
}
PLACES = endpoints_of({"endpoints": {"app": {"host": "127.0.0.1", "port": 1025}}, "ca": None})


def test_what_is_asked_for() -> None:
    assert wanted(None, None, ttl=None, domains=2) == {"domains": 2}
    accounts: Accounts = ["bob", {"name": "full", "quota": {"messages": 1}}]
    assert wanted("checkout", accounts, owner="me") == {
        "id": "checkout",
        "owner": "me",
        "domains": [{"accounts": [{"name": "bob"}, {"name": "full", "quota": {"messages": 1}}]}],
    }
    with pytest.raises(ValueError, match="not both"):
        wanted(None, ["bob"], domains=1)


def test_domains_and_their_accounts_may_be_given_by_name() -> None:
    domains = ["a.test", {"name": "b.test", "accounts": ("ann", {"name": "bob"}), "catch_all": "ann"}]
    assert wanted(None, None, domains=domains) == {
        "domains": [
            {"name": "a.test"},
            {"name": "b.test", "accounts": [{"name": "ann"}, {"name": "bob"}], "catch_all": "ann"},
        ]
    }


@pytest.mark.parametrize(
    "members", [{"domains": "a.test"}, {"domains": [5]}, {"domains": []}, {"domains": [{"accounts": 5}]}]
)
def test_what_is_wrong_is_for_the_api_to_say(members: dict[str, Any]) -> None:
    asked = wanted(None, None, **members)
    assert asked == members
    assert with_account(asked, BOB) == members


def test_a_name_is_no_list_of_its_letters() -> None:
    asked = wanted(None, "bob")
    assert asked == {"domains": [{"accounts": "bob"}]}
    assert with_account(asked, BOB) == asked
    assert wanted(None, [5]) == {"domains": [{"accounts": [5]}]}  # type: ignore[list-item]


def test_the_whole() -> None:
    definition = definition_of(ANSWER)
    assert definition.app == Login("checkout", "p w")
    assert definition.capture == Login("outside@shop.test", "c")
    assert definition.expires is not None
    shop, other = definition.domains
    assert shop.accounts[0].address == "bob@shop.test"
    assert shop.accounts[0].password == "x"
    assert shop.aliases == {"sales": ("bob",)}
    assert (shop.catch_all, other.catch_all) == ("bob", None)
    assert shop.records == ("www A 172.30.0.9",)
    assert definition.owner == "t::a"
    assert not other.accounts
    assert not other.records


def test_the_least() -> None:
    definition = definition_of(
        {"id": "default", "domains": [{"name": "a.test", "accounts": [{"name": "b", "login": "b@a.test"}]}]}
    )
    assert (definition.app, definition.capture, definition.expires, definition.owner) == (None, None, None, "")
    assert definition.domains[0].accounts[0].address == "b@a.test"
    assert definition.domains[0].accounts[0].password == ""


def test_an_account_may_have_a_login_that_is_not_its_address() -> None:
    account = account_of({"name": "bob", "address": "bob@shop.test", "login": "b"})
    assert (account.name, account.address, account.login, account.password) == ("bob", "bob@shop.test", "b", "")


def test_what_a_test_knows_without_asking() -> None:
    world = Outline(definition_of(ANSWER), PLACES, "http://localhost:8025")
    assert repr(world) == "<Outline checkout>"
    assert world.domain == "shop.test"
    assert world.console_url == "http://localhost:8025/w/checkout/"
    assert world.smtp_url == "smtp://checkout:p%20w@127.0.0.1:1025"
    assert world.smtp_endpoint == Endpoint("127.0.0.1", 1025)
    assert world.address("ann") == "ann@shop.test"
    assert world.address("ann@other.test") == "ann@other.test"
    bob = world.known("BOB")
    assert bob is not None
    assert bob.login == "bob@shop.test"
    assert world.known("ann") is None
    two = copy.deepcopy(ANSWER)
    for name, domain in (("ann", 0), ("bob", 1), ("eve", 1)):
        address = f"{name}@{two['domains'][domain]['name']}"
        account = {"name": name, "address": address, "login": address, "password": "x"}
        two["domains"][domain].setdefault("accounts", []).append(account)
    world = Outline(definition_of(two), PLACES, "http://localhost:8025")
    names = ("bob", "Ann", "eve", "bob@shop.test", "Ann@SHOP.test", "bob@other.test", "eve@other.test", "x@shop.test")
    assert [known and known.address for known in map(world.known, names)] == [
        "bob@shop.test", "ann@shop.test", None, "bob@shop.test", "ann@shop.test", "bob@other.test", "eve@other.test",
        None,
    ]  # fmt: skip


def test_a_world_that_is_to_be_made_is_not_known() -> None:
    world = Outline(None, PLACES, "http://localhost:8025")
    assert repr(world) == "<Outline to be made>"
    with pytest.raises(PostroadError, match="not made yet"):
        _ = world.id


def test_the_default_world_has_no_credentials() -> None:
    assert definition_of({"id": "default", "domains": []}) == DEFAULT_DEFINITION
    world = Outline(DEFAULT_DEFINITION, PLACES, "http://localhost:8025")
    assert world.smtp_url == "smtp://127.0.0.1:1025"
    assert world.smtp_password == ""
    with pytest.raises(PostroadError, match="is in the world file"):
        _ = world.capture_login
    assert world.known("bob") is world.known("bob@beta.test") is None
    with pytest.raises(PostroadError, match="the world file's"):
        _ = world.domain


def test_endpoints_that_are_not_told() -> None:
    places = Endpoints({}, None)
    with pytest.raises(PostroadError, match="does not say where imaps is: POSTROAD_PUBLISHED"):
        _ = places["imaps"]
    with pytest.raises(PostroadError, match="does not show its CA"):
        places.ssl_context()


BOB = {"name": "Bob", "password": "x"}


@pytest.mark.parametrize(
    ("asked", "domains"),
    [
        ({"owner": "a"}, [{"accounts": [BOB]}]),
        (wanted(None, ["ann"]), [{"accounts": [{"name": "ann"}, BOB]}]),
        (
            {"domains": [{"name": "a.test"}, {"name": "b.test"}]},
            [{"name": "a.test", "accounts": [BOB]}, {"name": "b.test"}],
        ),
        (wanted(None, ["bob"]), [{"accounts": [{"name": "bob"}]}]),
        ({"domains": [{"aliases": {"BOB": "ann"}}]}, [{"aliases": {"BOB": "ann"}}]),
        (wanted(None, None, domains=["a.test"]), [{"name": "a.test", "accounts": [BOB]}]),
        (wanted(None, None, domains=[{"accounts": ["bob"]}]), [{"accounts": [{"name": "bob"}]}]),
        ({"domains": 3}, 3),
    ],
)
def test_a_world_with_one_more_account(asked: dict[str, Any], domains: Any) -> None:
    before = copy.deepcopy(asked)
    assert with_account(asked, BOB) == {**asked, "domains": domains}
    assert asked == before


def test_an_address_is_no_account_of_the_first_domain() -> None:
    assert with_account({"id": "w"}, {"name": "bob@other.test"}) == {"id": "w"}
