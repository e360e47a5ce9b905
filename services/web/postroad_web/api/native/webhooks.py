"""Webhooks: URLs that events are sent to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad.world.world import DEFAULT_WORLD
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import Wrong, body_of, given, line, many, one_of, refusal, text
from postroad_web.api.native import shapes
from postroad_web.api.native.events import KINDS
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY
from postroad_web.search.query import parse
from postroad_web.webhooks.hook import target_of
from postroad_web.webhooks.webhooks import TooManyHooks

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.webhooks.hook import Hook


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A new webhook."""

    url: str = given(line(most=2000), "where events are sent", example="http://127.0.0.1:3000/mail")
    events: tuple[str, ...] = given(many(one_of(*KINDS), most=len(KINDS)), "only these kinds", default=("arrived",))
    query: str | None = given(
        text(least=1), "a query of the search language: only messages that match", default=None, example="tag:signup"
    )
    world: str | None = given(
        line(most=32), "whose events; left out: those of the request's world; `*`: of all worlds", default=None
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    webhooks = services.webhooks

    async def listed(request: Request) -> Response:
        return json({"webhooks": [_shown(services, hook) for hook in _seen(request)]})

    async def add(request: Request) -> Response:
        new = await body_of(request, New)
        try:
            target_of(new.url)
        except ValueError as error:
            raise refusal(Wrong([("url", str(error))])) from None
        if new.query is not None:
            parse(new.query)
        try:
            hook = webhooks.add(_world(request, new.world), new.url, new.events, new.query)
        except TooManyHooks:
            raise Problem(409, "Too many webhooks", "Remove one first.") from None
        return json(_shown(services, hook) | {"secret": hook.secret}, 201)

    async def remove(request: Request) -> Response:
        ident = request.path_params["id"]
        if ident not in {hook.id for hook in _seen(request)}:
            raise Problem(404, "No such webhook", "GET /v1/webhooks lists them.")
        webhooks.remove(ident)
        return Response(status_code=204)

    def _seen(request: Request) -> list[Hook]:
        """Return the webhooks that a request may see: the default world has those of all worlds, too."""
        world = world_of(request)
        return webhooks.of(world) + (webhooks.of_every() if world == DEFAULT_WORLD else [])

    return [by_method("/v1/webhooks", get=listed, post=add), by_method("/v1/webhooks/{id}", delete=remove)]


def _world(request: Request, wanted: str | None) -> str:
    """Return the world that a new webhook is for; raises `Problem` 422."""
    own = world_of(request)
    if wanted is None or wanted == own or (wanted == EVERY and own == DEFAULT_WORLD):
        return wanted or own
    raise refusal(Wrong([("world", "must be the world of the request; * is for requests about the default world")]))


def _shown(services: Services, hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "events": list(hook.events),
        "query": hook.query,
        "created": shapes.time(hook.created),
        "cursor": hook.cursor,
        "world": hook.world,
        "trouble": services.webhooks.troubles.get(hook.id),
    }


_HOOK = {
    "id": {"type": "string"},
    "url": {"type": "string"},
    "events": {"type": "array", "items": {"type": "string", "enum": list(KINDS)}},
    "query": {"type": ["string", "null"]},
    "created": shapes.TIME,
    "world": {"type": "string", "description": "whose events it gets; *: those of all worlds"},
    "cursor": {"type": "integer", "description": "events up to it were taken, or given up"},
    "trouble": {"type": ["string", "null"], "description": "why the last try has failed"},
}
SCHEMAS = {"Webhook": record(_HOOK)}
OPENAPI = {
    "/v1/webhooks": {
        "get": operation(
            "events", "List webhooks", answer=record({"webhooks": {"type": "array", "items": ref("Webhook")}})
        ),
        "post": operation(
            "events",
            "Add a webhook",
            description=(
                "Events from now on are sent as POST, one after the other, signed as Standard Webhooks say: "
                "`webhook-id`, `webhook-timestamp`, `webhook-signature` (HMAC-SHA256 over `id.timestamp.body`). An "
                "event that was not taken with a 2xx is sent again with growing pauses, and given up after 40 minutes. "
                "The secret is shown here and never again. Receivers are on this machine or a private network."
            ),
            body=New,
            example={"url": "http://127.0.0.1:3000/mail", "events": ["arrived"]},
            answer=record({**_HOOK, "secret": {"type": "string", "description": "whsec_… with a key in base64"}}),
            status=201,
            errors=(409,),
        ),
    },
    "/v1/webhooks/{id}": {
        "delete": operation("events", "Remove a webhook", path={"id": "the webhook's ID"}, status=204, errors=(404,))
    },
}
