"""`/worlds`: the overlays of a service, made, dropped and listed by the web service, which is their master."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.control.messages import Refusal, Request, Response, Route, answer
from postroad.world.layers import TakenError
from postroad.world.overlay import OverlayError
from postroad.world.overlays import PortInUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.world.overlays import Overlays


def world_routes(overlays: Overlays) -> Sequence[Route]:
    """Return the routes."""

    async def put(request: Request) -> Response:
        ident, definition = request.params["id"], request.json()
        if not isinstance(definition, dict) or definition.get("id") != ident:
            raise Refusal(422, "id: it must be the one of the path")
        try:
            await overlays.put(ident, definition)
        except OverlayError as error:
            raise Refusal(422, str(error)) from None
        except (TakenError, PortInUse) as error:
            raise Refusal(409, str(error)) from None
        except OSError as error:
            raise Refusal(507, f"the world can't be written: {error.strerror}") from error
        return answer({})

    async def drop(request: Request) -> Response:
        """Drop worlds, which share every commit on the way; their IDs have commas between them."""
        try:
            await asyncio.gather(*map(overlays.drop, dict.fromkeys(request.params["id"].split(","))))
        except OSError as error:
            raise Refusal(507, f"the world can't be dropped: {error.strerror}") from error
        return answer({})

    async def count(_request: Request) -> Response:
        return answer({"count": len(overlays.layers.overlays)})

    async def every(_request: Request) -> Response:
        return answer({"worlds": {overlay.id: overlay.digest for overlay in overlays.layers.overlays.values()}})

    return (
        Route("GET", "/worlds", every),
        Route("GET", "/worlds/count", count),
        Route("PUT", "/worlds/{id}", put),
        Route("DELETE", "/worlds/{id}", drop),
    )
