"""ManageSieve dialogues: `managesieve/*.txt`, each run whole, octet by octet, and over a live socket.

    # why
    @ secure login greeting whole setting NAME=value     how it begins; see `Dialogue`
    s: name: line           a line of a script of bob@beta.test; `s*` for the active one
    C: NOOP ...                                 what is said; see `tests/harness/script.py`

The clock stands at 1 March 2026, noon; the storage is a real one.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service
from postroad_store.scripting import IDLE_TIMEOUT, REFUSAL
from tests.harness.managesieve import LOGIN, Place, Wire
from tests.harness.reactor import on_reactor
from tests.harness.script import Step, add, expand, play, play_live, read, setting

if TYPE_CHECKING:
    import ssl

    from postroad_store.protocol.tls import ServerTls

SCRIPTS = sorted((Path(__file__).parent / "managesieve").glob("*.txt"))
LOGGED_IN = b'OK "Logged in."\r\n'
GREETED = b'OK "Postroad ready."\r\n'


@dataclass(slots=True)
class Dialogue:
    """A script."""

    secure: bool = False  # TLS from the first octet
    greeting: bool = False  # the greeting is a part of the dialogue
    login: bool = False  # bob@beta.test has logged in, and the answers to that have been read
    whole: bool = False  # not to be run octet by octet
    environ: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, bytes] = field(default_factory=dict)
    active: str = ""
    steps: list[Step] = field(default_factory=list)


def parse(path: Path) -> Dialogue:
    dialogue = Dialogue()
    for line in read(path, partial(setting, dialogue)):
        if match := re.match(r"s(\*?): (\w+): ?(.*)", line):
            active, name, text = match.groups()
            dialogue.active = name if active else dialogue.active
            dialogue.scripts[name] = dialogue.scripts.get(name, b"") + expand(text) + b"\r\n"
        else:
            add(dialogue.steps, line)
    return dialogue


async def prepare(place: Place, dialogue: Dialogue) -> None:
    account = await place.storage.account("bob@beta.test")
    for name, content in dialogue.scripts.items():
        await place.storage.scripts.put(account, name, content)
    if dialogue.active:
        await place.storage.scripts.activate(account, dialogue.active)


async def run(dialogue: Dialogue, place: Place, *, piece: int | None) -> None:
    async def connect() -> Wire:
        wire = Wire(place, secure=dialogue.secure)
        if dialogue.login:
            assert (await wire.exchange(LOGIN)).endswith(GREETED + LOGGED_IN)
        elif not dialogue.greeting:
            wire.received.clear()
        return wire

    await prepare(place, dialogue)
    await play(dialogue.steps, connect, piece=piece)


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "octet-by-octet"])
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_without_a_socket(path: Path, piece: int | None, tmp_path: Path) -> None:
    dialogue = parse(path)
    if piece is not None and dialogue.whole:
        return
    place = Place(tmp_path, dialogue.environ)
    try:
        await run(dialogue, place, piece=piece)
    finally:
        place.close()


@on_reactor
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_live(path: Path, tmp_path: Path, store_tls: ServerTls, client_tls: ssl.SSLContext) -> None:
    dialogue = parse(path)
    place = Place(tmp_path, dialogue.environ)
    await prepare(place, dialogue)
    loop = asyncio.get_running_loop()
    service = Service("managesieve", place.sieve.session, REFUSAL, idle_timeout=IDLE_TIMEOUT)
    listener = Listener(service, reactor_on(loop), loop, store_tls)
    port = listener.listen("127.0.0.1", 0, implicit_tls=dialogue.secure)

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = client_tls if dialogue.secure else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        if dialogue.login:
            writer.write(LOGIN)
            await reader.readuntil(GREETED + LOGGED_IN)
        elif not dialogue.greeting:
            await reader.readuntil(GREETED)
        return reader, writer

    try:
        await play_live(dialogue.steps, connect, client_tls)
    finally:
        await listener.stop()
        place.close()
