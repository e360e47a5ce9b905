from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.imap import Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


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
