"""The road of a message: what has happened to it, hop by hop, and what was said meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.native.found import ID, Latest, record_from
from postroad_web.api.native.shapes import MAYBE_TIME, TIME, time
from postroad_web.road.road import Roads

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    roads = Roads(services.dns, services.relay, services.store, services.worlds)

    async def road(request: Request) -> Response:
        record = await record_from(services, request)
        road = await roads.of(record)
        return json(
            {
                "id": record.id,
                "world": record.world,
                "hops": [hop.shown(time) for hop in road["hops"]],
                "next_attempts": [entry | {"due": time(entry["due"])} for entry in road["next_attempts"]],
            }
        )

    return [Route("/v1/messages/{id}/road", road)]


_TEXT = {"type": ["string", "null"]}
_HOP = record(
    {
        "kind": {
            "type": "string",
            "description": (
                "submission; dns: a look-up, with its questions as children; attempt: a transaction with a server, "
                "with an outcome (delivered, deferred, failed, expired) per recipient; delivery, captured: it is in a "
                "mailbox; read; copy: it is in another mailbox; report: a notification about it, with its own hops; "
                "refused, held, released, dropped, filtered, removed"
            ),
        },
        "at": TIME,
        "latency": {"type": ["number", "null"], "description": "seconds since it came"},
        "service": {"type": "string"},
        "peer": _TEXT,
        "host": {**_TEXT, "description": "the server, or the name that the client gave"},
        "tls": {**_TEXT, "description": "the version"},
        "reply": _TEXT,
        "recipient": _TEXT,
        "session": {**_TEXT, "description": "where it was said: /v1/sessions/{id}; null if that is on record no more"},
        "line": {"type": ["integer", "null"], "description": "`n` of the line in that session"},
        "detail": {"type": "object", "description": "what else the journal says"},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Hop"}},
    }
)
SCHEMAS = {
    "Hop": _HOP,
    "Road": record(
        {
            "id": {"type": "string"},
            "world": {"type": "string"},
            "hops": {"type": "array", "items": {"$ref": "#/components/schemas/Hop"}},
            "next_attempts": {
                "type": "array",
                "items": record({"recipient": {"type": "string"}, "due": MAYBE_TIME}),
            },
        }
    ),
}
OPENAPI: dict[str, Any] = {
    "/v1/messages/{id}/road": {
        "get": operation(
            "messages",
            "Follow a message's road",
            description="Every hop in the order of time. `postroad road ID` prints the same.",
            path=ID,
            query=Latest,
            answer={"$ref": "#/components/schemas/Road"},
            errors=(404, 503),
        )
    },
}
