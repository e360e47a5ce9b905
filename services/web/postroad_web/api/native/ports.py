"""The ports of a world, for apps that do not log in: all that comes by one is the world's mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.endpoints import endpoints
from postroad_web.api.fields import body_of, given, whole
from postroad_web.api.native.refusing import keeper_of, problems
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.worlds.made import Made

SMTP = "smtp"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPort:
    """A port to open."""

    port: int | None = given(whole(1, 65535), "its number; left out: any that is free", default=None, example=1026)


PATH = {"id": "the world's ID"}


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def every(request: Request) -> Response:
        with problems():
            world = keeper_of(services).get(request.path_params["id"])
        return json({"ports": ports_of(services, request, world)})

    async def add(request: Request) -> Response:
        asked = await body_of(request, NewPort)
        ours = services.settings.world_ports
        if asked.port is not None and asked.port not in ours:
            sentence = f"must be one of POSTROAD_WORLD_PORTS, {ours[0]} to {ours[-1]}"
            errors = [{"field": "port", "detail": sentence}]
            raise Problem(422, "The request is not right", f"port: {sentence}.", errors=errors)
        ident = request.path_params["id"]
        with problems():
            port = await keeper_of(services).open_port(ident, asked.port)
        return json(_shown(services, request, port), 201)

    async def remove(request: Request) -> Response:
        with problems():
            await keeper_of(services).close_port(request.path_params["id"], request.path_params["port"])
        return Response(status_code=204)

    return [
        by_method("/v1/worlds/{id}/ports", get=every, post=add),
        by_method("/v1/worlds/{id}/ports/{port:int}", delete=remove),
    ]


def ports_of(services: Services, request: Request, world: Made) -> list[dict[str, Any]]:
    """Return the ports of a world, in the order in which they were opened, as this client can reach them."""
    return [_shown(services, request, port) for port in world.ports]


def _shown(services: Services, request: Request, port: int) -> dict[str, Any]:
    # Containers publish these ports by the same numbers, and so they are where the app door is.
    app = endpoints(services.settings, services.world, request.url.hostname or "")["app"]
    return {"host": app.host, "port": port, "protocol": SMTP}


SCHEMAS = {
    "WorldPort": record(
        {
            "host": {"type": "string"},
            "port": {"type": "integer"},
            "protocol": {"const": SMTP},
        }
    )
}
OPENAPI = {
    "/v1/worlds/{id}/ports": {
        "get": operation(
            "worlds",
            "List a world's own ports",
            path=PATH,
            answer=record({"ports": {"type": "array", "items": ref("WorldPort")}}),
            errors=(404, 503),
        ),
        "post": operation(
            "worlds",
            "Open a port of a world's own; clients can connect to it when the answer comes",
            description=(
                "It is an app door: SMTP from anybody, with a login or none. All that comes by it is the world's mail; "
                "what is for others than its own addresses is captured in it. Logins are those of the world's "
                "accounts and of its app user. The port is open until it is closed or the world is dropped."
            ),
            path=PATH,
            body=NewPort,
            answer=ref("WorldPort"),
            status=201,
            errors=(404, 409, 503, 507),
        ),
    },
    "/v1/worlds/{id}/ports/{port}": {
        "delete": operation(
            "worlds",
            "Close a port of a world; its sessions get 421",
            path={**PATH, "port": "the number of the port"},
            status=204,
            errors=(404, 409, 503, 507),
        ),
    },
}
