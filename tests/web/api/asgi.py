"""The application without a socket: fakes of what it needs, and a client that speaks ASGI to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from postroad.clock import Clock
from postroad.config import Settings
from postroad.world.source import parse_world
from postroad_web.api.app import build
from postroad_web.api.services import Services
from postroad_web.catalog.catalog import Catalog
from tests.harness.doors import ToyStack
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BASE = "http://localhost:8025"
WORLD = parse_world(DEFAULT_WORLD.encode(), IPv4Network("127.0.0.0/24"))


class NoCatalog:
    """A catalog in which nothing is."""

    cursor = 0
    refusals: ClassVar[set[Any]] = set()

    def of(self, _world: str) -> NoCatalog:
        return self

    def page(self, *_query: Any, **_options: Any) -> Any:
        return SimpleNamespace(records=(), total=0, unread=0, next=None)


def services(environ: dict[str, str] | None = None, **parts: Any) -> Services:
    given: dict[str, Any] = {
        "world": WORLD,
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


def state_of(stack: ToyStack) -> dict[str, Any]:
    """What the toy relay answers to GET /state."""
    messages = [
        {
            "queue_id": ident,
            "held": False,
            "due": None,
            "recipients": [{"address": address, "state": "pending", "reason": "", "host": None} for address in pending],
        }
        for ident, (_, pending) in stack.queued.items()
    ]
    return {
        "queued": len(messages),
        "held": 0,
        "accepting": 0,
        "last": stack.relay.number,
        "upto": stack.relay.number,
        "messages": messages,
    }


@asynccontextmanager
async def stacked(folder: Path, environ: dict[str, str] | None = None) -> AsyncIterator[tuple[ToyStack, Services]]:
    """Give a toy stack, and services with a catalog that follows it."""
    stack = ToyStack()
    stack.relay.answers["GET", "/state"] = lambda _: state_of(stack)
    catalog = Catalog(folder, relay=stack.relay, store=stack.store)
    await catalog.start()
    given = services(
        {"POSTROAD_DATA": str(folder), **(environ or {})}, catalog=catalog, relay=stack.relay, store=stack.store
    )
    given.webhooks.start()
    try:
        yield stack, given
    finally:
        await given.webhooks.close()
        await catalog.close()
