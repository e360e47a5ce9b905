"""A connection to the server that a dialogue is played against, with an observer that follows what is said."""

from __future__ import annotations

import socket
import time
import zlib
from typing import TYPE_CHECKING

from postroad.tap import Opened
from postroad.transcript.line import Side
from postroad.transcript.observer import Turn
from postroad.transcript.observers import observer_of
from postroad.transcript.view import line_of

if TYPE_CHECKING:
    import ssl
    from typing import Any

_BLOCK = 1 << 16
_QUIET = 0.05  # seconds in which a server that owes nothing may say more


class Connection:
    """One connection. Raises `OSError` where it fails."""

    def __init__(self, address: tuple[str, int], protocol: str, *, patience: float) -> None:
        self._socket = socket.create_connection(address, timeout=patience)
        self._host = address[0]
        self._patience = patience
        self._secure = False
        self._deflate: Any = None
        self._inflate: Any = None
        self.closed = False
        self.late = False  # whether the server has let us wait for too long
        self.observer = observer_of(Opened(protocol, "replay", "server", "client", outbound=True, at=0.0))
        self.protocol = protocol

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Make the handshake; raises `OSError`."""
        self._socket = context.wrap_socket(self._socket, server_hostname=self._host)
        self._secure = True

    def send(self, octets: bytes) -> None:
        """Send octets; the server may have closed the connection already."""
        self.observer.take(Side.CLIENT, octets, 0.0, tls=self._secure)
        if self._deflate is not None:
            octets = self._deflate.compress(octets) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        try:
            self._socket.sendall(octets)
        except OSError:
            self.closed = True

    def settle(self) -> None:
        """Read until the server owes nothing, has closed, or takes too long."""
        deadline = time.monotonic() + self._patience
        while not self.closed:
            owes = self.observer.turn is Turn.SERVER
            left = deadline - time.monotonic() if owes else _QUIET
            if left <= 0:
                self.late = True
                return
            if not self._read(left):
                self.late = self.late or (owes and not self.closed)
                return

    def wait_closed(self) -> bool:
        """Return whether the server closes the connection in time."""
        deadline = time.monotonic() + self._patience
        while not self.closed and time.monotonic() < deadline:
            self._read(max(0.01, deadline - time.monotonic()))
        return self.closed

    def heard(self) -> list[dict[str, Any]]:
        """Return the lines so far that nobody has taken yet, and forget them."""
        lines = [line_of(line) for line in self.observer.lines if line.side is Side.SERVER]
        self.observer.lines.clear()
        return lines

    def compress(self) -> None:
        """Compress from here on (RFC 4978)."""
        self._deflate, self._inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _read(self, seconds: float) -> bool:
        """Take what comes within so many seconds; False if nothing has, or the server has closed."""
        self._socket.settimeout(seconds)
        try:
            octets = self._socket.recv(_BLOCK)
        except TimeoutError:
            return False
        except OSError:
            octets = b""
        if not octets:
            self.closed = True
            self.observer.end()
            return False
        if self._inflate is not None:
            octets = self._inflate.decompress(octets)
        self.observer.take(Side.SERVER, octets, 0.0, tls=self._secure)
        return True
