"""The relay's queue: what waits, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from postroad.control.client import DoorRefused, quote_path
from postroad.world.world import DEFAULT_WORLD
from postroad_web.api.answer import json
from postroad_web.api.describe import listed, operation, record, ref
from postroad_web.api.fields import body_of, flag, given, line, many, query_of, whole
from postroad_web.api.native.shapes import MAYBE_TIME, TIME, time
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of the queue."""

    after: str | None = given(line(most=64), "the cursor of the page, which the page before it gave", default=None)
    limit: int = given(whole(1, 500), "the most messages of a page", default=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """How a message is taken out."""

    report: bool = given(flag(), "whether its sender gets a notification (DSN)", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Some:
    """Which messages."""

    ids: tuple[str, ...] | None = given(
        many(line(most=64)), "the queue IDs of the messages to try again; left out: all", default=None
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    relay = services.relay

    async def queue(request: Request) -> Response:
        page = query_of(request, Page)
        world = world_of(request)
        wanted = {} if world == EVERY else {"world": world}
        answer = await relay.get("/queue", after=page.after, limit=page.limit, **wanted)
        return json(
            {
                "messages": [_entry(message) for message in answer["messages"]],
                "next": answer["next"],
                "total": answer["total"],
            }
        )

    async def entry(request: Request) -> Response:
        return json(_entry(await _of(request, relay.get)))

    async def remove(request: Request) -> Response:
        removal = query_of(request, Removal)
        await _of(request, relay.get)
        await _of(request, relay.delete, report="yes" if removal.report else "no")
        return Response(status_code=204)

    def act(action: str) -> Any:
        async def acted(request: Request) -> Response:
            await body_of(request, _Nothing)
            await _of(request, relay.get)
            return json(_entry(await _of(request, relay.post, action)))

        return acted

    async def retry(request: Request) -> Response:
        some = await body_of(request, Some)
        ids = None if some.ids is None else list(some.ids)
        asked = {"ids": ids, "world": world_of(request)}
        return json({"count": (await relay.post("/queue/retry", asked))["count"]})

    return [
        Route("/v1/queue", queue),
        Route("/v1/queue/retry", retry, methods=["POST"]),
        by_method("/v1/queue/{id}", get=entry, delete=remove),
        *(
            Route(f"/v1/queue/{{id}}/{action}", act(action), methods=["POST"])
            for action in ("retry", "hold", "release")
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nothing:
    """A body without fields."""


async def _of(request: Request, ask: Any, *actions: str, **query: Any) -> Any:
    """Ask the relay for one message; raises `Problem` 404 if it is not in the queue."""
    ident = request.path_params["id"]
    missing = Problem(404, "No such message", f"There is no message {ident[:64]} in the queue.")
    try:
        answer = await ask(quote_path("queue", ident, *actions), **query)
    except DoorRefused as error:
        if error.status != 404:
            raise
        raise missing from None
    if not actions and not query and world_of(request) not in {EVERY, answer.get("world", DEFAULT_WORLD)}:
        raise missing
    return answer


def _entry(message: dict[str, Any]) -> dict[str, Any]:
    """Return a queue entry as the API shows it."""
    return {
        "id": message["queue_id"],
        "world": message.get("world", DEFAULT_WORLD),
        **{name: value for name, value in message.items() if name not in {"queue_id", "world"}},
        "arrived": time(message["arrived"]),
        "due": time(message["due"]),
    }


_NULLABLE_TEXT = {"type": ["string", "null"]}
SCHEMAS = {
    "QueueEntry": record(
        {
            "id": {"type": "string", "description": "the queue ID, which the 250 named"},
            "world": {"type": "string"},
            "message_id": _NULLABLE_TEXT,
            "arrived": TIME,
            "sender": {"type": ["string", "null"], "description": "null: the null reverse-path"},
            "size": {"type": "integer"},
            "attempts": {"type": "integer"},
            "due": {**MAYBE_TIME, "description": "when the next attempt is made"},
            "held": {"type": "boolean"},
            "active": {"type": "boolean", "description": "whether an attempt is under way"},
            "login": {**_NULLABLE_TEXT, "description": "with which it was submitted"},
            "reports": {**_NULLABLE_TEXT, "description": "of a notification: the message that it is about"},
            "recipients": {
                "type": "array",
                "items": record(
                    {
                        "address": {"type": "string"},
                        "state": {"type": "string", "enum": ["pending", "deferred", "delivered", "failed"]},
                        "status": _NULLABLE_TEXT,
                        "reason": {"type": "string"},
                        "host": _NULLABLE_TEXT,
                    }
                ),
            },
        }
    )
}
_ID = {"id": "the queue ID"}


def _one(summary: str) -> dict[str, Any]:
    """Return an operation on one message that answers with its entry."""
    return operation("queue", summary, path=_ID, answer=ref("QueueEntry"), errors=(404, 503))


OPENAPI = {
    "/v1/queue": {
        "get": operation(
            "queue",
            "List the queue",
            query=Page,
            answer=listed(ref("QueueEntry"), "messages", {"type": "string"}, total={"type": "integer"}),
            errors=(503,),
        )
    },
    "/v1/queue/retry": {
        "post": operation(
            "queue",
            "Try several messages again now",
            body=Some,
            example={"ids": ["4f1a9c"]},
            answer=record({"count": {"type": "integer"}}),
            errors=(503,),
        )
    },
    "/v1/queue/{id}": {
        "get": _one("Read an entry of the queue"),
        "delete": operation(
            "queue", "Take a message out of the queue", path=_ID, query=Removal, status=204, errors=(404, 503)
        ),
    },
    "/v1/queue/{id}/retry": {"post": _one("Try a message again now")},
    "/v1/queue/{id}/hold": {"post": _one("Hold a message: no attempts until it is released")},
    "/v1/queue/{id}/release": {"post": _one("Let a held message go on")},
}
