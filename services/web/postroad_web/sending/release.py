"""Release: a message goes to a real server, and so out of Postroad's world, if POSTROAD_RELEASE names one."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from postroad.smtp.client.login import with_login
from postroad.smtp.extensions import EXTENSIONS
from postroad_web.sending.transaction import AwayError, Server, send, transaction_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad.clock import Clock
    from postroad_web.sending.transaction import Answer

_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION = 587  # where there is a login (RFC 6409 §3.1)
_RETURN_PATH = re.compile(rb"\A(?:return-path|delivered-to)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE)


def released_content(content: bytes) -> bytes:
    """Return a message without the fields that final delivery put in front (RFC 5321 §4.4)."""
    while match := _RETURN_PATH.match(content):
        content = content[match.end() :]
    return content


async def release(
    url: str,
    *,
    sender: str,
    recipients: Sequence[str],
    content: bytes,
    hostname: str,
    clock: Clock,
    tls: ssl.SSLContext | None = None,
    may: Callable[[str], bool] | None = None,
) -> list[Answer]:
    """Send a message to the server that a URL names, in the setting's form; return what it said of each recipient.

    `may` says whether an IP address may be sent to, where it was not the setting that named the server. TLS is used
    where the server offers it, and its certificate is checked against the system's authorities, or by `tls`. Raises
    `EnvelopeError`, `AwayError` and `RefusedError` (`transaction`).
    """
    content = released_content(content)
    transaction = transaction_of(sender, recipients, content)
    server = await _server(url, tls or ssl.create_default_context())
    if may is not None and not may(str(server.address)):
        raise AwayError(f"{server} is not on this machine or a private network, and POSTROAD_RELEASE names another")
    return await send(server, transaction, content, hostname=hostname, clock=clock)


async def _server(url: str, tls: ssl.SSLContext) -> Server:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (_SUBMISSION if parts.username and parts.scheme == "smtp" else _PORTS[parts.scheme])
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AwayError(f"{host} has no address: {error}") from error
    login = parts.username
    return Server(
        host,
        ipaddress.ip_address(entries[0][4][0]),
        port,
        tls=tls,
        implicit_tls=parts.scheme == "smtps",
        extensions=with_login(unquote(login), unquote(parts.password or "")) if login else EXTENSIONS,
    )
