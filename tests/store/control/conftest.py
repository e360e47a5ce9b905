"""The store's control door on a store without a network, and its client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from postroad.clock import Clock
from postroad.control.client import DoorClient
from postroad.control.door import Door
from postroad.journal import Journal
from postroad_store.control.mail import Mail
from postroad_store.control.reading import Reading
from postroad_store.control.routes import routes
from postroad_store.notes import Notes
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

TOKEN = "t" * 43


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest_asyncio.fixture
async def door(place: Place, tmp_path: Path) -> AsyncIterator[DoorClient]:
    reading = Reading(tmp_path / "mail")
    notes = Notes(place.journal, "control")  # type: ignore[arg-type]
    mail = Mail(place.accounts, place.storage, reading, notes, Clock(wall=lambda: NOW))
    journal = Journal(tmp_path / "journal", service="store")
    opened = Door(routes(mail, journal, lambda: {"imap": 3}), token=TOKEN, clock=Clock())
    await opened.start("127.0.0.1", 0)
    client = DoorClient("store", *opened.address, TOKEN)
    yield client
    await client.close()
    await opened.close()
    reading.close()
    journal.close()


@pytest.fixture
def connect(place: Place) -> Iterator[Callable[[], Wire]]:
    """Return connections that are cut at the end."""
    wires: list[Wire] = []

    def make() -> Wire:
        wires.append(Wire(place))
        return wires[-1]

    yield make
    for wire in wires:
        wire.end()
