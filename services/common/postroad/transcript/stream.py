"""The octets of one side of a session: cut into lines, counted literals and dot-stuffed content. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.transcript.line import Measure

MOST = 256 << 10  # octets without a line end that are kept


class Stream:
    """What has come and is not a line yet."""

    __slots__ = ("_scanned", "at", "buffer", "tls")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.at = 0.0  # when the last octets came
        self.tls = False
        self._scanned = 0  # up to here the buffer has no line end

    def add(self, octets: bytes, at: float, *, tls: bool) -> None:
        """Take octets."""
        self.buffer += octets
        self.at = at
        self.tls = tls

    def line(self) -> bytes | None:
        """Return the next line without its CRLF, None if it is not whole."""
        end = self.buffer.find(b"\r\n", self._scanned)
        if end < 0:
            # Of a line that never ends, nobody needs the middle.
            del self.buffer[MOST // 2 : len(self.buffer) - MOST // 2]
            self._scanned = max(0, len(self.buffer) - 1)
            return None
        line = bytes(self.buffer[:end])
        self.drop(end + 2)
        return line

    def drop(self, count: int) -> None:
        """Forget octets at the start."""
        del self.buffer[:count]
        self._scanned = 0

    def rest(self) -> bytes:
        """Return all octets, and forget them."""
        octets = bytes(self.buffer)
        self.buffer.clear()
        self._scanned = 0
        return octets

    def counted(self, left: int, measure: Measure) -> int:
        """Measure octets of a literal that has so many left; return how many it has left then."""
        octets = self.buffer[:left]
        measure.add(octets)
        self.drop(len(octets))
        return left - len(octets)


class Dotted:
    """Content that a dot on a line of its own ends (RFC 5321 §4.5.2, RFC 1939 §3)."""

    __slots__ = ("_begins", "measure")

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self._begins = True  # whether the next octet begins a line

    def take(self, stream: Stream) -> bool:
        """Measure what has come, without the stuffed dots; return True once it has ended."""
        buffer = stream.buffer
        if self._begins and buffer.startswith(b".\r\n"):
            stream.drop(3)
            return True
        end = buffer.find(b"\r\n.\r\n")
        # CRLF and what may follow it stay until it is known whether the content ends there.
        last = end + 2 if end >= 0 else max(buffer.rfind(b"\r\n", 0, len(buffer) - 2) + 2 if len(buffer) > 3 else 0, 0)
        if end < 0 and last < 2:
            last = max(0, len(buffer) - 4) if len(buffer) > MOST else 0
        if last:
            octets = bytes(buffer[:last]).replace(b"\r\n.", b"\r\n")
            if self._begins and octets.startswith(b"."):
                octets = octets[1:]
            self._begins = buffer[last - 2 : last] == b"\r\n"
            self.measure.add(octets)
            stream.drop(last)
        if end >= 0:
            stream.drop(3)
            return True
        return False
