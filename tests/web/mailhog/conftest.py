"""MailHog's dialect, in front of Mailpit's as in the service, over a catalog of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from postroad_web import mailhog, mailpit
from tests.web import dialect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.web.dialect import Web


def served(folder: Path, **settings: str) -> AbstractAsyncContextManager[Web]:
    """Serve both dialects with these settings."""
    environ = {f"POSTROAD_{name.upper()}": value for name, value in settings.items()}
    return dialect.served(folder, mailhog.routes, mailpit.routes, environ=environ)


@pytest_asyncio.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with served(tmp_path) as web:
        yield web
