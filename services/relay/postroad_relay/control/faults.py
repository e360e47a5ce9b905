"""`GET` and `PUT /faults`: the refusals that a test asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Route, answer
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

    async def show(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        """Show the faults in force."""
        return answer(self._service.faults.to_json())

    async def change(self, request: Request) -> Response:
        """Put other faults in force; what is left out has its default."""
        try:
            self._service.faults = Faults.of(request.json())
        except FaultError as error:
            raise Refusal(400, str(error)) from error
        return answer(self._service.faults.to_json())
