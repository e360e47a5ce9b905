"""Waiting sessions: those that have much to write and a client that does not keep up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable


def release(waiting: Iterable[asyncio.Future[None]], error: Exception | None) -> None:
    """Let all go on, or end by an error."""
    for waiter in waiting:
        if waiter.done():  # cancelled
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
