"""`GET` and `POST /clock?world=...`: the clock of a world, and pushes of it.

A push answers once all that fell due has been concluded, or after `wait` seconds with `"pushing": true`; then
`GET /clock?wait=...` waits on. The push goes on whether anybody waits or not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.control.door import Refusal, Route, answer
from postroad.control.messages import LONGEST_WAIT
from postroad.world.world import DEFAULT_WORLD
from postroad_relay.queue.push import NEXT, PushError, Pushes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response
    from postroad_relay.queue.manager import Manager

_LONGEST = 3650 * 86400.0  # seconds of one push


class ClockRoutes:
    """The handlers of `/clock`."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._pushes = Pushes(manager)

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        return (Route("GET", "/clock", self.show), Route("POST", "/clock", self.push))

    async def show(self, request: Request) -> Response:
        """Show a world's clock, after the pushes that are under way, if they end within `wait` seconds."""
        world = _world(request)
        return await self._after(world, self._pushes.last(world), request)

    async def push(self, request: Request) -> Response:
        """Push a world's clock by seconds, or to its next due attempt."""
        match request.json():
            case {"push": "next"}:
                span = NEXT
            case {"push": int() | float() as seconds} if 0 <= seconds <= _LONGEST and not isinstance(seconds, bool):
                span = float(seconds)
            case _:
                raise Refusal(400, f"push must be seconds from 0 to {_LONGEST:.0f}, or next")
        world = _world(request)
        return await self._after(world, self._pushes.push(world, span), request)

    async def _after(self, world: str, push: asyncio.Task[None] | None, request: Request) -> Response:
        wait = request.seconds("wait", 0.0, most=LONGEST_WAIT)
        if push is not None:
            await asyncio.wait([push], timeout=wait)
            if push.done() and (error := push.exception()) is not None:
                raise _refusal(error)
        clock = self._manager.clocks.of(world)
        return answer(
            {
                "now": clock.now(),
                "ahead": clock.ahead,
                "next": self._pushes.next_at(world),
                "pushing": self._pushes.last(world) is not None,
            }
        )


def _world(request: Request) -> str:
    return request.query.get("world", DEFAULT_WORLD)


def _refusal(error: BaseException) -> BaseException:
    match error:
        case PushError():
            return Refusal(409, str(error))
        case OSError():
            return Refusal(507, f"the world's clock can't be written: {error}")
    return error
