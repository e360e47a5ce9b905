"""POP3 dialogues: `pop3/*.txt`, each run whole, octet by octet, and over a live socket.

    # why
    @ secure login whole setting NAME=value     how it begins; see `Dialogue`
    m: Subject: x           a line of a message in the maildrop of bob@beta.test; `m.` begins the next message
    C: STAT ...                                 what is said; see `tests/harness/script.py`

The clock stands at 1 March 2026, noon; the storage is a real one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad_store.pop3.shared import IDLE_TIMEOUT, REFUSAL
from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service
from tests.harness.pop3 import LOGIN, Place, Wire
from tests.harness.reactor import on_reactor
from tests.harness.script import Step, add, expand, play, play_live, read, setting

if TYPE_CHECKING:
    import ssl

    from postroad_store.protocol.tls import ServerTls

SCRIPTS = sorted((Path(__file__).parent / "pop3").glob("*.txt"))
PRELUDE = b"+OK Postroad ready. <1@mx.test>\r\n+OK\r\n+OK Logged in.\r\n"


@dataclass(slots=True)
class Dialogue:
    """A script."""

    secure: bool = False  # TLS from the first octet
    login: bool = False  # bob@beta.test has logged in, and the answers to that have been read
    whole: bool = False  # not to be run octet by octet
    environ: dict[str, str] = field(default_factory=dict)
    messages: list[bytes] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def parse(path: Path) -> Dialogue:
    dialogue = Dialogue()
    for line in read(path, partial(setting, dialogue)):
        if line == "m.":
            dialogue.messages.append(b"")
        elif line.startswith("m:"):
            dialogue.messages = dialogue.messages or [b""]
            dialogue.messages[-1] += expand(line[3:]) + b"\r\n"
        else:
            add(dialogue.steps, line)
    return dialogue


async def run(dialogue: Dialogue, place: Place, *, piece: int | None) -> None:
    async def connect() -> Wire:
        wire = Wire(place, secure=dialogue.secure)
        if dialogue.login:
            assert await wire.exchange(LOGIN) == PRELUDE
        return wire

    await place.put(*dialogue.messages)
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
    await place.put(*dialogue.messages)
    loop = asyncio.get_running_loop()
    service = Service("pop3", place.shared.session, REFUSAL, idle_timeout=IDLE_TIMEOUT)
    listener = Listener(service, reactor_on(loop), loop, store_tls)
    port = listener.listen("127.0.0.1", 0, implicit_tls=dialogue.secure)

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = client_tls if dialogue.secure else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        if dialogue.login:
            writer.write(LOGIN)
            assert await reader.readexactly(len(PRELUDE)) == PRELUDE
        return reader, writer

    try:
        await play_live(dialogue.steps, connect, client_tls)
    finally:
        await listener.stop()
        place.close()
