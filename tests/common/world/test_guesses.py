"""Guessing passwords is slow however many sessions do it, and nobody else is shut out by it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, cast

import pytest

from postroad.clock import Clock
from postroad.mail.address import parse_address
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.world import guesses as module
from postroad.world.guesses import FREE, LONGEST_TURN, PATIENCE, Guesses, NotAllowed, TooManyGuesses
from postroad.world.secret import hash_password
from postroad.world.turns import KEPT
from postroad.world.world import Account

if TYPE_CHECKING:
    from collections.abc import Awaitable

GATEWAY = "172.31.25.1"
ACCOUNTS = {
    login: Account(parse_address(login), secret)
    for login, secret in {
        "bob@beta.test": "builder",
        "hal@beta.test": hash_password("hashed", salt=b"salt of the test"),
    }.items()
}


def claim(login: str, password: str) -> Claim:
    return Claim("PLAIN", login, Password(password))


class Guesser:
    """Tries passwords on a clock that moves only when it is pushed."""

    def __init__(self, answer_after: float = 1.0) -> None:
        self.clock = Clock(steady=lambda: 0.0)
        self.guesses = Guesses(self.clock, answer_after=answer_after)
        self.find = ACCOUNTS.get

    def attempt(self, login: str, password: str, address: str = GATEWAY) -> Awaitable[Account | None]:
        return asyncio.ensure_future(self.guesses.log_in(self.find, claim(login, password), address))

    async def run(self, attempt: Awaitable[Account | None]) -> tuple[Account | None, float]:
        """Return an attempt's result, and the seconds that it took."""
        began = self.clock.monotonic()
        done = asyncio.ensure_future(attempt)
        while not done.done():
            await self.settle()
            wait = self.clock.until_next()
            if not done.done() and wait is not None:
                self.clock.push(wait)
        return await done, self.clock.monotonic() - began

    async def settle(self) -> None:
        """Let what is due happen, hashes in their threads among it."""
        for _ in range(20):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)


async def test_right_passwords_wait_for_nothing() -> None:
    guesser = Guesser()
    for _ in range(100):
        account, seconds = await guesser.run(guesser.attempt("bob@beta.test", "builder"))
        assert account is ACCOUNTS["bob@beta.test"]
        assert seconds == 0


async def test_a_refusal_takes_a_second() -> None:
    guesser = Guesser()
    assert await guesser.run(guesser.attempt("bob@beta.test", "wrong")) == (None, 1.0)


async def test_one_who_mistypes_gets_in_soon() -> None:
    guesser = Guesser()
    for _ in range(FREE):
        assert await guesser.run(guesser.attempt("bob@beta.test", "bulider")) == (None, 1.0)
    for _ in range(3):
        await guesser.run(guesser.attempt("bob@beta.test", "bulider"))
    account, seconds = await guesser.run(guesser.attempt("bob@beta.test", "builder"))
    assert account is not None
    assert seconds <= 4
    assert (await guesser.run(guesser.attempt("bob@beta.test", "builder")))[1] == 0  # all is forgiven


async def test_many_sessions_guess_no_faster_than_one() -> None:
    guesser = Guesser()
    checked = 0

    def find(login: str) -> Account | None:
        nonlocal checked
        checked += 1
        return ACCOUNTS[login]

    guesser.find = find  # type: ignore[assignment]
    refused = 0
    for _ in range(10):
        attempts = [guesser.attempt("bob@beta.test", f"guess {number}") for number in range(90)]
        for attempt in attempts:
            try:
                await guesser.run(attempt)
            except TooManyGuesses:
                refused += 1
    seconds = guesser.clock.monotonic()
    assert refused > 700
    assert checked <= 2 * FREE + seconds / LONGEST_TURN + 10


async def test_a_burst_of_guesses_is_no_way_around() -> None:
    guesser = Guesser()
    checked: list[float] = []

    def find(login: str) -> Account | None:
        checked.append(guesser.clock.monotonic())
        return ACCOUNTS[login]

    guesser.find = find  # type: ignore[assignment]
    attempts = [guesser.attempt("hal@beta.test", f"guess {number}") for number in range(90)]
    await guesser.settle()
    assert len(checked) == FREE
    gone = guesser.attempt("hal@beta.test", "hashed")
    await guesser.settle()
    cast("asyncio.Future[object]", gone).cancel()  # its client has gone
    for attempt in attempts:
        with contextlib.suppress(TooManyGuesses):
            await guesser.run(attempt)
    assert sum(time < 10 for time in checked) <= 2 * FREE + 10
    assert not guesser.guesses._under_way
    assert not guesser.guesses._waiting


async def test_many_sessions_of_one_user_log_in_at_once() -> None:
    guesser = Guesser()
    for login, password in (("bob@beta.test", "builder"), ("hal@beta.test", "hashed")):
        attempts = [guesser.attempt(login, password) for _ in range(90)]
        for attempt in attempts:
            account, _ = await guesser.run(attempt)
            assert account is ACCOUNTS[login]
    assert guesser.clock.monotonic() == 0


async def test_neither_the_name_nor_how_its_password_is_kept_can_be_told() -> None:
    """The owner of an account sees the same as the guesser of none: the same answers, after the same time."""
    seen = []
    for login in ("bob@beta.test", "hal@beta.test", "nobody@beta.test", ""):
        guesser = Guesser()
        taken = []
        for _ in range(FREE + 8):
            account, seconds = await guesser.run(guesser.attempt(login, "wrong"))
            assert account is None
            taken.append(round(seconds, 3))
        seen.append(taken)
    assert seen[0][:FREE] == [1.0] * FREE
    assert max(seen[0]) == LONGEST_TURN
    assert seen[1:] == [seen[0]] * 3


async def test_real_time_does_not_tell_them_apart() -> None:
    """A hash is worked out within the time that each refusal takes."""
    guesses = Guesses(Clock(), answer_after=0.4)
    for login in ("bob@beta.test", "hal@beta.test", "nobody@beta.test"):
        began = time.monotonic()
        assert await guesses.log_in(ACCOUNTS.get, claim(login, "wrong"), GATEWAY) is None
        assert time.monotonic() - began >= 0.39


async def test_one_guesser_shuts_nobody_else_out() -> None:
    """All come from one address, as behind Docker's gateway: others wait a second at most."""
    guesser = Guesser()
    for number in range(300):
        attempt = guesser.attempt(f"user{number % 100}@beta.test", "wrong")
        if number < 200:
            await guesser.run(attempt)
        else:
            await asyncio.sleep(0)  # a hundred under way at once
    account, seconds = await guesser.run(guesser.attempt("bob@beta.test", "builder"))
    assert account is not None
    assert seconds <= module.ADDRESS_PATIENCE
    account, seconds = await guesser.run(guesser.attempt("bob@beta.test", "builder", "192.0.2.9"))
    assert (account is not None, seconds) == (True, 0)


async def test_what_is_guessed_at_opens_again_soon_after() -> None:
    guesser = Guesser()
    first = [guesser.attempt("bob@beta.test", "wrong") for _ in range(90)]
    await guesser.settle()
    guesser.clock.push(1.0)
    await guesser.settle()
    waiting = [guesser.attempt("bob@beta.test", "wrong") for _ in range(90)]
    await guesser.settle()
    with pytest.raises(TooManyGuesses):
        await guesser.run(guesser.attempt("bob@beta.test", "builder"))
    assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [TooManyGuesses] * 90
    guesser.clock.push(PATIENCE)
    account, seconds = await guesser.run(guesser.attempt("bob@beta.test", "builder"))
    assert account is not None
    assert seconds <= LONGEST_TURN
    assert {type(result) for result in await asyncio.gather(*first, return_exceptions=True)} == {
        type(None),
        TooManyGuesses,
    }


@pytest.mark.parametrize(
    ("secret", "password", "right"),
    [
        ("builder", "builder", True),
        ("builder", "Builder", False),
        ("", "", False),
        ("", "x", False),
        (ACCOUNTS["hal@beta.test"].secret, "hashed", True),
        (ACCOUNTS["hal@beta.test"].secret, "wrong", False),
    ],
)
def test_a_password_proves(secret: str, password: str, right: bool) -> None:
    account = Account(parse_address("bob@beta.test"), secret)
    assert Password(password).proves(account) is right


async def test_the_owner_does_not_wait_for_guesses_from_elsewhere() -> None:
    guesser = Guesser()
    assert (await guesser.run(guesser.attempt("bob@beta.test", "builder", "192.0.2.1")))[0] is not None
    for number in range(90):
        guesser.attempt("bob@beta.test", f"guess {number}", f"198.51.100.{number}")
    await guesser.settle()
    guesser.clock.push(1.0)
    await guesser.settle()
    account, seconds = await guesser.run(guesser.attempt("bob@beta.test", "builder", "192.0.2.1"))
    assert (account is not None, seconds) == (True, 0)
    assert guesser.guesses._names.wait("bob@beta.test", guesser.clock.monotonic()) > 0  # the guessers still wait


async def test_homes_are_forgotten() -> None:
    guesser = Guesser()
    for number in range(KEPT + 1):
        guesser.guesses._at_home("bob@beta.test", str(number))
    assert len(guesser.guesses._homes) == KEPT


@pytest.mark.parametrize(
    ("login", "identity", "administrators", "acts_as"),
    [
        ("bob@beta.test", "", (), "bob@beta.test"),
        ("bob@beta.test", "bob@beta.test", (), "bob@beta.test"),
        ("bob@beta.test", "hal@beta.test", (), None),
        ("bob@beta.test", "hal@beta.test", ("bob@beta.test",), "hal@beta.test"),
        ("hal@beta.test*bob@beta.test", "", ("bob@beta.test",), "hal@beta.test"),
        ("bob@beta.test", "nobody@beta.test", ("bob@beta.test",), None),
    ],
)
async def test_as_whom_one_may_act(
    login: str, identity: str, administrators: tuple[str, ...], acts_as: str | None
) -> None:
    guesser = Guesser()
    claimed = Claim("PLAIN", login, Password("builder"), identity)
    attempt = guesser.guesses.log_in(ACCOUNTS.get, claimed, GATEWAY, administrators)
    if acts_as is None:
        with pytest.raises(NotAllowed):
            await attempt
    else:
        account = await attempt
        assert account is not None
        assert account.login == acts_as


async def test_login_names_are_prepared() -> None:
    guesser = Guesser()
    assert await guesser.guesses.log_in(ACCOUNTS.get, claim("bob\u00ad@beta.test", "builder"), GATEWAY) is not None
    assert (await guesser.run(guesser.guesses.log_in(ACCOUNTS.get, claim("\u06271", "x"), GATEWAY)))[0] is None
