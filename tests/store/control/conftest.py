from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.harness.control import store_door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from postroad.control.client import DoorClient
    from tests.harness.imap import Place


@pytest_asyncio.fixture
async def door(place: Place, tmp_path: Path) -> AsyncIterator[DoorClient]:
    async with store_door(place, tmp_path) as client:
        yield client
