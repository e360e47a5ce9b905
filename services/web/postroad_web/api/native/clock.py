"""A world's clock, by which its mail is tried again, delayed and given up; a test pushes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postroad.measures import age
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import Kind, body_of, given, wrong
from postroad_web.api.native.inside import WORLD, world_at
from postroad_web.api.native.shapes import MAYBE_TIME, TIME, time
from postroad_web.api.routing import by_method

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

NEXT = "next"
LONGEST = 3650 * 86400  # seconds
WAIT = 20.0  # seconds that one request to the relay waits for a push


def _span() -> Kind:
    """Take seconds, a text such as 2h, or `next`."""

    def parse(value: Any) -> float | str:
        if value == NEXT:
            return NEXT
        try:
            if isinstance(value, str):
                return age(value)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST:
                return float(value)
        except ValueError:
            pass
        raise wrong(f"must be seconds, a time such as 30m, 2h or 5d, or next; at most {LONGEST // 86400}d")

    return Kind(parse, {"type": ["number", "string"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """How far the clock is moved."""

    push: float | str = given(
        _span(), "by seconds, by a time such as 2h, or to the next due attempt (`next`)", example="2h"
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    relay = services.relay

    async def show(request: Request) -> Response:
        return json(_shown(await relay.get("/clock", world=world_at(services, request))))

    async def push(request: Request) -> Response:
        world = world_at(services, request)
        asked = await body_of(request, Push)
        clock = await relay.post("/clock", {"push": asked.push}, world=world, wait=WAIT)
        while clock["pushing"]:
            clock = await relay.get("/clock", world=world, wait=WAIT)
        await services.quiet.known(world)  # a client that lists messages next finds each as the push has left it
        return json(_shown(clock))

    return [by_method("/v1/worlds/{id}/clock", get=show, post=push)]


def _shown(clock: dict[str, Any]) -> dict[str, Any]:
    return {"now": time(clock["now"]), "ahead": clock["ahead"], "next": time(clock["next"])}


SCHEMAS = {
    "Clock": record(
        {
            "now": {**TIME, "description": "the time in this world"},
            "ahead": {"type": "number", "description": "by how many seconds it is ahead of the machine's"},
            "next": {**MAYBE_TIME, "description": "when a message is attempted next; null if none waits"},
        }
    )
}
OPENAPI = {
    "/v1/worlds/{id}/clock": {
        "get": operation("worlds", "Read a world's clock", path=WORLD, answer=ref("Clock"), errors=(404, 503)),
        "post": operation(
            "worlds",
            "Push a world's clock; the answer comes once all that fell due has been tried and concluded",
            path=WORLD,
            body=Push,
            answer=ref("Clock"),
            errors=(404, 409, 503),
        ),
    },
}
