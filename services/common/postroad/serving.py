"""A process that serves on asyncio until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal


def end_of_service() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, which then no longer end the process themselves."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended


def settle() -> None:
    """Exempt the objects of the start-up, which live for ever, from garbage collection, and collect less often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
