"""A process that serves on asyncio until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal

_KEPT = 512 << 10  # octets of a piece of memory that is not given back to the kernel at once


def end_of_service() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, which then no longer end the process themselves."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended


def settle() -> None:
    """Set the memory up for serving.

    The objects of the start-up, which live for ever, are exempt from garbage collection, and it comes less often.

    glibc asks the kernel for each piece of memory above a bound, and gives it back at once. The bound grows when such a
    piece is freed (mallopt(3), M_MMAP_THRESHOLD). Each read of TLS takes 256 KiB for a moment, so it must be above.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    bytearray(_KEPT)
