"""Who may log in, and whose mailboxes an address leads to."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.mail.address import parse_address
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.world.guesses import Guesses
from postroad.world.secret import hash_password
from postroad.world.source import parse_world
from postroad_store.accounts import Accounts
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
    found = accounts(**settings).reached_by(parse_address(address))
    assert [account.login for account in found] == logins


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
    ("settings", "login", "found"),
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
def test_find(settings: dict[str, str], login: str, found: str | None) -> None:
    account = accounts(**settings).find(login)
    assert (account.login if account is not None else None) == found


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
