"""The octets of HTTP: a request as it is sent, and an answer as it is read (RFC 9112). Both clients use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_kit.http.call import Call, Place

LONGEST_LINES = 65_536  # octets until an answer's header section, or a line of a chunk, must have ended


class Answer(NamedTuple):
    """An answer. `kept` is whether the server takes another request on the connection (RFC 9112 §9.3)."""

    status: int
    body: bytes
    kept: bool


def request_of(place: Place, call: Call[Any], world: str | None, version: str) -> bytes:
    """Return the octets of a request in HTTP "1.0" or "1.1"; raises `ValueError` if a field has a line end in it."""
    body, _ = call.body()
    lines = [f"{call.method} {place.prefix}{call.target} HTTP/{version}"]
    lines += [f"{name}: {value}" for name, value in place.headers(world, call).items()]
    head = "\r\n".join(lines)
    if head.count("\r") + head.count("\n") != 2 * (len(lines) - 1):
        raise ValueError("a world's ID, a path or a user name has a line end in it")
    return f"{head}\r\n\r\n".encode() + (body or b"")


def read_answer(receive: Callable[[], bytes]) -> Answer:
    """Read an answer, whose octets `receive` returns piece by piece, and nothing at their end.

    Raises `ValueError` if it is no HTTP or cut off, and what `receive` raises.
    """
    incoming = _Incoming(receive)
    status = 100
    while 100 <= status < 200:  # interim answers come before the one that counts (RFC 9110 §15.2)
        version, status, fields = _head(incoming.until(b"\r\n\r\n"))
    size = fields.get("content-length")
    kept = version == "HTTP/1.1" and fields.get("connection", "").lower() != "close"
    if status in {204, 304}:  # no body, whatever the fields say (RFC 9112 §6.3)
        body = b""
    elif fields.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(incoming)
    elif size is not None:
        body = incoming.exactly(_number(size, 10))
    else:
        body, kept = incoming.rest(), False
    return Answer(status, body, kept)


def _head(octets: bytes) -> tuple[str, int, dict[str, str]]:
    start, *lines = octets.decode("latin-1").split("\r\n")
    version, _, rest = start.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("the answer is no HTTP")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return version, _number(rest[:3], 10), fields


def _unchunked(incoming: _Incoming) -> bytes:
    """Return the content of a chunked body (RFC 9112 §7.1); its trailer section is read and dropped."""
    pieces = []
    while size := _number(incoming.until(b"\r\n").split(b";", 1)[0].decode("latin-1"), 16):
        pieces.append(incoming.exactly(size + 2)[:-2])
    while incoming.until(b"\r\n"):
        pass
    return b"".join(pieces)


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        number = -1
    if number < 0:
        raise ValueError(f"the answer is no HTTP: {text!r} is no number")
    return number


class _Incoming:
    """What has come and is not read yet."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._octets = b""

    def until(self, end: bytes) -> bytes:
        """Return the octets before the next `end`, which is dropped."""
        while True:
            before, separator, after = self._octets.partition(end)
            if separator:
                self._octets = after
                return before
            if len(self._octets) > LONGEST_LINES:
                raise ValueError("the answer is no HTTP: its lines do not end")
            self._octets += self._more("no HTTP, or is cut off")

    def exactly(self, size: int) -> bytes:
        """Return the next octets, this many."""
        pieces, have = [self._octets], len(self._octets)
        while have < size:
            pieces.append(self._more(f"cut off: {have} octets of {size}"))
            have += len(pieces[-1])
        octets = b"".join(pieces)
        self._octets = octets[size:]
        return octets[:size]

    def rest(self) -> bytes:
        """Return all octets until the end."""
        pieces = [self._octets]
        while more := self._receive():
            pieces.append(more)
        return b"".join(pieces)

    def _more(self, otherwise: str) -> bytes:
        octets = self._receive()
        if not octets:
            raise ValueError(f"the answer is {otherwise}")
        return octets
