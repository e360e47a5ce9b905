"""The zones as the name server has them now, forward and reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from postroad.control.client import DoorRefused, quote_path
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    def is_seen(request: Request, apex: str) -> bool:
        """Whether a zone is of the request's world; the root and the reverse ones are the world file's."""
        return world_of(request) in {EVERY, services.worlds.of_domain(apex.removesuffix("."))}

    async def zones(request: Request) -> Response:
        zones = (await services.dns.get("/zones"))["zones"]
        return json({"zones": [zone for zone in zones if is_seen(request, zone["apex"])]})

    async def zone(request: Request) -> Response:
        apex = request.path_params["apex"]
        try:
            if not is_seen(request, apex):
                raise DoorRefused(404, "it is another world's")
            zone = await services.dns.get(quote_path("zones", apex))
        except DoorRefused as error:
            if error.status != 404:
                raise
            raise Problem(404, "No such zone", f"The name server has no zone {apex[:200]}.") from None
        return json({"apex": apex, "records": zone["records"]})

    return [Route("/v1/zones", zones), Route("/v1/zones/{apex}", zone)]


_TEXT = {"type": "string"}
OPENAPI = {
    "/v1/zones": {
        "get": operation(
            "domains",
            "List the zones of the name server",
            description="Those of the world's domains, the reverse ones, and the root.",
            answer=record(
                {
                    "zones": {
                        "type": "array",
                        "items": record(
                            {"apex": _TEXT, "serial": {"type": ["integer", "null"]}, "records": {"type": "integer"}}
                        ),
                    }
                }
            ),
            errors=(503,),
        )
    },
    "/v1/zones/{apex}": {
        "get": operation(
            "domains",
            "Read a zone",
            path={"apex": "its name; . is the root"},
            answer=record(
                {
                    "apex": _TEXT,
                    "records": {
                        "type": "array",
                        "items": _TEXT,
                        "description": "in master-file form (RFC 1035 §5)",
                    },
                }
            ),
            errors=(404, 503),
        )
    },
}
