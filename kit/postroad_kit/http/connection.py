"""One connection of the client that blocks, and HTTP/1.1 on it (RFC 9112).

Python's `http.client` reads the head of each answer with the parser of e-mail, which takes longer than all the rest.
This one needs of a head no more than its status, and where the body ends.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader

    from postroad_kit.http.call import Place

LINE = 64 << 10  # octets of a line of a head
FIELDS = 200  # lines of a head


class BadAnswer(Exception):  # noqa: N818 - what a server has said
    """What came is no answer of HTTP, or ends before its end."""


class Connection:
    """A connection to a place. All methods raise `OSError`."""

    def __init__(self, place: Place, timeout: float) -> None:
        sock = socket.create_connection((place.host, place.port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if place.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=place.host)
        self.socket = sock
        self._answers: BufferedReader = sock.makefile("rb")

    def close(self) -> None:
        """Close it."""
        self._answers.close()
        self.socket.close()

    def exchange(self, request: bytes, timeout: float) -> tuple[int, bytes, bool]:
        """Send a request; return the status, the body, and whether another request may follow. Raises `BadAnswer`."""
        self.socket.settimeout(timeout)
        self.socket.sendall(request)
        while True:
            version, _, rest = self._line().partition(b" ")
            if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
                raise BadAnswer("the answer is no HTTP, or is cut off")
            status, fields = int(rest[:3]), self._fields()
            if status >= 200:  # RFC 9110 §15.2: others come before it
                break
        kept = version == b"HTTP/1.1" and fields.get(b"connection", b"").lower() != b"close"
        # RFC 9112 §6.3
        if status in {204, 304}:
            return status, b"", kept
        if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
            return status, self._chunks(), kept
        length = fields.get(b"content-length")
        if length is None:
            return status, self._answers.read(), False
        return status, self._octets(_number(length, 10)), kept

    def _line(self) -> bytes:
        line = self._answers.readline(LINE)
        if not line.endswith(b"\n"):
            raise BadAnswer("the answer is cut off")
        return line.rstrip(b"\r\n")

    def _fields(self) -> dict[bytes, bytes]:
        """Return the fields of a head, whose names are in lower case."""
        fields: dict[bytes, bytes] = {}
        for _ in range(FIELDS):
            line = self._line()
            if not line:
                return fields
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        raise BadAnswer("the head of the answer has no end")

    def _octets(self, length: int) -> bytes:
        octets = self._answers.read(length)
        if len(octets) != length:
            raise BadAnswer(f"the answer is cut off: {len(octets)} octets of {length}")
        return octets

    def _chunks(self) -> bytes:
        """Return a body that comes in chunks (RFC 9112 §7.1)."""
        chunks = []
        while length := _number(self._line().partition(b";")[0], 16):
            chunks.append(self._octets(length))
            self._line()
        self._fields()
        return b"".join(chunks)


def _number(text: bytes, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise BadAnswer("the answer does not say how long it is") from None
