"""Sessions that wait for their clients to read, and for other sessions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.protocol.contract import Connection


async def give_way(connection: Connection) -> None:
    """Send what is written, and return once the client reads and others have had their turn.

    Raises `ConnectionLost`.
    """
    connection.flush()
    await connection.wait_writable()
    await asyncio.sleep(0)


def release(waiting: Iterable[asyncio.Future[None]], error: Exception | None) -> None:
    """Let them go on, or raise the error in them; some may have been cancelled meanwhile."""
    for waiter in waiting:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
