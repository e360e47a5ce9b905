"""IMAP dialogues: `imap/*.txt`, each run whole, octet by octet, and over a live socket.

    # why
    @ login select=INBOX messages=3 setting=value     how it begins; see `Dialogue`
    @ without=MOVE,IDLE with=XLIST                    which capabilities are hidden, and which are asked for
    @ quota=2K,5 administrator=on                     what an account may have, and whether alice administers all
    C: a NOOP ...                                     what is said; see `tests/harness/script.py`
    @ hidden=MOVE,IDLE                                which capabilities are hidden from bob
    S: * CAPABILITY {after -MOVE -IDLE}               what the whole server lists after the login, without these

`{before}` is the list before the login. `golden/imap/capabilities.txt` has the lists word by word.
A second connection begins as the first does. The clock stands at 1 March 2026, noon; the storage is a real one.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad.config import Settings
from postroad.sasl.oauth import Errors
from postroad_store.imap.registry import SPECS, Registry
from postroad_store.imap.shared import IDLE_TIMEOUT, REFUSAL
from postroad_store.imap.spec import Conditions
from postroad_store.imap.states import State
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import FlagSet
from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service
from tests.harness.imap import NOW, Place, Wire, world
from tests.harness.reactor import on_reactor
from tests.harness.sasl import channel, sasl
from tests.harness.script import Step, add, play, play_live, read

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

LIST = re.compile(r"\{(before|after)((?: -\S+)*)\}")
STATES = {"before": State.NOT_AUTHENTICATED, "after": State.AUTHENTICATED}
MESSAGE_SIZE = 50 * 1024 * 1024  # as `Shared` has it
SCRIPTS = sorted((Path(__file__).parent / "imap").glob("*.txt"))
LOGIN = b"login LOGIN alice@alpha.test wonderland\r\n"


@dataclass(slots=True)
class Dialogue:
    """A script."""

    login: bool = False  # every connection logs in first
    select: str = ""  # and then selects this mailbox
    messages: int = 0  # so many messages are in INBOX
    secure: bool = False  # TLS from the first octet (not run live)
    whole: bool = False  # not to be run octet by octet
    settings: dict[str, Any] = field(default_factory=dict)  # of the service
    without: list[str] = field(default_factory=list)  # capabilities that are hidden
    asked: list[str] = field(default_factory=list)  # and asked for
    steps: list[Step] = field(default_factory=list)

    @property
    def prelude(self) -> bytes:
        return (LOGIN if self.login else b"") + (f"s SELECT {self.select}\r\n".encode() if self.select else b"")


def parse(path: Path) -> Dialogue:
    dialogue = Dialogue()
    for line in read(path, partial(setting, dialogue)):
        add(dialogue.steps, with_lists(dialogue, line) if line.startswith("S") else line)
    if dialogue.without or dialogue.asked:
        dialogue.settings["registry"] = Registry(without=dialogue.without, asked=dialogue.asked)
    return dialogue


def with_lists(dialogue: Dialogue, line: str) -> str:
    """Return a line of the server with the lists of capabilities that it means."""

    def expanded(match: re.Match[str]) -> str:
        gone = {name.removeprefix("-").encode() for name in match[2].split()}
        secure = dialogue.secure or any(step.kind == "T" for step in dialogue.steps)
        conditions = Conditions(
            STATES[match[1]],
            secure,
            tls=dialogue.settings.get("tls", True),
            plaintext_auth=dialogue.settings.get("plaintext_auth", True),
            message_size=None
            if "append_limits" in dialogue.settings
            else dialogue.settings.get("message_size", MESSAGE_SIZE),
            mechanisms=mechanisms(dialogue, secure=secure),
            message_limit=dialogue.settings.get("message_limit", 0),
        )
        listed = [each for each in Registry(asked=dialogue.asked).offered if each.name not in gone]
        while kept := [each for each in listed if not gone.intersection(each.requires)]:
            if len(kept) == len(listed):
                break
            gone |= {each.name for each in listed if each not in kept}
            listed = kept
        names = {each.name for each in listed}
        listed = [each for each in listed if each.covered_by not in names]
        return b" ".join([each.text(conditions) for each in listed if each.shown(conditions)]).decode()

    return LIST.sub(expanded, line)


def mechanisms(dialogue: Dialogue, *, secure: bool) -> tuple[str, ...]:
    """Return what SASL offers."""
    settings = Settings.from_environ({})
    hidden = dialogue.settings.get("sasl_without", ())
    plaintext_auth = dialogue.settings.get("plaintext_auth", True)
    server = sasl("imap", lambda _: None, lambda: world(settings), hidden=hidden, plaintext_auth=plaintext_auth)
    return server.offered(channel(secure=secure))


def setting(dialogue: Dialogue, word: str) -> None:
    name, _, value = word.partition("=")
    match name:
        case "login" | "secure" | "whole":
            setattr(dialogue, name, True)
        case "select":
            dialogue.login, dialogue.select = True, value
        case "messages":
            dialogue.messages = int(value)
        case "without":
            dialogue.without = value.split(",")
        case "sasl_without":
            dialogue.settings[name] = value.split(",")
        case "oauth_errors":
            dialogue.settings[name] = Errors(value)
        case "with":
            dialogue.asked = value.split(",")
        case "quota":  # octets and messages of each account
            dialogue.settings["quota"] = "{} {} messages".format(*value.split(","))
        case "append_limits":  # of alice's mailboxes, such as Drafts:20,INBOX:0
            limits = (each.split(":") for each in value.split(","))
            dialogue.settings["append_limits"] = {name: int(octets) for name, octets in limits}
        case "hidden":
            dialogue.settings["hidden"] = frozenset(value.split(","))
        case _:
            dialogue.settings[name] = {"on": True, "off": False}.get(value) if value in {"on", "off"} else int(value)


async def fill(place: Place, count: int) -> None:
    account = await place.storage.account("alice@alpha.test")
    for number in range(1, count + 1):
        content = f"From: bob@alpha.test\r\nSubject: message {number}\r\n\r\nbody {number}\r\n".encode()
        await place.storage.append([Arrival((account.inbox,), content, int(NOW), FlagSet())])


@pytest.fixture
def place_of(tmp_path: Path) -> Iterator[Any]:
    places = []

    def make(dialogue: Dialogue) -> Place:
        places.append(Place(tmp_path, **dialogue.settings))
        return places[0]

    yield make
    for place in places:
        place.close()


async def run(dialogue: Dialogue, place: Place, *, piece: int | None) -> None:
    async def connect() -> Wire:
        wire = Wire(place, secure=dialogue.secure)
        if dialogue.prelude:
            await wire.exchange(dialogue.prelude)
        return wire

    await fill(place, dialogue.messages)
    await play(dialogue.steps, connect, piece=piece)
    assert not list(place.incoming.iterdir())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_whole(path: Path, place_of: Any) -> None:
    dialogue = parse(path)
    await run(dialogue, place_of(dialogue), piece=None)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_octet_by_octet(path: Path, place_of: Any) -> None:
    dialogue = parse(path)
    if dialogue.whole:
        return
    await run(dialogue, place_of(dialogue), piece=1)


@on_reactor
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_live(path: Path, place_of: Any, store_tls: Any, client_tls: ssl.SSLContext) -> None:
    dialogue = parse(path)
    if dialogue.secure:
        return
    place = place_of(dialogue)
    await fill(place, dialogue.messages)
    loop = asyncio.get_running_loop()
    service = Service("imap", place.shared.session, REFUSAL, idle_timeout=IDLE_TIMEOUT)
    listener = Listener(service, reactor_on(loop), loop, store_tls)
    port = listener.listen("127.0.0.1", 0)

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await prepare(dialogue, reader, writer)
        return reader, writer

    try:
        await play_live(dialogue.steps, connect, client_tls)
    finally:
        await listener.stop()


async def prepare(dialogue: Dialogue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if not dialogue.prelude:
        return
    await reader.readline()
    writer.write(dialogue.prelude)
    for tag in [b"login "] * dialogue.login + [b"s "] * bool(dialogue.select):
        while not (await reader.readline()).startswith(tag):
            pass


def test_each_capability_is_hidden_in_some_dialogue() -> None:
    """Whoever adds a capability says how a server without it answers."""
    known = {each for spec in SPECS for each in (spec.capability, *spec.extensions) if each is not None}
    hidden = {name.upper() for path in SCRIPTS for name in parse(path).without}
    assert {each.name.decode().upper() for each in known if not each.kept} <= hidden
