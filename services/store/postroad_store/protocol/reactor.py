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
        asyncioreactor = _import_reactor()
        # Twisted logs to where all logs go, but without its notes on each port and factory.
        logging.getLogger("twisted").setLevel(logging.WARNING)
        globalLogBeginner.beginLoggingTo([cast("Any", STDLibLogObserver("twisted"))], redirectStandardIO=False)
        asyncioreactor.install(loop)
        installed = sys.modules["twisted.internet.reactor"]
        installed.startRunning(installSignalHandlers=False)
    if getattr(installed, "_asyncioEventloop", None) is not loop:
        raise RuntimeError("Twisted's reactor is installed on another loop")
    return installed


def _import_reactor() -> Any:
    """Import Twisted's reactor, which must not be before a loop is chosen, without `twisted.internet.ssl`.

    The reactor loads that for `listenSSL`, which nobody calls here: TLS is `twisted.protocols.tls` alone. It would cost
    a tenth of the start-up and 4 MB. Twisted does without it where it can't be imported, as here for this moment.
    """
    missing = "twisted.internet.ssl" not in sys.modules
    if missing:
        sys.modules["twisted.internet.ssl"] = None  # type: ignore[assignment] # how Python blocks an import
    try:
        from twisted.internet import asyncioreactor  # noqa: PLC0415 - see above
    finally:
        if missing:
            del sys.modules["twisted.internet.ssl"]
    return asyncioreactor
