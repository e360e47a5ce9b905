"""The client for asyncio. Each request has a connection of its own, so nothing outlives an event loop.

It speaks HTTP/1.0: the answer ends with the connection (RFC 9112 §9.3), and a request that is cancelled is seen by the
server at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from postroad_kit.errors import Away, PostroadError
from postroad_kit.http.call import Place
from postroad_kit.http.wire import read_answer, request_of

if TYPE_CHECKING:
    from postroad_kit.http.call import Call

T = TypeVar("T")

ELSEWHERE = "this client needs asyncio, which does not run here: let anyio's fixture anyio_backend return 'asyncio'"


class AsyncClient:
    """Asks the API at a URL."""

    def __init__(self, url: str) -> None:
        self.place = Place.of(url)

    async def ask(self, call: Call[T], *, world: str | None = None) -> T:
        """Return what the API answers; raises `Away`, `Refused`, a `MailError`, and without asyncio `PostroadError`."""
        __tracebackhide__ = True
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise PostroadError(ELSEWHERE) from None
        try:
            async with asyncio.timeout(call.timeout):
                octets = await self._exchange(request_of(self.place, call, world, "1.0"))
            answer = read_answer(BytesIO(octets).read)
        except (OSError, ValueError) as error:
            raise Away(self.place.url, error or type(error).__name__) from error
        return call.result(answer.status, answer.body)

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
