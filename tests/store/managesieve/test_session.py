"""A ManageSieve session where things go wrong, and its farewells. `tests/dialogues/managesieve` has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.sasl.channel import PLAINTEXT
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.world.guesses import NotAllowed, TooManyGuesses
from postroad_store.mail.model.errors import StorageError
from postroad_store.managesieve.commands import RULES, State
from postroad_store.managesieve.engine import MAX_ERRORS, Engine
from postroad_store.managesieve.events import ListAll, Login
from postroad_store.protocol.contract import Event, Farewell
from tests.harness.managesieve import LOGIN, Place, Wire
from tests.harness.sasl import nobodys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


async def wire(place: Place) -> Wire:
    wire = Wire(place, secure=True)
    assert (await wire.exchange(LOGIN)).endswith(b'OK "Logged in."\r\n')
    assert wire.known
    return wire


async def test_a_disk_that_fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await wire(place)

    def fail(*_: Any) -> Any:
        raise StorageError("the mail cannot be written")

    monkeypatch.setattr(place.storage.scripts, "put", fail)
    monkeypatch.setattr(place.storage.scripts, "listed", fail)
    answer = b'NO (TRYLATER) "Internal error occurred."\r\n'
    assert await client.exchange(b'PUTSCRIPT "a" "keep;"\r\n') == answer
    assert await client.exchange(b"LISTSCRIPTS\r\n") == answer


async def test_an_account_that_can_not_be_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Wire(place, secure=True)

    async def fail(_login: str) -> Any:
        raise StorageError("the mail cannot be read")

    monkeypatch.setattr(place.storage, "account", fail)
    assert (await client.exchange(LOGIN)).endswith(b'NO (TRYLATER) "Internal error occurred."\r\n')
    assert not client.known


async def test_what_crashes_is_answered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await wire(place)

    def fail(*_: Any) -> Any:
        raise TypeError("a mistake")

    monkeypatch.setattr(place.storage.scripts, "listed", fail)
    assert await client.exchange(b"LISTSCRIPTS\r\n") == b'NO (TRYLATER) "Internal error occurred."\r\n'
    assert await client.exchange(b"NOOP\r\n") == b'OK "NOOP completed."\r\n'


async def test_too_many_guesses(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Wire(place, secure=True)

    async def fail(*_: str) -> Any:
        raise TooManyGuesses("bob@beta.test")

    monkeypatch.setattr(place.accounts, "authenticate", fail)
    said = await client.exchange(LOGIN)
    assert said.endswith(b'NO (TRYLATER) "Too many failed logins, try again later."\r\n')
    refused = [entry.detail for entry in place.history()]
    assert [(detail["port"], detail["login"], detail["reply"]) for detail in refused] == [
        ("managesieve", "bob@beta.test", 'NO (TRYLATER) "Too many failed logins, try again later."')
    ]


async def test_who_may_not_act_for_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Wire(place, secure=True)

    async def fail(*_: str) -> Any:
        raise NotAllowed("bob@beta.test")

    monkeypatch.setattr(place.accounts, "authenticate", fail)
    assert (await client.exchange(LOGIN)).endswith(b'NO "Authorization failed."\r\n')


async def test_scripts_without_room(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.mail.database.commits.scripts.MAX_SCRIPTS", 1)
    client = await wire(place)
    assert (await client.exchange(b'PUTSCRIPT "a" "keep;"\r\n')).startswith(b"OK")
    full = b'NO (QUOTA/MAXSCRIPTS) "An account has at most 1 scripts."\r\n'
    assert await client.exchange(b'PUTSCRIPT "b" "keep;"\r\n') == full
    assert await client.exchange(b'HAVESPACE "b" 5\r\n') == full
    assert (await client.exchange(b'HAVESPACE "a" 5\r\n')).startswith(b"OK")
    monkeypatch.setattr("postroad_store.mail.database.commits.scripts.MAX_OCTETS", 10)
    assert (await client.exchange(b'HAVESPACE "a" 11\r\n')).startswith(b"NO (QUOTA/MAXSIZE)")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Farewell.IDLE, b'BYE "Disconnected for inactivity."\r\n'),
        (Farewell.SHUTDOWN, b'BYE (TRYLATER) "Server shutting down."\r\n'),
        (Farewell.CROWDED, b'BYE (TRYLATER) "Too many connections."\r\n'),
    ],
)
async def test_farewells(place: Place, reason: Farewell, said: bytes) -> None:
    client = await wire(place)
    client.session.farewell(reason)
    assert await client.exchange(b"NOOP\r\n") == said
    assert client.closed
    client.session.end()


async def test_events_that_no_engine_gives(place: Place) -> None:
    client = Wire(place, secure=True)
    with pytest.raises(TypeError):
        client.session.handle(ListAll())
    await client.exchange(LOGIN)
    awaitable = client.session.handle(Event())
    assert awaitable is not None
    with pytest.raises(TypeError):
        await awaitable


async def test_passwords_stay_out_of_sight() -> None:
    assert "builder" not in repr(Login(Claim("PLAIN", "bob", Password("builder"))))


async def test_tls_is_offered_to_those_who_lack_it(place: Place) -> None:
    assert b"STARTTLS" in await Wire(place).exchange(b"CAPABILITY\r\n")
    protected = Wire(place, secure=True)
    assert b"STARTTLS" not in await protected.exchange(b"CAPABILITY\r\n")
    assert await protected.exchange(b"STARTTLS\r\n") == b'NO "TLS is already active."\r\n'


async def test_a_server_without_tls(place: Place) -> None:
    bare = Place(place.folder / "bare", tls=False)
    client = Wire(bare)
    assert b"STARTTLS" not in await client.exchange(b"CAPABILITY\r\n")
    assert await client.exchange(b"STARTTLS\r\n") == b'NO "TLS is not available."\r\n'
    bare.close()


async def test_commands_wait_for_the_answer_to_the_one_before(place: Place) -> None:
    client = await wire(place)
    engine = client.session.engine
    engine.receive_data(b"LISTSCRIPTS\r\nNOOP\r\n")
    assert engine.next_event() == ListAll()
    assert engine.next_event() is None
    assert engine.data_to_send() == b""
    engine.done("Listscripts completed.")
    assert engine.next_event() is None
    assert engine.data_to_send() == b'OK "Listscripts completed."\r\nOK "NOOP completed."\r\n'


def test_octets_behind_the_end_are_forgotten() -> None:
    engine = Engine(nobodys("sieve"), "")
    engine.greet(lambda: PLAINTEXT, secure=True)
    engine.receive_data(b"LOGOUT\r\nNOOP\r\n")
    assert engine.next_event() is not None
    engine.data_to_send()
    engine.receive_data(b"NOOP\r\n")
    assert engine.next_event() is None
    assert engine.data_to_send() == b""


def talk(engine: Engine, octets: bytes) -> bytes:
    """Give octets to an engine whose logins all fail; return what it says."""
    engine.receive_data(octets)
    while (event := engine.next_event()) is not None:
        if isinstance(event, Login):
            engine.login_failed()
    return engine.data_to_send()


def greeted() -> Engine:
    engine = Engine(nobodys("sieve"), "")
    engine.greet(lambda: PLAINTEXT, secure=True)
    engine.data_to_send()
    return engine


def test_bad_commands_in_a_row_end_the_session() -> None:
    engine = greeted()
    said = talk(engine, b"BAD\r\n" * (MAX_ERRORS - 1))
    assert (said.count(b"NO "), said.count(b"BYE ")) == (MAX_ERRORS - 1, 0)
    assert talk(engine, b"NOOP\r\n") == b'OK "NOOP completed."\r\n'  # a good one between them: they count anew
    said = talk(engine, b"BAD\r\n" * (MAX_ERRORS - 1))
    assert said.count(b"NO ") == MAX_ERRORS - 1
    assert talk(engine, b"BAD\r\nNOOP\r\n") == b'BYE "Too many bad commands."\r\n'
    engine = greeted()
    assert talk(engine, b"BAD\r\n" * MAX_ERRORS).endswith(b'BYE "Too many bad commands."\r\n')


def test_a_mechanism_that_is_not_ascii_is_none() -> None:
    for name in (b'"\xc3\xa4"', b'"PLAIN\xff"', b'""'):
        said = talk(greeted(), b"AUTHENTICATE " + name + b"\r\nNOOP\r\n")
        assert said == b'NO "Unsupported authentication mechanism."\r\nOK "NOOP completed."\r\n'


@pytest.mark.parametrize("end", [b'"*"', b'"=AAA"'])
def test_an_exchange_that_was_broken_off_leaves_nothing_behind(end: bytes) -> None:
    engine = greeted()
    assert talk(engine, b'AUTHENTICATE "PLAIN"\r\n') == b'""\r\n'
    assert talk(engine, end + b"\r\n").startswith(b"NO ")
    assert talk(engine, b"NOOP\r\n") == b'OK "NOOP completed."\r\n'
    assert talk(engine, b'AUTHENTICATE "PLAIN" "AGEAYg=="\r\n').startswith(b"NO ")


async def test_after_unauthenticate_octets_are_bounded_as_before_the_login(place: Place) -> None:
    """RFC 5804 §2.14.1: the server returns to the state before; nobody is known who could send a long script."""
    client = await wire(place)
    assert await client.exchange(b'HAVESPACE "a" 20000\r\n') == b'OK "Have space."\r\n'
    assert (await client.exchange(b"UNAUTHENTICATE\r\n")).startswith(b"OK")
    long = b"NOOP {20000+}\r\n" + b"x" * 20_000 + b"\r\n"
    assert (await client.exchange(long)) == b'NO (QUOTA/MAXSIZE) "A literal has at most 12288 octets here."\r\n'


STATES = [(keyword, state) for keyword in RULES for state in State]


@pytest.mark.parametrize(("keyword", "state"), STATES)
async def test_each_command_in_each_state(place: Place, keyword: str, state: State) -> None:
    client = Wire(place, secure=True)
    if state is State.AUTHENTICATED:
        await client.exchange(LOGIN)
    client.received.clear()
    rule = RULES[keyword]
    arguments = {"a script's name": '"a"', "a number": "1", "a script": '"keep;"', "a string": '"x"'}
    arguments["a script's name, or an empty string"] = '""'
    line = " ".join([keyword, *(arguments[argument.value] for argument in rule.arguments)])
    said = (await client.exchange(f"{line}\r\n".encode())).splitlines()[-1]
    refused = said in {b'NO "Log in first."', b'NO "Already logged in."'}
    assert refused is (state not in rule.states)
