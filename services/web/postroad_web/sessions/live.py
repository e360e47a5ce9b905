"""Sessions as they begin, go on and end, for those who listen: the doors are asked while somebody does."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorAway, DoorRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from postroad.clock import Clock
    from postroad.control.client import DoorClient
    from postroad_web.sessions.directory import Directory

WAIT = 25.0  # seconds that a door may hold a request
AGAIN = 1.0  # seconds until a door that is away is asked again
MOST = 1000  # sessions that wait for a listener; one that is slower misses the oldest


class Subscription:
    """The news for one listener."""

    def __init__(self) -> None:
        self._news: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._bell = asyncio.Event()

    def tell(self, session: dict[str, Any]) -> None:
        """Add a session that has changed."""
        self._news.append(session)
        self._bell.set()

    async def next(self) -> dict[str, Any]:
        """Return the next session that has changed; wait for it."""
        while not self._news:
            self._bell.clear()
            await self._bell.wait()
        return self._news.popleft()


class Live:
    """Listens to the doors of all services, for each world that somebody listens to."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._listeners: dict[str, set[Subscription]] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def listen(self, world: str) -> AsyncIterator[Subscription]:
        """Listen to a world's sessions; `*`: to those of all worlds."""
        subscription = Subscription()
        listeners = self._listeners.setdefault(world, set())
        listeners.add(subscription)
        if world not in self._tasks:
            doors = self._directory.doors
            self._tasks[world] = [asyncio.create_task(self._follow(door, world)) for door in doors]
        try:
            yield subscription
        finally:
            listeners.discard(subscription)
            if not listeners:
                self._listeners.pop(world, None)
                await self._stop(self._tasks.pop(world, []))

    async def close(self) -> None:
        """Stop asking."""
        while self._tasks:
            await self._stop(self._tasks.popitem()[1])

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, door: DoorClient, world: str) -> None:
        """Tell what changes in one service from now on."""
        last: int | None = None
        while True:
            try:
                if last is None:
                    last = (await door.get("/sessions", world=world, limit=0))["last"]
                answer = await door.get("/sessions", world=world, after=last, wait=WAIT, limit=500)
            except (DoorAway, DoorRefused):
                last = None  # a service that comes back counts anew
                await self._clock.sleep(AGAIN)
                continue
            last = answer["last"]
            for session in answer["sessions"]:
                shown = self._directory.shown(door.service, session)
                for listener in tuple(self._listeners.get(world, ())):
                    with suppress(KeyError):
                        listener.tell(shown)
