"""What the tests of the kit share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.http.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Return a server that answers as it is told."""
    made = Scripted()
    yield made
    made.close()
