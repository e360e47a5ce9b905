"""DEFLATE, both ways, as a layer under a protocol wants it (RFC 1951, RFC 4978).

Pure. What goes out can be read at once by the client, to its last octet. What comes in is taken a block at a time, so
that a few octets that stand for many never fill the memory: the rest waits as it came.
"""

from __future__ import annotations

import zlib

BLOCK = 64 * 1024  # octets that `take` returns at most
# RFC 4978 §4: a window of 2^14 octets and a level that costs little, which on answers of IMAP gains nearly as much as
# the largest and slowest do; the minus means that there is no header. 2^15 is what a client may use (RFC 1951 §2).
_LEVEL, _WINDOW, _MEMORY = 1, -14, 7
_CLIENTS_WINDOW = -15
_FLUSHED = b"\0\0\xff\xff"  # RFC 1951 §3.2.4: how a block without octets ends, by which zlib flushes


class GarbledError(Exception):
    """The client's octets are not a stream of DEFLATE, or go on behind its end."""


class Deflate:
    """Compresses octets for the client."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream: zlib._Compress | None = None  # made when there is something to say

    def compress(self, octets: bytes) -> bytes:
        """Return the first octets of what these become; the rest comes with `flush`."""
        if self._stream is None:
            # Between two flushes a stream can go on with another one, whose window is empty and refers to nothing.
            self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY)
        return self._stream.compress(octets)

    def flush(self) -> bytes:
        """Return what is still missing for the client to read all."""
        return b"" if self._stream is None else self._stream.flush(zlib.Z_SYNC_FLUSH)

    def rest(self) -> None:
        """Give the memory back, 40 KiB and more, after a `flush`."""
        self._stream = None

    def finish(self) -> bytes:
        """Return the end of the stream."""
        self.compress(b"")
        assert self._stream is not None  # noqa: S101 - `compress` has made it
        octets, self._stream = self._stream.flush(zlib.Z_FINISH), None
        return octets


class Inflate:
    """Decompresses octets of the client."""

    __slots__ = ("_full", "_pending", "_stream", "_tail")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_CLIENTS_WINDOW)
        self._pending = b""  # as they came
        self._tail = b""  # the last few that have been read of these
        self._full = False  # the last block was a full one: there may be more though nothing is pending

    def receive(self, octets: bytes) -> None:
        """Take octets that have come."""
        self._pending = self._pending + octets if self._pending else octets

    @property
    def waiting(self) -> bool:
        """Whether `take` may have more without further octets of the client."""
        return self._full or bool(self._pending)

    def take(self) -> bytes:
        """Return the next octets, a `BLOCK` at most, perhaps none; raises `GarbledError`.

        It reads no further than the client has flushed, because what it has said until there may end the compression.
        """
        if self._stream.eof:
            raise GarbledError
        tail = b"" if self._tail == _FLUSHED else self._tail
        flushed = (tail + self._pending).find(_FLUSHED)
        end = len(self._pending) if flushed < 0 else flushed + len(_FLUSHED) - len(tail)
        read, behind = self._pending[:end], self._pending[end:]
        try:
            octets = self._stream.decompress(read, BLOCK)
        except zlib.error:
            raise GarbledError from None
        left = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        self._tail = (tail + read[: len(read) - len(left)])[-len(_FLUSHED) :]
        self._pending = left + behind
        self._full = len(octets) == BLOCK
        return octets

    @property
    def at_end(self) -> bool:
        """Whether the client may end the compression here: it has ended its stream, or flushed it."""
        return self._stream.eof or (self._tail == _FLUSHED and not self._full)

    def left(self) -> bytes:
        """Return the octets that have not been read; they are no longer pending."""
        octets, self._pending = self._pending, b""
        return octets
