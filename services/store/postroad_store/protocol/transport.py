"""The transport under a connection: Twisted's, but a short answer leaves at once.

Twisted has the event loop say when the socket takes octets, sends them then, and has it say no more: for an answer of a
line that is a turn of the loop and four or five calls of the system more. Here that is left for what the socket does
not take. Between two pieces of a long answer other sessions have their turn.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.internet.tcp import Port, Server

from postroad.shell.acknowledge import acknowledge

log = logging.getLogger(__name__)

FEW = 64  # pieces, up to which they leave without having been put together: so do messages that are read one by one
TURN = 128 * 1024  # octets of short answers, after which other sessions have their turn


class Prompt(Server):
    """One side of a TCP connection."""

    SEND_LIMIT = 1 << 20  # octets that one call of the system is given
    _waits = False  # for the event loop to say that the socket takes more
    _held: list[bytes] | None = None  # what is written while more is about to be
    _octets = 0  # of these

    def startWriting(self) -> None:  # noqa: N802 - Twisted's name
        """Have the event loop say when the socket takes more."""
        self._waits = True
        super().startWriting()

    def stopWriting(self) -> None:  # noqa: N802 - Twisted's name
        """Have it say no more."""
        self._waits = False
        super().stopWriting()

    def startReading(self) -> None:  # noqa: N802 - Twisted's name
        """Have the event loop call `_read` when octets have come, in place of the four calls that Twisted makes of it.

        They name the connection to what logs meanwhile, which nothing here looks at: a tenth of a NOOP.
        """
        super().startReading()
        asyncio.get_running_loop().add_reader(self.fileno(), self._read)

    def _read(self) -> None:
        """Take what has come; end the connection where nothing more can come (`PosixReactorBase`)."""
        try:
            why: Any = self.doRead()
        except Exception as error:
            log.exception("a connection failed")
            why = error
        if why is not None:
            self.reactor._disconnectSelectable(self, why, True)  # noqa: SLF001 - as the reactor does

    def hold(self) -> None:
        """Keep what is written from now on until `release`: answers to commands that came together leave together."""
        self._held = []

    def release(self) -> None:
        """Send what was kept."""
        held, octets = self._held, self._octets
        self._held, self._octets = None, 0
        if held:
            self._send(held, octets)

    def write(self, data: bytes) -> None:
        """Send octets, or keep those that the socket does not take yet."""
        if self._held is not None:
            self._held.append(data)
            self._octets += len(data)
            if self._octets > TURN:
                held, octets = self._held, self._octets
                self._held, self._octets = [], 0
                self._send(held, octets)
                self._give_way()
        else:
            self._send([data], len(data))

    def acknowledge(self) -> None:
        """Acknowledge what has come, because no answer will (`postroad.shell`: pieces)."""
        if self.connected:
            acknowledge(self.socket)

    def _give_way(self) -> None:
        """Have the producer go on in the next turn of the event loop, or once the socket takes more."""
        if self.producer is None or self.producerPaused or self.TLS:
            return
        self.producerPaused = self._waits
        self.producer.pauseProducing()
        if not self._waits:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        if self.producer is not None and not self.producerPaused and not self._aborting:
            self.producer.resumeProducing()

    def _send(self, pieces: list[bytes], octets: int) -> None:
        if self._waits or self.TLS or not self.connected:
            super().write(b"".join(pieces))
            return
        try:
            sent = self.socket.sendmsg(pieces) if 1 < len(pieces) <= FEW else self.socket.send(b"".join(pieces))
        except OSError:
            sent = 0  # where it is no full buffer, it fails once more when the event loop looks at it, and that ends it
        if sent < octets:
            super().write(b"".join(pieces)[sent:])

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close the connection once everything has left; without asking the event loop, where everything has."""
        self.release()
        if self._waits or self.TLS or self.disconnecting or self.producer is not None or not self.connected:
            super().loseConnection()
            return
        self.stopReading()
        self.disconnecting = True
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        if self.connected and not self._waits:  # else Twisted ends it
            self.connectionLost(connectionDone)

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close the connection now: nothing leaves any more."""
        super().abortConnection()
        self._waits = True

    def startTLS(self, *arguments: Any) -> None:  # noqa: N802 - Twisted's name
        """Go on over TLS, behind what was written."""
        self.release()
        super().startTLS(*arguments)


class PromptPort(Port):
    """A port whose connections are these."""

    transport = Prompt
