"""Who may log in, and whose mailboxes an address leads to."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.greenmail import User, read_options
from postroad.mail.address import parse_address
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.world.guesses import Guesses
from postroad.world.overlay import read_overlay
from postroad.world.secret import hash_password
from postroad.world.source import parse_world
from postroad_store.accounts import Accounts
from postroad_store.greenmail.habits import HabitualAccounts
from postroad_store.greenmail.users import Users
from tests.harness.stack import DEFAULT_WORLD

WORLD = parse_world(DEFAULT_WORLD.encode(), IPv4Network("127.0.0.0/24"))


def guesses() -> Guesses:
    return Guesses(Clock(), answer_after=0.0)


def accounts(**settings: str) -> Accounts:
    environ = {f"POSTROAD_{name.upper()}": value for name, value in settings.items()}
    return Accounts(WORLD, Settings.from_environ(environ), guesses())


CREATE = {"unknown_users": "create"}


@pytest.mark.parametrize(
    ("settings", "address", "logins"),
    [
        ({}, "bob@beta.test", ["bob@beta.test"]),
        ({}, "BOB@Beta.TEST", ["bob@beta.test"]),
        ({}, "bob+lists@beta.test", ["bob@beta.test"]),
        ({}, "sales@beta.test", ["bob@beta.test", "dave@beta.test"]),
        ({}, "nobody@beta.test", []),
        ({}, "nobody@alpha.test", ["carol@alpha.test"]),
        ({}, "x@elsewhere.example", ["capture@postroad.test"]),
        ({}, "x@[127.0.0.1]", ["capture@postroad.test"]),
        ({"outside": "bounce"}, "x@elsewhere.example", []),
        ({"outside": "refuse"}, "x@elsewhere.example", []),
        (CREATE, "new@beta.test", ["new@beta.test"]),
        (CREATE, "New+tag@beta.test", ["new@beta.test"]),
        (CREATE, "+tag@beta.test", ["+tag@beta.test"]),
        (CREATE, "new@alpha.test", ["carol@alpha.test"]),
        (CREATE, "sales@beta.test", ["bob@beta.test", "dave@beta.test"]),
    ],
)
def test_reached_by(settings: dict[str, str], address: str, logins: list[str]) -> None:
    reached = accounts(**settings).reached_by(parse_address(address))
    assert [account.login for account in reached] == logins


@pytest.mark.parametrize(
    ("login", "hidden"),
    [
        ("ann@y.test", {"MOVE"}),
        ("BEN@y.test", {"MOVE", "IDLE"}),
        ("made@y.test", {"MOVE"}),  # an account that a delivery or login makes
        ("nobody@elsewhere.example", set()),
    ],
)
def test_hidden(login: str, hidden: set[str]) -> None:
    text = "imap_without = ['MOVE']\naccounts = { ann = 'pw', ben = { password = 'pw', imap_without = ['IDLE'] } }\n"
    world = parse_world(f"{DEFAULT_WORLD}\n[domains.'y.test']\n{text}".encode(), IPv4Network("127.0.0.0/24"))
    settings = Settings.from_environ({"POSTROAD_UNKNOWN_USERS": "create"})
    assert Accounts(world, settings, guesses()).hidden(login) == hidden


def test_without_a_capture_account_nothing_is_captured() -> None:
    world = replace(WORLD, capture=None)
    assert Accounts(world, Settings.from_environ({}), guesses()).reached_by(parse_address("x@elsewhere.example")) == ()


@pytest.mark.parametrize(
    ("settings", "login", "owner"),
    [
        ({}, "bob@beta.test", "bob@beta.test"),
        ({}, "Bob@BETA.test", "bob@beta.test"),
        ({}, "bob", None),
        ({}, "sales@beta.test", None),
        ({}, "new@beta.test", None),
        (CREATE, "new@beta.test", "new@beta.test"),
        (CREATE, "new+tag@beta.test", None),
        (CREATE, "sales@beta.test", None),
        (CREATE, "new@alpha.test", None),  # its mail goes to the catch-all
        (CREATE, "new@elsewhere.example", None),
        (CREATE, "no address", None),
    ],
)
def test_find(settings: dict[str, str], login: str, owner: str | None) -> None:
    account = accounts(**settings).find(login)
    assert (account.login if account is not None else None) == owner


@pytest.mark.parametrize(
    ("settings", "login", "password", "right"),
    [
        ({}, "bob@beta.test", "builder", True),
        ({}, "bob@beta.test", "Builder", False),
        ({}, "bob@beta.test", "", False),
        ({}, "nobody@beta.test", "", False),
        ({}, "nobody@beta.test", "postroad", False),
        (CREATE, "new@beta.test", "postroad", True),
        ({**CREATE, "unknown_password": "other"}, "new@beta.test", "other", True),
        ({**CREATE, "unknown_password": "other"}, "new@beta.test", "postroad", False),
    ],
)
async def test_authenticate(settings: dict[str, str], login: str, password: str, right: bool) -> None:
    account = await accounts(**settings).authenticate(Claim("PLAIN", login, Password(password)), "127.0.0.1")
    assert (account is not None) is right


async def test_a_hashed_password() -> None:
    text = DEFAULT_WORLD.replace('"builder"', f'"{hash_password("builder")}"')
    hashed = Accounts(parse_world(text.encode(), IPv4Network("127.0.0.0/24")), Settings.from_environ({}), guesses())
    assert await hashed.authenticate(Claim("PLAIN", "bob@beta.test", Password("wrong")), "127.0.0.1") is None
    assert await hashed.authenticate(Claim("PLAIN", "bob@beta.test", Password("builder")), "127.0.0.1") is not None
    assert (
        await hashed.authenticate(Claim("PLAIN", "bob@beta.test", Password("builder")), "127.0.0.1") is not None
    )  # remembered, without a thread


def test_an_edited_world_counts_at_once() -> None:
    known = accounts()
    known.world = parse_world(DEFAULT_WORLD.replace("dave", "dora").encode(), IPv4Network("127.0.0.0/24"))
    assert known.find("dave@beta.test") is None
    assert known.find("dora@beta.test") is not None


OPTIONS = "-Dgreenmail.users=ann:s3cret@shop.example -Dgreenmail.sieve.ignore.detail=true"
HABITS, EVE = read_options(OPTIONS), User("eve", "eve@shop.example", "apple")


def with_users(users: Users, **settings: str) -> Accounts:
    environ = {f"POSTROAD_{name.upper()}": value for name, value in settings.items()}
    return Accounts(WORLD, Settings.from_environ(environ), guesses(), users)


@pytest.mark.parametrize(
    ("users", "address", "logins", "captured"),
    [
        (Users(HABITS), "ann@shop.example", ["ann@shop.example"], False),
        (Users(HABITS), "Ann+x@shop.example", ["ann@shop.example"], False),
        (Users(HABITS), "new@elsewhere.example", ["new@elsewhere.example"], False),
        (Users(HABITS), "nobody@beta.test", ["nobody@beta.test"], False),
        (Users(HABITS), "bob@beta.test", ["bob@beta.test"], False),
        (Users(HABITS), "nobody@alpha.test", ["carol@alpha.test"], False),  # the catch-all is the world's own
        (Users(HABITS), "x@[127.0.0.1]", ["capture@postroad.test"], True),
        (Users(None, [EVE]), "eve@shop.example", ["eve@shop.example"], False),
        (
            Users(None, [User("x", "x@alpha.test", "1")]),
            "x@alpha.test",
            ["x@alpha.test"],
            False,
        ),  # before the catch-all
        (Users(None, [User("x", "alice@alpha.test", "1")]), "alice+y@alpha.test", ["alice@alpha.test"], False),
        (Users(None, [EVE]), "new@shop.example", ["capture@postroad.test"], True),
        (Users(None, [EVE]), "nobody@beta.test", [], False),
    ],
)
def test_users_beside_the_world_are_reached(users: Users, address: str, logins: list[str], captured: bool) -> None:
    given = with_users(users)
    assert [account.login for account in given.reached_by(parse_address(address))] == logins
    assert given.lead(parse_address(address))[1] is captured


def test_users_beside_the_world_log_in() -> None:
    given = with_users(Users(HABITS, [EVE]))
    known = {name: given.find(name) for name in ("eve", "ann@shop.example", "new@elsewhere.example", "bob@beta.test")}
    assert {name: account and account.secret for name, account in known.items()} == {
        "eve": "apple",
        "ann@shop.example": "s3cret",
        "new@elsewhere.example": "new@elsewhere.example",
        "bob@beta.test": "builder",
    }
    assert given.find("nobody") is None
    assert given.find("sales@beta.test") is None  # an alias
    assert given.may_exist("any@elsewhere.example")
    plain = with_users(Users(None, [EVE]))
    assert plain.find("new@elsewhere.example") is None
    assert plain.find("nobody@beta.test") is None
    assert plain.may_exist("eve@shop.example")
    assert not plain.may_exist("new@shop.example")


def test_users_are_of_no_other_world() -> None:
    """An overlay that gets a user's domain later has it to itself."""
    given = with_users(Users(HABITS, [EVE]))
    definition = {
        "id": "shop",
        "app": {"user": "shop", "password": "x"},
        "capture": {"login": "outside@shop.example", "password": "x"},
        "domains": [{"name": "shop.example", "accounts": [{"name": "bob", "password": "x"}]}],
    }
    given.layers.put(read_overlay(definition, WORLD))
    assert given.reached_by(parse_address("eve@shop.example")) == ()
    assert given.find("eve@shop.example") is None
    assert given.lead(parse_address("new@elsewhere.example"), "shop")[1]


async def test_any_password_where_the_habits_say_so() -> None:
    def opened(options: str) -> HabitualAccounts:
        return HabitualAccounts(WORLD, Settings.from_environ({}), guesses(), Users(read_options(options)))

    lax, strict = opened("-Dgreenmail.auth.disabled"), opened("")

    def login(name: str, identity: str = "") -> Claim:
        return Claim("PLAIN", name, Password("whatever"), identity)

    for claim, account in (
        (login("bob@beta.test"), "bob@beta.test"),
        (login("new@elsewhere.example"), "new@elsewhere.example"),
        (login("just-a-name"), "just-a-name@localhost"),
        (login("x", "bob@beta.test"), "bob@beta.test"),
    ):
        user = await lax.authenticate(claim, "127.0.0.1")
        assert user is not None
        assert user.login == account
        assert await strict.authenticate(claim, "127.0.0.1") is None
    assert await lax.authenticate(login("no address@"), "127.0.0.1") is None
    own = Claim("PLAIN", "bob@beta.test", Password("builder"), "")
    assert await strict.authenticate(own, "127.0.0.1") is not None
    plain = HabitualAccounts(WORLD, Settings.from_environ({}), guesses(), Users(None))
    assert await plain.authenticate(own, "127.0.0.1") is not None


async def test_a_login_makes_no_user_in_a_domain_of_another_world() -> None:
    lax = HabitualAccounts(
        WORLD, Settings.from_environ({}), guesses(), Users(read_options("-Dgreenmail.auth.disabled"))
    )
    lax.layers.put(read_overlay(OVERLAY, WORLD))
    for name, account in (("ghost@shop.test", None), ('"ghost"@SHOP.test', None), ("bob@shop.test", "bob@shop.test")):
        user = await lax.authenticate(Claim("PLAIN", name, Password("whatever"), ""), "127.0.0.1")
        assert (user and user.login) == account


OVERLAY = {
    "id": "shop",
    "app": {"user": "shop", "password": "x"},
    "capture": {"login": "outside@shop.test", "password": "x"},
    "domains": [{"name": "shop.test", "accounts": [{"name": "bob", "password": "x", "quota": "1M"}]}],
}


@pytest.mark.parametrize(
    ("settings", "world", "address", "logins"),
    [
        ({}, None, "bob@shop.test", ["bob@shop.test"]),
        ({}, "shop", "bob@shop.test", ["bob@shop.test"]),
        ({}, "shop", "alice@alpha.test", ["outside@shop.test"]),
        ({}, "default", "bob@shop.test", ["capture@postroad.test"]),
        ({}, "gone", "bob@shop.test", []),
        ({"outside": "bounce"}, "shop", "alice@alpha.test", []),
        ({}, "shop", "nobody@shop.test", []),
        (CREATE, "shop", "nobody@shop.test", ["nobody@shop.test"]),
    ],
)
def test_reached_in_a_world(settings: dict[str, str], world: str | None, address: str, logins: list[str]) -> None:
    known = accounts(**settings)
    known.layers.put(read_overlay(OVERLAY, WORLD))
    assert [account.login for account in known.reached_by(parse_address(address), world)] == logins
    assert known.is_local(parse_address(address), world) is (world in {None, "shop"} and "shop" in address)


def test_what_a_world_adds_to_the_accounts() -> None:
    known = accounts()
    assert not known.has_quotas()
    assert not known.may_exist("bob@shop.test")
    known.layers.put(read_overlay(OVERLAY, WORLD))
    assert known.has_quotas()
    assert known.may_exist("bob@shop.test")
    assert known.may_exist("alice@alpha.test")
    assert (known.world_id("bob@shop.test"), known.world_id("alice@alpha.test")) == ("shop", "default")
    assert known.quota("bob@shop.test").storage == 1 << 20
    assert known.find("bob@shop.test") is not None
