"""Requests and responses in the very form that our own client and door give them: read and written at once.

Nearly all that passes a door has this form and comes in one piece. An exchange takes 60 µs of processor time then, both
ends together, and 245 µs by h11, which reads whatever else HTTP/1.1 allows. Nothing here is lenient: one octet that is
not as expected, and the exchange is h11's. RFC 9112 §2.1, §3, §4, §6.2.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_REQUEST = re.compile(
    rb"([A-Z]{3,7}) (/[!-~]{0,4096}) HTTP/1\.1\r\nHost: [!-~]{1,255}\r\nAuthorization: Bearer ([!-~]{1,255})\r\n"
    rb"Content-Length: ([0-9]{1,8})\r\n\r\n"
)
_RESPONSE = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) \r\nDate: [ -~]{29}\r\nContent-Type: [!-~]{1,255}\r\nContent-Length: ([0-9]{1,8})\r\n"
    rb"((?:Postroad-[A-Za-z]{1,32}: [0-9]{1,20}\r\n){0,8})\r\n"
)


class Whole(NamedTuple):
    """A request with all of its body."""

    method: str
    target: str
    token: bytes
    body: bytes


class Begun(NamedTuple):
    """The head of a response, and how many octets it and its body have."""

    status: int
    headers: dict[bytes, bytes]  # the further ones, in lower case
    head: int
    length: int


def request(method: str, target: str, host: str, token: str, length: int) -> bytes:
    """Return the head of a request, whose target has printable ASCII alone."""
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode("ascii")


def read_request(octets: bytes) -> Whole | None:
    """Return the request that these octets are, and nothing less or more; else None."""
    match = _REQUEST.match(octets)
    if match is None:
        return None
    method, target, token, length = match.groups()
    if len(octets) != match.end() + int(length):
        return None
    return Whole(method.decode("ascii"), target.decode("ascii"), token, octets[match.end() :])


def response(status: int, now: float, content_type: str, length: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the head of a response; `now` is in seconds since the epoch."""
    further = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (
        f"HTTP/1.1 {status} \r\nDate: {date(now)}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n"
        f"{further}\r\n"
    ).encode("ascii")


def begin_response(octets: bytes | bytearray) -> Begun | None:
    """Return the response that begins these octets, None if it is not all there or of another form."""
    match = _RESPONSE.match(octets)
    if match is None:
        return None
    status, length, further = match.groups()
    headers = dict(line.lower().split(b": ") for line in further.splitlines())
    return Begun(int(status), headers, match.end(), int(length))


def date(now: float) -> str:
    """Return an HTTP-date (RFC 9110 §5.6.7); `now` is in seconds since the epoch."""
    return _date(int(now))


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
