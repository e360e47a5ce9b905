"""Lets searches share the event loop with other sessions and with each other.

A search works for a few milliseconds and then lets go. Searches take turns: while one works the others wait, so that
all of them together hold up the loop no longer than one does. The messages that are too large for the loop are read
in a thread, one at a time: threads that compete for the interpreter would hold up the loop as well, and each may need
as much memory as two of the largest messages.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Self

PAUSE_AFTER = 0.003  # seconds that a search may work before others get their turn

Result = TypeVar("Result")


class Pace(Protocol):
    """How a search lets others run (`pacer.Pacer`)."""

    async def __call__(self) -> None:
        """Let others run, if it is time."""
        ...

    async def apart(self, function: Callable[[], Result]) -> Result:
        """Run a long function in a thread."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Wait for other searches that are at a large message."""
        ...


class Turns:
    """The turns of searches; one object per storage."""

    def __init__(self) -> None:
        self.work = asyncio.Lock()  # first come, first served
        self.large = asyncio.Lock()


class Pacer:
    """The pace of one search: `async with Pacer(turns) as pace`, and `await pace()` every millisecond or so.

    `between` is awaited in each pause, and may raise to end the search.
    """

    def __init__(self, turns: Turns, between: Callable[[], Awaitable[None]] | None = None) -> None:
        self._turns = turns
        self._between = between
        self._working = False  # it is this search's turn
        self._began = 0.0

    async def __aenter__(self) -> Self:
        """Wait for the first turn."""
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the turn back, unless the search was cancelled while it waited for its turn."""
        self._end()

    async def __call__(self) -> None:
        """Let others run if this search has worked for long enough."""
        if time.perf_counter() - self._began >= PAUSE_AFTER:
            self._end()
            await asyncio.sleep(0)
            if self._between is not None:
                await self._between()
            await self._begin()

    async def apart(self, function: Callable[[], Result]) -> Result:
        """Run a function in a thread, and return its result."""
        self._end()
        result = await asyncio.to_thread(function)
        await self._begin()
        return result

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until no other search is at a large message."""
        self._end()
        async with self._turns.large:
            await self._begin()
            yield

    async def _begin(self) -> None:
        await self._turns.work.acquire()
        self._working = True
        self._began = time.perf_counter()

    def _end(self) -> None:
        if self._working:
            self._working = False
            # In the loop's next turn: many short searches in this one would add up to a long one.
            asyncio.get_running_loop().call_soon(self._turns.work.release)
