"""Carries out what takes time, from its first step on at once.

A task of asyncio takes its first step in the next turn of the event loop, and tells of its end in one more turn. A
command that waits for the disk, like all commands that change mail, is begun and answered without these, and so is a
message that comes in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


class Errand:
    """An awaitable that is carried out on the event loop. It is no task: `asyncio.timeout` does not work in it."""

    __slots__ = ("_ended", "_steps")

    def __init__(self, awaitable: Awaitable[None], ended: Callable[[Exception | None], None]) -> None:
        """Have `ended` called at the end, with the exception if there is one; `step` begins."""
        self._steps: Any = awaitable.__await__()
        self._ended = ended

    def step(self, _: object = None) -> None:
        """Go on to where something has to be waited for."""
        error: Exception | None = None
        try:
            awaited = self._steps.send(None)
        except (StopIteration, asyncio.CancelledError):  # cancelled is what it has waited for
            pass
        except Exception as raised:  # noqa: BLE001 - the caller gets it
            error = raised
        else:
            if awaited is None:  # the others' turn
                asyncio.get_running_loop().call_soon(self.step)
            else:
                awaited._asyncio_future_blocking = False  # noqa: SLF001 - as a task says that it has understood
                awaited.add_done_callback(self.step)
            return
        self._ended(error)


def begun(awaitable: Awaitable[Result]) -> asyncio.Future[Result]:
    """Begin to carry it out, and return the future of its result."""
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        try:
            future.set_result(await awaitable)
        except asyncio.CancelledError:
            future.cancel()
            raise

    def ended(error: Exception | None) -> None:
        if error is not None:
            future.set_exception(error)

    Errand(work(), ended).step()
    return future
