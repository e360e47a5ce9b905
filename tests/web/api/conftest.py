from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.harness.control import store_door
from tests.harness.imap import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from postroad.control.client import DoorClient


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Return a store's mail, with alice and bob of alpha.test."""
    opened = Place(tmp_path)
    yield opened
    opened.close()


@pytest_asyncio.fixture
async def store(place: Place, tmp_path: Path) -> AsyncIterator[DoorClient]:
    """Return the client of the control door of `place`."""
    async with store_door(place, tmp_path) as client:
        yield client
