"""The ports of worlds: app doors at which all mail is one world's, opened and closed while the relay runs.

The relay listens on a port while a world has it: a client that comes too early or too late hears so at once, and its
mail lands nowhere. A world's definition has its ports (`postroad.world.overlay`), so the relay's log of worlds has them
too, and they are open again after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad.smtp.server.service import Listener, Purpose
from postroad.world.overlays import PortInUse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from postroad.clock import Clock
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.server import Server
    from postroad.world.layers import Layers

_log = logging.getLogger(__name__)

AGAIN = 1.0  # seconds until a port is tried again that another program had when the relay started


class WorldPorts:
    """The ports that are open, all on `host`; `profile` makes that of a world's port."""

    def __init__(self, layers: Layers, host: str, profile: Callable[[str], Profile], clock: Clock) -> None:
        self._layers = layers
        self._host = host
        self._profile = profile
        self._clock = clock
        self._open: dict[str, dict[int, Profile]] = {}  # by world
        self._lock = asyncio.Lock()  # one change at a time: a port may go from one world to another
        self._server: Server | None = None
        self._tls: ssl.SSLContext | None = None
        self._mending: asyncio.Task[None] | None = None

    async def start(self, server: Server, tls: ssl.SSLContext | None) -> None:
        """Open the ports of all worlds; those that another program has are tried again until it ends."""
        self._server, self._tls = server, tls
        if await self._restore():
            self._mending = asyncio.create_task(self._mend())

    def stop(self) -> None:
        """Try no more; the server closes what is open."""
        if self._mending is not None:
            self._mending.cancel()

    async def hold(self, ident: str, ports: tuple[int, ...]) -> None:
        """Let a world have these ports and no others (`Overlays.hold`)."""
        if not ports and ident not in self._open:
            return  # most often
        async with self._lock:
            await self._hold(ident, ports)

    async def _hold(self, ident: str, ports: tuple[int, ...]) -> None:
        server = self._server
        assert server is not None  # noqa: S101 - worlds come by the control door, which is opened later
        before = self._open.get(ident, {})
        opened: dict[int, Profile] = {}
        for port in ports:
            if port in before:
                continue
            profile = self._profile(ident)
            listener = Listener(self._host, port, Purpose.APP, world=ident)
            try:
                await server.listen(listener, profile, self._tls)
            except OSError as error:
                for listening in opened.values():
                    server.shut(listening)
                raise PortInUse(f"the port {port} can't be opened: {error.strerror}") from error
            opened[port] = profile
        for port, profile in before.items():
            if port not in ports:
                server.shut(profile)
        left = {port: profile for port, profile in before.items() if port in ports} | opened
        self._open.pop(ident, None)
        if left:
            self._open[ident] = left

    async def _restore(self) -> list[str]:
        """Open what is not open, and return why ports are not."""
        sentences = []
        async with self._lock:
            for overlay in list(self._layers.overlays.values()):
                if len(overlay.ports) > len(self._open.get(overlay.id, ())):
                    try:
                        await self._hold(overlay.id, overlay.ports)
                    except PortInUse as error:
                        sentences.append(f"the world {overlay.id}: {error}")
        return sentences

    async def _mend(self) -> None:
        told: list[str] = []
        while sentences := await self._restore():
            for sentence in sentences:
                if sentence not in told:
                    _log.error("%s; it is tried again", sentence)
            told = sentences
            await self._clock.sleep(AGAIN)
        _log.info("all ports of worlds are open")
