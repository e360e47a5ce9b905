"""Users as GreenMail has them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from postroad.greenmail import Habits, User, read_options
from postroad.mail.address import Address, parse_address
from postroad_store.greenmail.ledger import FILE, Ledger
from postroad_store.greenmail.users import TakenError, Users

if TYPE_CHECKING:
    from pathlib import Path

HABITS = read_options("-Dgreenmail.users=bob:secret@example.com,al:x")
BOB, AL = HABITS.users
EVE = User("eve", "Eve@Example.COM", "apple")


def logins(users: Users) -> list[str]:
    return [user.login for user in users.all()]


def test_without_habits_there_are_those_that_were_made() -> None:
    users = Users(None)
    assert not users
    assert not users.creates
    assert users.created("new@example.com") is None
    assert users.receiver(parse_address("new@example.com")) is None
    users.make(EVE)
    assert users
    for name in ("eve", " EVE ", "eve@example.com", "Eve@example.com"):
        assert users.find(name) == EVE
        account = users.account(name)
        assert account is not None
        assert (account.login, account.secret) == ("eve@example.com", "apple")
    receiver = users.receiver(parse_address("eve@example.com"))
    assert receiver is not None
    assert receiver.login == "eve@example.com"
    assert users.account("other") is None


def test_an_address_may_be_spelt_in_each_of_its_ways() -> None:
    users = Users(None)
    ann = User("svc", "Ann@LocalHost", "p")
    users.make(ann)
    for name in ("svc", "SVC", "ann", "Ann", "ann@localhost", "ANN@LOCALHOST", '"ann"@localhost', ' "Ann"@LOCALHOST '):
        assert users.find(name) == ann, name
    for name in ("", "@", "ann@", "@localhost", "ann@example.com", "an", "svc@localhost"):
        assert users.find(name) is None, name
    with pytest.raises(TakenError, match="there is a user other or ann already"):
        users.make(User("other", "ann", "p"))
    users.remove(User("svc", '"ann"@localhost', "p"))
    assert users.find("ann") is None


def test_deliveries_and_logins_make_users_whose_password_is_their_name() -> None:
    users = Users(HABITS)
    assert users
    for name, login in (("New@Example.com", "new@example.com"), ("new", "new@localhost")):
        account = users.created(name)
        assert account is not None
        assert (account.login, account.secret) == (login, name)
    assert users.created("no address@") is None
    receiver = users.receiver(parse_address("new@example.com"))
    assert receiver is not None
    assert receiver.secret == "new@example.com"
    assert logins(users) == ["al", "bob"]  # they are not among those that were named or made


@pytest.mark.parametrize(
    ("options", "address", "login"),
    [
        ("", "bob+x@example.com", "bob+x@example.com"),
        ("-Dgreenmail.sieve.ignore.detail=true", "bob+x@example.com", "bob@example.com"),
        ("-Dgreenmail.sieve.ignore.detail=true", "new+x@example.com", "new@example.com"),
        ("-Dgreenmail.sieve.ignore.detail=true", "+x@example.com", "+x@example.com"),
    ],
)
def test_details(options: str, address: str, login: str) -> None:
    users = Users(read_options(f"-Dgreenmail.users=bob:secret@example.com {options}"))
    receiver = users.receiver(parse_address(address))
    assert receiver is not None
    assert receiver.login == login


def test_who_has_been_named_is_known_with_a_detail_and_without() -> None:
    users = Users(read_options("-Dgreenmail.users=bob:secret@example.com,al+x:y@example.com"))
    with_detail = Users(read_options("-Dgreenmail.users=bob:secret@example.com -Dgreenmail.sieve.ignore.detail=true"))
    for known, address, login in (
        (users, "bob@example.com", "bob@example.com"),
        (users, "al+x@example.com", "al+x@example.com"),
        (users, "bob+x@example.com", None),
        (with_detail, "bob+x@example.com", "bob@example.com"),
        (with_detail, "new+x@example.com", None),
    ):
        account = known.named(parse_address(address))
        assert (account and account.login) == login, address


@pytest.mark.parametrize("user", [User("bob", "other@example.com", "x"), User("other", "BOB@example.com", "x")])
def test_nobody_is_made_twice(user: User) -> None:
    users = Users(HABITS)
    with pytest.raises(TakenError, match="already"):
        users.make(user)
    assert logins(users) == ["al", "bob"]


def test_what_is_no_address_is_no_user() -> None:
    with pytest.raises(TakenError, match="is not an address"):
        Users(HABITS).make(User("x", "a@b@c@", "x"))
    odd = Users(Habits(users=(User("x", "a@b@c@", "x"),)))
    assert odd.find("x") is not None
    assert odd.account("x") is None


def test_remove_and_reset() -> None:
    users = Users(HABITS)
    users.make(EVE)
    users.remove(BOB)
    users.remove(EVE)
    assert logins(users) == ["al"]
    assert users.kept() == {"made": [], "removed": ["bob@example.com"]}
    users.make(User("bobby", "bob@example.com", "new"))
    assert users.kept() == {
        "made": [{"login": "bobby", "email": "bob@example.com", "password": "new"}],
        "removed": [],
    }
    users.remove(User("bobby", "nobody@example.com", "new"))  # not that one
    assert logins(users) == ["al", "bobby"]
    users.reset()
    assert logins(users) == ["al", "bob"]
    plain = Users(None, [EVE])
    plain.remove(EVE)
    assert plain.kept() == {"made": [], "removed": []}


def test_a_login_may_be_anothers_address() -> None:
    users = Users(None, [User("eve@example.com", "a@example.com", "1"), User("b", "eve@example.com", "2")])
    account = users.account("eve@example.com")
    assert account is not None
    assert account.address == Address("a", "example.com")


async def test_a_ledger_keeps_them(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    users = ledger.load(HABITS)
    users.make(EVE)
    users.remove(AL)
    await asyncio.gather(ledger.keep(users), ledger.keep(users))
    again = Ledger(tmp_path).load(HABITS)
    assert logins(again) == ["bob", "eve"]
    assert again.find("eve") == EVE
    assert (tmp_path / FILE).stat().st_mode & 0o77 == 0
    assert [path.name for path in tmp_path.iterdir()] == [FILE]  # noqa: ASYNC240 - a test's own folder


@pytest.mark.parametrize("text", ["{", "[]", '{"made": [{}], "removed": []}', json.dumps({"made": []})])
def test_what_can_not_be_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert logins(Ledger(tmp_path).load(HABITS)) == ["al", "bob"]
    assert "the users can't be read" in caplog.text
