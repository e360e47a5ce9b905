"""Sends one webhook: a POST over a connection of its own. No redirect is followed.

The name is resolved once, every address is checked, and the connection goes to the address that was checked, so that a
name cannot lead elsewhere between the two (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import cache
from typing import TYPE_CHECKING

import h11

from postroad_web.webhooks.hook import may_be_sent_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_web.webhooks.hook import Target

WITHIN = 15.0  # seconds for the whole exchange
HEAD = 16 << 10  # octets of an answer that are read; its body is not


class NotSentError(Exception):
    """A webhook was not sent, or not taken; the sentence says why."""


class ForbiddenError(NotSentError):
    """It would go where it may not."""


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def send(target: Target, headers: Mapping[str, str], body: bytes, *, anywhere: bool) -> int:
    """POST the body and return the answer's status; raises `NotSentError`.

    `anywhere`: to any address, and not only to those of this machine and of private networks.
    """
    try:
        async with asyncio.timeout(WITHIN):
            address = await _resolve(target, anywhere=anywhere)
            return await _exchange(target, address, headers, body)
    except TimeoutError:
        raise NotSentError(f"no answer in {WITHIN:g} s") from None
    except (OSError, h11.ProtocolError, EOFError, ssl.SSLError) as error:
        raise NotSentError(str(error) or type(error).__name__) from None


async def _resolve(target: Target, *, anywhere: bool) -> str:
    loop = asyncio.get_running_loop()
    entries = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in entries]
    if not anywhere and not all(map(may_be_sent_to, addresses)):
        raise ForbiddenError(f"{target.host} is not on this machine or a private network")
    return addresses[0]


async def _exchange(target: Target, address: str, headers: Mapping[str, str], body: bytes) -> int:
    tls = _tls() if target.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        address, target.port, ssl=tls, server_hostname=target.host if tls else None, limit=HEAD
    )
    try:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
        fields = [
            ("Host", target.authority),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("User-Agent", "Postroad"),
            ("Connection", "close"),
            *headers.items(),
        ]
        writer.write(http.send(h11.Request(method="POST", target=target.path, headers=fields)) or b"")
        writer.write(http.send(h11.Data(body)) or b"")
        http.send(h11.EndOfMessage())
        while True:
            event = http.next_event()
            if isinstance(event, h11.Response):
                return event.status_code
            if event is h11.NEED_DATA:
                if not (octets := await reader.read(HEAD)):
                    raise EOFError("the connection was closed before an answer came")
                http.receive_data(octets)
    finally:
        writer.transport.abort()
