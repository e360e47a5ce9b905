"""The zones as the name server has them now, forward and reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from postroad.control.client import DoorRefused, quote_path
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def zones(_request: Request) -> Response:
        return json({"zones": (await services.dns.get("/zones"))["zones"]})

    async def zone(request: Request) -> Response:
        apex = request.path_params["apex"]
        try:
            found = await services.dns.get(quote_path("zones", apex))
        except DoorRefused as error:
            if error.status != 404:
                raise
            raise Problem(404, "No such zone", f"The name server has no zone {apex[:200]}.") from None
        return json({"apex": apex, "records": found["records"]})

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
