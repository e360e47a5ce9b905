"""The gate before a control door: looks at the first octets of a client before a connection is made for it.

A connection with its transport costs ten times what this look costs, so a client that brings its request without the
right token at once, as all do that flood a door with requests or rubbish, is answered and closed here.
"""

from __future__ import annotations

import hmac
import re
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

FIRST = 4 << 10  # octets of the first look
UNAUTHORIZED = "the token is missing or wrong"

_BODY = b'{"error":"%s"}' % UNAUTHORIZED.encode()
# RFC 9110 §15.5.2: the response says how to authenticate.
_HEAD = (
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(_BODY)}\r\nConnection: close\r\nDate: "
).encode()
_BEARER = re.compile(rb"bearer +([^ ]+) *", re.IGNORECASE)  # RFC 6750 §2.1; RFC 9110 §11.1: in any case
_FIELD = re.compile(rb"\r?\nauthorization:[ \t]*bearer +([^ \r\n]+) *\r?\n", re.IGNORECASE)
_END = re.compile(rb"\n\r?\n")  # RFC 9112 §2.2: a lone LF may end a line


class Gate:
    """The token, and the comparison of requests with it."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def opens_to(self, fields: Sequence[tuple[bytes, bytes]]) -> bool:
        """Return whether a request has the token, compared in constant time."""
        given = [value for name, value in fields if name == b"authorization"]
        match = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        return self.is_token(match[1] if match is not None else b"")

    def may_open_to(self, first: bytes) -> bool:
        """Return whether the first octets of a client have the token; the request itself is still to be checked."""
        match = _FIELD.search(first)
        return match is not None and self.is_token(match[1])

    def is_token(self, token: bytes) -> bool:
        """Return whether this is the token, compared in constant time."""
        return hmac.compare_digest(token, self._token)


def first_octets(sock: socket.socket) -> bytes | None:
    """Return what a client has sent so far, nothing if that is still to come, or None if it has gone."""
    try:
        return sock.recv(FIRST) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


def is_whole(first: bytes) -> bool:
    """Return whether the head of a request is there, or what is no request ends like one, or it is too long."""
    return len(first) >= FIRST or _END.search(first) is not None


def turn_away(sock: socket.socket, now: float) -> None:
    """Answer a client that has no token, and close."""
    with suppress(OSError):
        sock.send(b"%s%s\r\n\r\n%s" % (_HEAD, formatdate(now, usegmt=True).encode(), _BODY))
    sock.close()
