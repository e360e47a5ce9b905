"""Mailpit's dialect over a catalog of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from postroad_web import mailpit
from tests.web.dialect import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.web.dialect import Web


@pytest_asyncio.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with served(tmp_path, mailpit.routes) as web:
        yield web
