"""All routes of the relay's control door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.feed import journal_routes
from postroad_relay.control.clock import ClockRoutes
from postroad_relay.control.content import ContentRoutes
from postroad_relay.control.faults import FaultRoutes
from postroad_relay.control.queue import QueueRoutes
from postroad_relay.control.route import route_of
from postroad_relay.control.state import StateRoutes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.control.door import Route
    from postroad.journal import Journal
    from postroad.smtp.server.service import Purpose
    from postroad_relay.queue.administration import Administration
    from postroad_relay.queue.manager import Manager
    from postroad_relay.submission.service import RelayService


def routes(
    administration: Administration,
    manager: Manager,
    service: RelayService,
    journal: Journal,
    sessions: Callable[[], Iterable[Purpose]],
) -> list[Route]:
    """Return them; `sessions` gives the purpose of each session."""
    state = StateRoutes(manager, administration, journal, arriving=service.arriving, sessions=sessions)
    return [
        *journal_routes(journal),
        *ClockRoutes(manager).routes,
        *QueueRoutes(manager, administration).routes,
        *ContentRoutes(manager).routes,
        *state.routes,
        *FaultRoutes(service).routes,
        route_of(manager),
    ]
