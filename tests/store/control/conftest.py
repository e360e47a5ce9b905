from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.harness.control import store_door
from tests.harness.imap import Place, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from postroad.control.client import DoorClient


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest_asyncio.fixture
async def door(place: Place, tmp_path: Path) -> AsyncIterator[DoorClient]:
    async with store_door(place, tmp_path) as client:
        yield client


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
