"""The overlays of one service: in force, and on disk.

A change is answered once it is both. The maker of an overlay keeps its definition too, so a service that has lost one
gets it again; what a service has on disk is for the time until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from postroad.world.domains import any_name
from postroad.world.layers import TakenError
from postroad.world.overlay import OverlayError, read_overlay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from postroad.world.domains import WhyNotHide
    from postroad.world.layers import Layers
    from postroad.world.overlay import Overlay
    from postroad.world.overlay_log import OverlayLog

_log = logging.getLogger(__name__)


class PortInUse(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """A port of a world can't be opened: another program, or another world, has it."""


async def _nothing(_overlay: Overlay) -> None:
    """Do nothing."""


async def _no_ports(_ident: str, _ports: tuple[int, ...]) -> None:
    """Do nothing: the service opens no ports."""


def _untouched(_domains: Iterable[str]) -> None:
    """Do nothing: the service keeps nothing that is said of domains."""


class Overlays:
    """Keeps `layers` and `log` the same, and tells the service of what it does.

    `came` is called with an overlay that is in force, and `gone` with one that no longer is, to remove all that is left
    of it. Before either, `hold` is called with a world and the ports that it shall have: it opens those that the world
    lacks and closes the others, or raises `PortInUse` and changes nothing. All are awaited. At the end `touched` is
    called with the domains that the overlay has or had. `why_not_hide` is as in `domains`.
    """

    def __init__(self, layers: Layers, log: OverlayLog, *, why_not_hide: WhyNotHide = any_name) -> None:
        self.layers = layers
        self.log = log
        self.came: Callable[[Overlay], Awaitable[None]] = _nothing
        self.gone: Callable[[Overlay], Awaitable[None]] = _nothing
        self.hold: Callable[[str, tuple[int, ...]], Awaitable[None]] = _no_ports
        self.touched: Callable[[Iterable[str]], None] = _untouched
        self._why_not_hide = why_not_hide
        self._queues: dict[str, _Queue] = {}  # by ID
        self._going: dict[str, Overlay] = {}  # no longer in force, and something may be left of them
        for definition in log.definitions:
            self._restore(definition)
        log.definitions.clear()

    def _restore(self, definition: Any) -> None:
        try:
            self.layers.put(read_overlay(definition, self.layers.base, why_not_hide=self._why_not_hide))
        except (OverlayError, TakenError) as error:
            _log.error("the world %s is not in force: %s", definition["id"], error)

    async def put(self, ident: str, definition: Any) -> None:
        """Make an overlay, or change it; raises `OverlayError`, `TakenError`, `PortInUse`, `OSError`."""
        overlay = read_overlay(definition, self.layers.base, why_not_hide=self._why_not_hide)
        async with self._turn(ident):
            self.layers.check(overlay)
            before = self.layers.overlays.get(ident)
            await self.hold(ident, overlay.ports)
            try:
                self.layers.put(overlay)
                await asyncio.gather(self.log.put(ident, definition), self.came(overlay))
            except (TakenError, OSError):
                self.layers.drop(ident)
                if before is not None:
                    self.layers.put(before)
                await self.hold(ident, () if before is None else before.ports)
                raise
            self.touched({*overlay.world.domains, *(() if before is None else before.world.domains)})

    async def drop(self, ident: str) -> None:
        """Drop an overlay and all that belongs to it; there may be none. Raises `OSError`."""
        async with self._turn(ident):
            overlay = self.layers.drop(ident)
            await self.hold(ident, ())
            if overlay is not None:
                self._going[ident] = overlay
            going = self._going.get(ident)
            if going is not None:
                await self.gone(going)
            if ident in self.log:
                await self.log.drop(ident)
            self._going.pop(ident, None)
            if going is not None:
                self.touched(going.world.domains)

    @contextlib.asynccontextmanager
    async def _turn(self, ident: str) -> AsyncIterator[None]:
        """Let changes of one world come one after the other; those of others go on."""
        queue = self._queues.setdefault(ident, _Queue())
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[ident]


class _Queue:
    """The changes of one world."""

    __slots__ = ("length", "lock")

    def __init__(self) -> None:
        self.length = 0
        self.lock = asyncio.Lock()
