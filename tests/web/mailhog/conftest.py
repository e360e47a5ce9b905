"""MailHog's dialect, in front of Mailpit's as in the service, over a catalog of its own with toys for the doors."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest_asyncio
from starlette.applications import Starlette

from postroad.clock import Clock
from postroad.config import Settings
from postroad_web import mailhog, mailpit
from postroad_web.api.services import Services
from postroad_web.catalog.catalog import Catalog
from tests.harness.doors import ToyStack
from tests.web.mailpit.conftest import HOST, Web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def served(folder: Path, **settings: str) -> AsyncIterator[Web]:
    """Serve both dialects with these settings."""
    stack = ToyStack()
    environ = {f"POSTROAD_{name.upper()}": value for name, value in settings.items()}
    given = Settings.from_environ(environ | {"POSTROAD_DATA": str(folder)})
    catalog = Catalog(given.web_dir, relay=stack.relay, store=stack.store)
    await catalog.start()
    services = Services(
        settings=given,
        world=None,  # type: ignore[arg-type]
        clock=Clock(),
        catalog=catalog,
        relay=stack.relay,  # type: ignore[arg-type]
        store=stack.store,  # type: ignore[arg-type]
        dns=None,  # type: ignore[arg-type]
    )
    app = Starlette(routes=[*mailhog.routes(services), *mailpit.routes(services)])
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{HOST}") as http:
            yield Web(stack, catalog, services, app, http)
    finally:
        await catalog.close()


@pytest_asyncio.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with served(tmp_path) as web:
        yield web
