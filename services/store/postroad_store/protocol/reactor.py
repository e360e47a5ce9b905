"""Twisted's reactor, as a guest on the process's own asyncio loop."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

from twisted.logger import STDLibLogObserver, globalLogBeginner

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def reactor_on(loop: AbstractEventLoop) -> Any:
    """Install Twisted's reactor on the loop and return it; a process has one, on one loop.

    The loop is run by asyncio (`asyncio.Runner`), not by `reactor.run()`: Twisted is a guest there.
    Raises `RuntimeError` if a reactor is installed on another loop.
    """
    installed: Any = sys.modules.get("twisted.internet.reactor")
    if installed is None:
        from twisted.internet import asyncioreactor  # noqa: PLC0415 - must not run before a loop is chosen

        # Twisted logs to where all logs go, but without its notes on each port and factory.
        logging.getLogger("twisted").setLevel(logging.WARNING)
        globalLogBeginner.beginLoggingTo([cast("Any", STDLibLogObserver("twisted"))], redirectStandardIO=False)
        asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
        installed = sys.modules["twisted.internet.reactor"]
        installed.startRunning(installSignalHandlers=False)
    if getattr(installed, "_asyncioEventloop", None) is not loop:
        raise RuntimeError("Twisted's reactor is installed on another loop")
    return installed
