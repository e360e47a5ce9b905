"""/livez and /readyz: whether the process lives, and whether its catalog has caught up with the journals once.

Both answer without a password, with no body when all is well, as Mailpit's do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

OPEN = frozenset({"/livez", "/readyz"})  # the paths that need no password


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def live(_request: Request) -> Response:
        return Response()

    async def ready(_request: Request) -> Response:
        if services.ready:
            return Response()
        return PlainTextResponse("Service Unavailable", 503)

    return [Route("/livez", live), Route("/readyz", ready)]
