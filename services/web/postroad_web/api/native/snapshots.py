"""The snapshots of a world: all its mail and its queue as they were at one moment, by name."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import Kind, body_of, flag, given, line, wrong
from postroad_web.api.native.inside import WORLD, world_at
from postroad_web.api.native.shapes import TIME, time
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.snapshots.snapshots import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.snapshots.snapshots import Snapshot

LONGEST = 100  # characters of a name


def _name() -> Kind:
    """Take a name, which is a segment of a path."""
    kind = line(most=LONGEST)

    def parse(value: Any) -> str:
        name: str = kind.parse(value)
        if "/" in name:
            raise wrong("must have no slash")
        return name

    return Kind(parse, kind.schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the snapshot is to be called."""

    name: str = given(_name(), "any text without slashes", example="seeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """How it is restored."""

    fresh: bool = given(
        flag(),
        "give the mailboxes new UIDVALIDITY values, for clients that have a cache of what came since",
        default=False,
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    snapshots = services.snapshots

    async def listed(request: Request) -> Response:
        kept = await snapshots.of(world_at(services, request))
        return json({"snapshots": [_shown(snapshot) for snapshot in kept]})

    async def take(request: Request) -> Response:
        world = world_at(services, request)
        asked = await body_of(request, Taken)
        with _problems():
            return json(_shown(await snapshots.take(world, asked.name)), 201)

    async def restore(request: Request) -> Response:
        world = world_at(services, request)
        asked = await body_of(request, Restore)
        with _problems():
            return json(_shown(await snapshots.restore(world, request.path_params["name"], fresh=asked.fresh)))

    async def delete(request: Request) -> Response:
        with _problems():
            await snapshots.delete(world_at(services, request), request.path_params["name"])
        return Response(status_code=204)

    path = "/v1/worlds/{id}/snapshots"
    return [
        by_method(path, get=listed, post=take),
        Route(f"{path}/{{name}}", delete, methods=["DELETE"]),
        Route(f"{path}/{{name}}/restore", restore, methods=["POST"]),
    ]


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except SnapshotRefused as refused:
        title = "No such snapshot" if refused.status == 404 else "No snapshot can be made or restored"
        raise Problem(refused.status, title, str(refused)) from refused


def _shown(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "world": snapshot.world,
        "taken": time(snapshot.taken),
        "accounts": snapshot.accounts,
        "messages": snapshot.messages,
        "octets": snapshot.octets,
        "queued": snapshot.queued,
    }


_INTEGER = {"type": "integer"}
SCHEMAS = {
    "Snapshot": record(
        {
            "name": {"type": "string"},
            "world": {"type": "string"},
            "taken": TIME,
            "accounts": {**_INTEGER, "description": "those that had been made"},
            "messages": {**_INTEGER, "description": "in mailboxes"},
            "octets": {**_INTEGER, "description": "which those messages have; contents are not stored twice"},
            "queued": {**_INTEGER, "description": "messages in the queue"},
        }
    )
}
_ONE = {**WORLD, "name": "the snapshot's name"}
OPENAPI = {
    "/v1/worlds/{id}/snapshots": {
        "get": operation(
            "worlds",
            "List a world's snapshots",
            path=WORLD,
            answer=record({"snapshots": {"type": "array", "items": ref("Snapshot")}}),
            errors=(404, 503),
        ),
        "post": operation(
            "worlds",
            "Take a snapshot: mailboxes, scripts, annotations, quotas and the queue, as they are now",
            path=WORLD,
            body=Taken,
            status=201,
            answer=ref("Snapshot"),
            errors=(404, 409, 503),
        ),
    },
    "/v1/worlds/{id}/snapshots/{name}": {
        "delete": operation("worlds", "Delete a snapshot", path=_ONE, status=204, errors=(404, 503))
    },
    "/v1/worlds/{id}/snapshots/{name}/restore": {
        "post": operation(
            "worlds",
            "Restore a snapshot: all that came since is dropped, and sessions on its accounts end",
            path=_ONE,
            body=Restore,
            answer=ref("Snapshot"),
            errors=(404, 409, 503),
        )
    },
}
