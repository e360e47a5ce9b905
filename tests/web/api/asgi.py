"""The application without a socket: fakes of what it needs, and a client that speaks ASGI to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx

from postroad.clock import Clock
from postroad.config import Settings
from postroad_web.api.app import build
from postroad_web.api.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BASE = "http://localhost:8025"


class NoCatalog:
    """A catalog in which nothing is."""

    def page(self, *_query: Any, **_options: Any) -> Any:
        return SimpleNamespace(records=(), total=0, unread=0, next=None)


def services(environ: dict[str, str] | None = None, **parts: Any) -> Services:
    given = {
        "world": None,
        "clock": Clock(),
        "catalog": NoCatalog(),
        "relay": None,
        "store": None,
        "dns": None,
    }
    return Services(settings=Settings.from_environ(environ or {}), **given | parts)


@asynccontextmanager
async def client(given: Services, *, base: str = BASE) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(given), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=base) as http:
        yield http
