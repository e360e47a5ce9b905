"""The store's control door on a store without a network, and its client."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.control.client import DoorClient
from postroad.control.door import Door
from postroad.journal import Journal
from postroad_store.control.mail import Mail
from postroad_store.control.reading import Reading
from postroad_store.control.routes import routes
from postroad_store.notes import Notes
from postroad_store.sieve.registry import Registry
from tests.harness.imap import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.harness.imap import Place

TOKEN = "t" * 43
DISMISSED: list[str] = []  # accounts whose sessions were to end


@asynccontextmanager
async def store_door(place: Place, folder: Path) -> AsyncIterator[DoorClient]:
    """Open the door of the store in `folder`."""
    reading = Reading(folder / "mail")
    notes = Notes(place.journal, "control")  # type: ignore[arg-type]
    mail = Mail(place.accounts, place.storage, reading, notes, Clock(wall=lambda: NOW), Registry, 3, DISMISSED.append)
    journal = Journal(folder / "journal", service="store")
    opened = Door(routes(mail, journal, lambda: {"imap": 3}), token=TOKEN, clock=Clock())
    await opened.start("127.0.0.1", 0)
    client = DoorClient("store", *opened.address, TOKEN)
    yield client
    await client.close()
    await opened.close()
    reading.close()
    journal.close()
