"""Sessions that wait for their clients to read, and work that may have nothing to wait for."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Coroutine, Generator, Iterable


def release(waiting: Iterable[asyncio.Future[None]], error: Exception | None) -> None:
    """Let them go on, or raise the error in them; some may have been cancelled meanwhile."""
    for waiter in waiting:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)


def at_once(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Begin some work now; return None if it has ended, else the rest of it, which must be awaited.

    Work that does not wait costs neither a task nor turns of the event loop. Until it waits it belongs to no task: it
    must not set itself a timeout.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return None
    return _rest(work, awaited)


@coroutine
def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Go on with work that waits for something already."""
    while True:
        try:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 - it is the work's: a cancellation, for example
                awaited = work.throw(error)
            else:
                awaited = work.send(sent)
        except StopIteration:
            return
