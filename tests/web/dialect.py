"""Dialects over a catalog of their own, with toys for the control doors; a client that speaks ASGI to them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx
from starlette.applications import Starlette

from postroad.clock import Clock
from postroad.config import Settings
from postroad_web.api.services import Services
from postroad_web.catalog.catalog import Catalog
from tests.harness.doors import ToyStack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.routing import BaseRoute

HOST = "localhost:8025"


@dataclass(slots=True)
class Web:
    """The service under test: `http` asks it, `stack` is what it knows of."""

    stack: ToyStack
    catalog: Catalog
    services: Services
    app: Starlette
    http: httpx.AsyncClient

    def send(
        self,
        subject: str = "Hello",
        *,
        to: Sequence[str] = ("bob@beta.test",),
        more: str = "",
        body: str = "Some words.\r\n",
        **details: Any,
    ) -> str:
        """Have the relay take a message, and deliver it; returns its ID."""
        head = f"From: Alice <alice@alpha.test>\r\nTo: {', '.join(to)}\r\nSubject: {subject}\r\n{more}"
        return self.stack.send(f"{head}\r\n{body}".encode(), "alice@alpha.test", to, **details)

    async def json(self, path: str, **query: Any) -> Any:
        """Return the JSON at a path, which must be there."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    async def text(self, path: str, **query: Any) -> tuple[int, str]:
        """Return the status and the text at a path."""
        answer = await self.http.get(path, params=query)
        return answer.status_code, answer.text

    async def subjects(self, path: str = "/api/v1/messages", **query: Any) -> list[str]:
        """Return the subjects of a list."""
        return [row["Subject"] for row in (await self.json(path, **query))["messages"]]


@asynccontextmanager
async def served(
    folder: Path,
    *dialects: Callable[[Services], list[BaseRoute]],
    environ: Mapping[str, str] = MappingProxyType({}),
    ready: bool = False,
) -> AsyncIterator[Web]:
    """Serve the routes of dialects, the first before the others, with these settings."""
    stack = ToyStack()
    settings = Settings.from_environ({"POSTROAD_DATA": str(folder), **environ})
    catalog = Catalog(settings.web_dir, relay=stack.relay, store=stack.store)
    await catalog.start()
    services = Services(
        settings=settings,
        world=None,  # type: ignore[arg-type]
        clock=Clock(),
        catalog=catalog,
        relay=stack.relay,  # type: ignore[arg-type]
        store=stack.store,  # type: ignore[arg-type]
        dns=None,  # type: ignore[arg-type]
        ready=ready,
    )
    app = Starlette(routes=[route for routes in dialects for route in routes(services)])
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{HOST}") as http:
            yield Web(stack, catalog, services, app, http)
    finally:
        await catalog.close()
