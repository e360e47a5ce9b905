"""GET /metrics: all services in numbers, in Prometheus' text format.

Each control door is asked for its figures when Prometheus asks, for `PATIENCE` at most; one that is away shows as
`postroad_up{service="…"} 0`, and its figures are missing. The counts and times of messages come from the catalog's
fold of the journals; those counters begin at 0 with the process.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry
from starlette.responses import Response
from starlette.routing import Route

from postroad.control.client import DoorAway, DoorRefused
from postroad.control.process import process_figures
from postroad_web.api.families import families

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.metrics_core import Metric
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad.control.client import DoorClient
    from postroad_web.api.services import Services

PATIENCE = 1.0  # seconds


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""

    async def metrics(request: Request) -> Response:
        answers = await asyncio.gather(*map(_ask, services.doors()))
        figures = {door.service: figures for door, figures in zip(services.doors(), answers, strict=True)}
        figures["web"] = {"process": process_figures()}
        catalog = services.catalog
        registry = registry_of(families(figures, catalog.tallies, catalog.every.counts().total, catalog.position))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return [Route("/metrics", metrics)]


async def _ask(door: DoorClient) -> dict[str, Any] | None:
    """Return the figures of a service, or None if it does not give them in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            figures = await door.get("/figures")
    except (TimeoutError, DoorAway, DoorRefused):
        return None
    return figures if isinstance(figures, dict) else None


def registry_of(given: Iterable[Metric]) -> CollectorRegistry:
    """Return a registry of these families alone."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(given))
    return registry


class _Given:
    """A collector of what was collected."""

    def __init__(self, given: Iterable[Metric]) -> None:
        self._given = given

    def collect(self) -> Iterable[Metric]:
        return self._given
