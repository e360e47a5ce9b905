"""`GET` and `PUT /faults?world=…`: the refusals that a test asks for in a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Route, answer
from postroad.world.world import DEFAULT_WORLD
from postroad_relay.submission.faults import Faults
from postroad_relay.submission.link import FaultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response
    from postroad_relay.submission.service import RelayService


class FaultRoutes:
    """The handlers of `/faults`."""

    def __init__(self, service: RelayService) -> None:
        self._service = service

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (Route("GET", "/faults", self.show), Route("PUT", "/faults", self.change))

    async def show(self, request: Request) -> Response:
        """Show the faults in force."""
        return answer(self._service.faults.of(_world(request)).to_json())

    async def change(self, request: Request) -> Response:
        """Put other faults in force; what is left out has its default."""
        try:
            faults = Faults.of(request.json())
        except FaultError as error:
            raise Refusal(400, str(error)) from error
        self._service.faults.put(_world(request), faults)
        return answer(faults.to_json())


def _world(request: Request) -> str:
    return request.query.get("world", DEFAULT_WORLD)
