"""The service as a whole: whether it runs, how it is configured, and how it is emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorAway, DoorRefused
from postroad.world.world import DEFAULT_WORLD
from postroad_web.api.scope import world_of
from postroad_web.greenmail import shapes
from postroad_web.greenmail.refused import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from postroad_web.api.services import Services


class Service:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def configuration(self, request: Request) -> Any:  # noqa: ARG002 - a handler's signature
        """Answer GreenMail's ports and habits."""
        settings = self._services.settings
        return shapes.configuration(settings.habits, settings.front)

    async def readiness(self, request: Request) -> Any:  # noqa: ARG002 - as above
        """Say whether mail can be taken and read."""
        try:
            for door in (self._services.relay, self._services.store):
                await door.get("/state" if door is self._services.relay else "/figures")
        except (DoorAway, DoorRefused):
            raise Refused("Service not running", 503) from None
        if not self._services.ready:
            raise Refused("Service not running", 503)
        return shapes.said("Service running")

    async def purge(self, request: Request) -> Any:
        """Empty all mailboxes of the world, its queue and its catalog; users and mailboxes stay."""
        try:
            await self._services.view(request).purge()
        except (DoorAway, DoorRefused) as error:
            return shapes.said(f"Can not purge mails : {error}")
        return shapes.said("Purged mails")

    async def reset(self, request: Request) -> Any:
        """Empty the world, and remove the users that were made since the start; a world's own accounts stay."""
        await self._services.view(request).purge()
        if world_of(request) == DEFAULT_WORLD:
            await self._services.store.post("/users/reset")
        return shapes.said("Performed reset")
