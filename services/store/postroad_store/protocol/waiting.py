"""Sessions that wait for their clients to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable


def release(waiting: Iterable[asyncio.Future[None]], error: Exception | None) -> None:
    """Let them go on, or raise the error in them; some may have been cancelled meanwhile."""
    for waiter in waiting:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
