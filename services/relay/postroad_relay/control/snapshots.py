"""`/snapshots`: the queue of a world, kept and put back; the store has the other half of a snapshot.

A world is frozen first (`POST /freeze`), for half a minute at most. Then `POST /snapshots` keeps its queue and thaws
it; or `POST /snapshots/begin` decides on a restore, and `finish` makes it. `GET /snapshots/restoring` lists those that
have not been finished.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from postroad.control.door import Refusal, Route, answer
from postroad.world.world import DEFAULT_WORLD
from postroad_relay.queue.administration import AdministrationError, ConflictError, NotWrittenError
from postroad_relay.queue.snapshots import NoSuchSnapshotError, SnapshotError
from postroad_relay.queue.spool.kept import Restoring

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad.control.door import Request, Response
    from postroad_relay.queue.snapshots import QueueSnapshots


class SnapshotRoutes:
    """The handlers of `/snapshots`."""

    def __init__(self, snapshots: QueueSnapshots) -> None:
        self._snapshots = snapshots

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (
            Route("POST", "/freeze", self.freeze),
            Route("POST", "/thaw", self.thaw),
            Route("GET", "/snapshots", self.listed),
            Route("POST", "/snapshots", self.take),
            Route("DELETE", "/snapshots", self.delete),
            Route("GET", "/snapshots/restoring", self.restoring),
            Route("POST", "/snapshots/begin", self.begin),
            Route("POST", "/snapshots/finish", self.finish),
            Route("POST", "/snapshots/cancel", self.cancel),
        )

    async def freeze(self, request: Request) -> Response:
        """Let a world's queue stand still."""
        with _refusals():
            await self._snapshots.freezer.freeze(_world(request))
        return answer({})

    async def thaw(self, request: Request) -> Response:
        """Let it go on, unless a restore has begun."""
        world = _world(request)
        if all(restoring.world != world for restoring in self._snapshots.kept.restoring()):
            self._snapshots.freezer.thaw(world)
        return answer({})

    async def listed(self, request: Request) -> Response:
        """List the snapshots of a world."""
        return answer({"snapshots": [asdict(kept) for kept in self._snapshots.kept.of(_world(request))]})

    async def take(self, request: Request) -> Response:
        """Keep the queue of a world, which is frozen, and let it go on."""
        world, name, token = _asked(request, "world", "name", "token")
        with _refusals():
            kept = await self._snapshots.take(world, name, token)
        self._snapshots.freezer.thaw(world)
        return answer(asdict(kept), 201)

    async def delete(self, request: Request) -> Response:
        """Delete a snapshot."""
        with _refusals():
            if not await self._snapshots.delete(_world(request), request.query.get("name", "")):
                raise Refusal(404, "there is no such snapshot")
        return answer({})

    async def restoring(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        """List the restores that have begun and not ended."""
        return answer({"restoring": [asdict(restoring) for restoring in self._snapshots.kept.restoring()]})

    async def begin(self, request: Request) -> Response:
        """Decide on a restore of a world, which is frozen."""
        world, name, token, restore = _asked(request, "world", "name", "token", "restore")
        fresh = request.json().get("fresh") is True
        with _refusals():
            await self._snapshots.begin(Restoring(world, name, token, restore, fresh))
        return answer({})

    async def finish(self, request: Request) -> Response:
        """Put the queue back."""
        world, restore = _asked(request, "world", "restore")
        with _refusals():
            return answer({"messages": await self._snapshots.finish(world, restore)})

    async def cancel(self, request: Request) -> Response:
        """Give a restore up."""
        world, restore = _asked(request, "world", "restore")
        with _refusals():
            await self._snapshots.cancel(world, restore)
        return answer({})


_WORD = re.compile("[a-z0-9-]{1,40}")  # of a world, or of a snapshot's half; such words name files


def _world(request: Request) -> str:
    return _checked("world", request.query.get("world", DEFAULT_WORLD))


def _asked(request: Request, *names: str) -> list[str]:
    asked: Any = request.json()
    if not isinstance(asked, dict):
        raise Refusal(400, "the body must be an object")
    return [_checked(name, asked.get(name)) for name in names]


def _checked(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or (name != "name" and not _WORD.fullmatch(value)):
        raise Refusal(400, f"{name} is missing, or has other characters than it may have")
    return value


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer what can't be done by its status."""
    try:
        yield
    except NoSuchSnapshotError as error:
        raise Refusal(404, str(error)) from error
    except NotWrittenError as error:
        raise Refusal(507, str(error)) from error
    except (SnapshotError, ConflictError, AdministrationError) as error:
        raise Refusal(409, str(error)) from error
