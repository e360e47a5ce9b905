"""The client for asyncio. Each request has a connection of its own, so nothing outlives an event loop.

It speaks HTTP/1.0: the answer ends with the connection (RFC 9112 §9.3), and a request that is cancelled is seen by the
server at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TypeVar

from postroad_kit.errors import Away
from postroad_kit.http.call import Place

if TYPE_CHECKING:
    from postroad_kit.http.call import Call

T = TypeVar("T")


class AsyncClient:
    """Asks the API at a URL."""

    def __init__(self, url: str) -> None:
        self.place = Place.of(url)

    async def ask(self, call: Call[T], *, world: str | None = None) -> T:
        """Return what the API answers; raises `Away`, `Refused` or a `MailError`."""
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(call.timeout):
                octets = await self._exchange(request_of(self.place, call, world))
            status, body = answer_of(octets)
        except (OSError, ValueError) as error:
            raise Away(self.place.url, error or type(error).__name__) from error
        return call.result(status, body)

    async def _exchange(self, request: bytes) -> bytes:
        secure = True if self.place.scheme == "https" else None
        reader, writer = await asyncio.open_connection(self.place.host, self.place.port, ssl=secure)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def request_of(place: Place, call: Call[T], world: str | None) -> bytes:
    """Return the octets of a request; raises `ValueError` if a line of its head has a line end in it."""
    body, _ = call.body()
    lines = [f"{call.method} {place.prefix}{call.target} HTTP/1.0"]
    lines += [f"{name}: {value}" for name, value in place.headers(world, call).items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a world's ID, a path or a user name has a line end in it")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def answer_of(octets: bytes) -> tuple[int, bytes]:
    """Return status and body of an answer; raises `ValueError` if it is cut off or no HTTP."""
    head, found, body = octets.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    version, _, rest = status.partition(" ")
    if not found or not version.startswith("HTTP/1."):
        raise ValueError("the answer is no HTTP, or is cut off")
    for field in fields:
        name, _, value = field.partition(":")
        if name.lower() == "content-length" and int(value) != len(body):
            raise ValueError(f"the answer is cut off: {len(body)} octets of {value.strip()}")
    return int(rest[:3]), body
