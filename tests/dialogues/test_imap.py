"""IMAP dialogues: `imap/*.txt`, each run whole, octet by octet, and over a live socket.

    # why
    @ login select=INBOX messages=3 setting=value     how it begins; see `Dialogue`
    @ without=MOVE,IDLE                               which capabilities are hidden
    C: a NOOP ...                                     what is said; see `tests/harness/script.py`

A second connection begins as the first does. The clock stands at 1 March 2026, noon; the storage is a real one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.imap.registry import Registry
from postroad_store.imap.shared import IDLE_TIMEOUT, REFUSAL
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import FlagSet
from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service
from tests.harness.imap import NOW, Place, Wire
from tests.harness.reactor import on_reactor
from tests.harness.script import Step, add, play_live

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

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
    steps: list[Step] = field(default_factory=list)

    @property
    def prelude(self) -> bytes:
        return (LOGIN if self.login else b"") + (f"s SELECT {self.select}\r\n".encode() if self.select else b"")


def parse(path: Path) -> Dialogue:
    dialogue = Dialogue()
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("@ "):
            for word in line[2:].split():
                setting(dialogue, word)
            continue
        add(dialogue.steps, line)
    return dialogue


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
            dialogue.settings["registry"] = Registry(without=value.split(","))
        case _:
            dialogue.settings[name] = {"on": True, "off": False}.get(value) if value in {"on", "off"} else int(value)


async def fill(place: Place, count: int) -> None:
    account = await place.storage.account("alice@alpha.test")
    for number in range(1, count + 1):
        content = f"From: bob@alpha.test\r\nSubject: message {number}\r\n\r\nbody {number}\r\n".encode()
        await place.storage.append([Arrival((account.inbox,), content, int(NOW), FlagSet())])


@pytest.fixture
def place_of(tmp_path: Path) -> Iterator[Any]:
    made = []

    def make(dialogue: Dialogue) -> Place:
        made.append(Place(tmp_path, **dialogue.settings))
        return made[0]

    yield make
    for place in made:
        place.close()


async def begin(wire: Wire, dialogue: Dialogue) -> None:
    if dialogue.prelude:
        wire.feed(dialogue.prelude)
        await wire.idle()
        wire.received.clear()


async def play(dialogue: Dialogue, place: Place, *, piece: int | None) -> None:
    wires: dict[int, Wire] = {}
    try:
        for step in dialogue.steps:
            if step.who not in wires:
                wires[step.who] = Wire(place, secure=dialogue.secure)
                await begin(wires[step.who], dialogue)
            wire = wires[step.who]
            match step.kind:
                case "C":
                    size = piece or len(step.octets)
                    for start in range(0, len(step.octets), size):
                        wire.feed(step.octets[start : start + size])
                    await wire.idle()
                case "S":
                    assert (await wire.until(len(step.octets))).decode() == step.octets.decode()
                case "T":
                    assert wire.handshake
                    wire.secured()
                case "X":
                    assert wire.closed
        for wire in wires.values():
            assert not wire.received
            assert not wire.handshake
    finally:
        for wire in wires.values():
            wire.end()
    assert not list(place.incoming.iterdir())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_whole(path: Path, place_of: Any) -> None:
    dialogue = parse(path)
    place = place_of(dialogue)
    await fill(place, dialogue.messages)
    await play(dialogue, place, piece=None)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_octet_by_octet(path: Path, place_of: Any) -> None:
    dialogue = parse(path)
    if dialogue.whole:
        return
    place = place_of(dialogue)
    await fill(place, dialogue.messages)
    await play(dialogue, place, piece=1)


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
