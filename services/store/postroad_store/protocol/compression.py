"""The compression under one connection (RFC 4978), between the adapter and Twisted's transport.

RFC 4978 §3: what is sent is compressed first and encrypted then, whichever began first: TLS belongs to the transport.

Large answers are compressed slice by slice, and what a client has compressed is taken block by block, each in a turn of
its own of the event loop: 64 KiB take one or two milliseconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from postroad_store.protocol.deflate import Deflate, GarbledError, Inflate

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE = 64 * 1024  # octets that are compressed in one turn


class Above(Protocol):
    """The adapter, as the layer below it sees it."""

    @property
    def busy(self) -> bool:
        """Whether no input can be handled now."""
        ...

    def take(self, octets: bytes) -> None:
        """Take octets of the protocol."""
        ...

    def plain(self, octets: bytes) -> None:
        """Do without the layer from here on; these have come behind the end of what was compressed."""
        ...

    def garbled(self) -> None:
        """End the connection: what comes is not compressed."""
        ...

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Write nothing more for now."""
        ...

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Write again."""
        ...

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Write no more."""
        ...


@implementer(IPushProducer)
class Compression:
    """The producer of a transport in place of the adapter, which is `above`."""

    def __init__(self, above: Above, transport: Any) -> None:
        self._above = above
        self._transport = transport
        self._deflate = Deflate()
        self._inflate = Inflate()
        self._backlog = b""  # octets that have not been compressed
        self._blocked = False  # the client does not keep up
        self._resting = False  # nothing much will be said
        self._losing = False
        self.over = False  # nothing is compressed any more, and the client may be ending its stream
        self._write_turn: asyncio.Handle | None = None
        self._read_turn: asyncio.Handle | None = None
        transport.unregisterProducer()
        transport.registerProducer(self, True)

    # What comes in

    def received(self, octets: bytes) -> None:
        """Take what the client has sent."""
        self._resting = False
        self._inflate.receive(octets)
        if self.over:
            self._end()
        elif self._read_turn is None and not self._above.busy:
            self._read()

    @property
    def waiting(self) -> bool:
        """Whether the client has sent more than has been taken."""
        return self._inflate.waiting

    def read_on(self) -> None:
        """Go on with what the client has sent, in another turn."""
        if self._read_turn is None and self._inflate.waiting:
            self._read_turn = _in_another_turn(self._read)

    def _read(self) -> None:
        self._read_turn = None
        if self._above.busy:  # it calls `read_on` once it is not
            return
        try:
            octets = self._inflate.take()
        except GarbledError:
            self._above.garbled()
            return
        self._above.take(octets)

    # What goes out

    def write(self, octets: bytes) -> None:
        """Compress octets and write them."""
        if self.over:
            self._transport.write(octets)
            return
        self._backlog += octets
        if self._write_turn is None and not self._blocked:
            self._write()

    def _write(self) -> None:
        """Write a slice; what is left is written in another turn."""
        backlog = self._backlog
        octets = self._deflate.compress(backlog[:SLICE])
        self._backlog = backlog[SLICE:]
        if self._backlog:
            self._above.pauseProducing()
            self._write_turn = _in_another_turn(self._write_on)
        else:
            octets += self._deflate.flush()
            if self._resting:
                self._deflate.rest()
        self._transport.write(octets)  # which may call `pauseProducing`

    def _write_on(self) -> None:
        self._write_turn = None
        if self._blocked:
            return
        self._write()
        if not (self._backlog or self._blocked):
            self._written()

    def _written(self) -> None:
        if self._losing:
            self._transport.loseConnection()
        else:
            self._above.resumeProducing()

    def rest(self) -> None:
        """Keep as little memory as possible until the client speaks."""
        self._resting = True
        if not self._backlog:
            self._deflate.rest()

    # The end

    def finish(self) -> None:
        """End the compression: the stream to the client at once, and the client's where that ends (RFC 8437 §4.1).

        The adapter becomes the transport's producer again.
        """
        self._cancel()
        self._transport.write(self._deflate.finish())  # an event is taken only when all has been written
        self._transport.unregisterProducer()
        self._transport.registerProducer(self._above, True)
        self.over = True
        self._end()

    def _end(self) -> None:
        """Read the client's stream to its end."""
        inflate = self._inflate
        try:
            said = b""
            while inflate.waiting and not inflate.at_end and not said:
                said = inflate.take()
        except GarbledError:
            said = b"?"
        if said:
            self._above.garbled()
        elif inflate.at_end:
            self._above.plain(inflate.left())

    def lose(self) -> None:
        """Close the connection once everything has been written."""
        self._losing, self._blocked = True, False
        self._transport.unregisterProducer()
        if self.over or not self._backlog:
            self._transport.loseConnection()
        elif self._write_turn is None:
            self._write_turn = _in_another_turn(self._write_on)

    def lost(self) -> None:
        """Do no more: the connection has gone."""
        self._cancel()

    def _cancel(self) -> None:
        for turn in (self._write_turn, self._read_turn):
            if turn is not None:
                turn.cancel()

    # For the transport, whose producer it is

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Note that the client does not keep up (IPushProducer)."""
        self._blocked = True
        self._above.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Go on: everything written has left (IPushProducer)."""
        self._blocked = False
        if not self._backlog:
            self._written()
        elif self._write_turn is None:
            self._write_turn = _in_another_turn(self._write_on)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Note that nothing more can be written (IPushProducer)."""
        self._above.stopProducing()


def _in_another_turn(work: Callable[[], None]) -> asyncio.Handle:
    return asyncio.get_running_loop().call_soon(work)
