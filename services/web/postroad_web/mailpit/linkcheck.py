"""The link check: whether the links of a message lead somewhere. It sends HEAD requests to what a stranger has written.

So it is off unless POSTROAD_LINK_CHECK is on, and it connects only to addresses of the public Internet. It is the
address that is checked, and the connection goes to that very address: a name that leads elsewhere a moment later (DNS
rebinding) gets nothing from it. Each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

import h11

from postroad_web.mailpit.addresses import is_private, is_public
from postroad_web.message.markup import TOKEN, attributes_of
from postroad_web.message.parse import MAX_MARKUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from urllib.parse import SplitResult

    from postroad_web.message.parsed import Parsed

MOST_LINKS = 100
AT_ONCE = 5
WITHIN = 10.0  # seconds, for one link
MOST_REDIRECTS = 10
_MOST_HEAD = 16 << 10  # octets of a response's head
BLOCKED = "Blocked private/reserved address"
OFF = "not checked: POSTROAD_LINK_CHECK is off"


class Blocked(Exception):  # noqa: N818 - an outcome
    """A link leads to an address that is not to be connected to."""


class Found(NamedTuple):
    """What is known of one link."""

    url: str
    code: int  # 0: no answer
    status: str


def links_of(parsed: Parsed) -> list[str]:
    """Return the links of a message, each once: of its HTML, then of its text."""
    urls = [*_of_markup(parsed.html[:MAX_MARKUP]), *(link.url for link in parsed.links if link.source == "text")]
    return [url for url in dict.fromkeys(urls) if url.lower().startswith(("http://", "https://"))][:MOST_LINKS]


def _of_markup(html: str) -> Iterator[str]:
    for match in TOKEN.finditer(html):
        name = (match[3] or "").lower()
        if match[2] or name not in {"a", "area", "img", "link"}:
            continue
        attributes = attributes_of(match[4])
        if name == "link" and "stylesheet" not in attributes.get("rel", "").lower().split():
            continue
        yield attributes.get("src" if name == "img" else "href", "").strip()


def answer(links: Iterable[Found]) -> dict[str, Any]:
    """Return the answer's JSON."""
    known = list(links)
    return {
        "Errors": sum(1 for link in known if link.code == 0 or link.code >= 400),
        "Links": [{"URL": link.url, "StatusCode": link.code, "Status": link.status} for link in known],
    }


def unchecked(urls: Iterable[str]) -> list[Found]:
    """Return what is known of the links without a request."""
    return [Found(url, 451, BLOCKED) if is_private(_host(url)) else Found(url, 0, OFF) for url in urls]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def check(urls: Iterable[str], *, follow: bool, trusted: ssl.SSLContext | None = None) -> list[Found]:
    """Ask for each link, a few at a time."""
    turns = asyncio.Semaphore(AT_ONCE)
    context = trusted or ssl.create_default_context()

    async def in_turn(url: str) -> Found:
        async with turns:
            return await _checked(url, context, follow=follow)

    return list(await asyncio.gather(*map(in_turn, urls)))


async def _checked(url: str, context: ssl.SSLContext, *, follow: bool) -> Found:
    try:
        async with asyncio.timeout(WITHIN):
            at = url
            for _ in range(MOST_REDIRECTS + 1):
                code, location = await _head(at, context)
                if not (follow and 300 <= code < 400 and location):
                    return Found(url, code, _phrase(code))
                at = urljoin(at, location)
            return Found(url, 0, "too many redirects")
    except Blocked:
        return Found(url, 451, BLOCKED)
    except TimeoutError:
        return Found(url, 0, f"no answer in {WITHIN:g} s")
    except (OSError, ValueError, h11.RemoteProtocolError) as error:  # ssl.SSLError is an OSError
        return Found(url, 0, str(error) or type(error).__name__)


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


async def _head(url: str, context: ssl.SSLContext) -> tuple[int, str]:
    """Send one HEAD request; return the status and the Location."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an HTTP URL")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await resolved(parts.hostname, port)
    encrypted = {"ssl": context, "server_hostname": parts.hostname} if parts.scheme == "https" else {}
    reader, writer = await asyncio.open_connection(address, port, **encrypted)  # type: ignore[arg-type]
    try:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        writer.write(http.send(_request(parts)) or b"")
        http.send(h11.EndOfMessage())
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(4096))
            elif isinstance(event, h11.Response):
                location = next((value for name, value in event.headers if name == b"location"), b"")
                return event.status_code, location.decode("latin-1")
            elif not isinstance(event, h11.InformationalResponse):
                raise OSError("the connection was closed")
    finally:
        writer.transport.abort()


def _request(parts: SplitResult) -> h11.Request:
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    host = parts.netloc.rpartition("@")[2]
    named = host if host.isascii() else host.encode("idna").decode("ascii")
    headers = [("Host", named), ("User-Agent", "Postroad link check")]
    return h11.Request(method="HEAD", target=_quoted(target), headers=headers)


def _quoted(target: str) -> bytes:
    """Return a target in which no octet ends the line, or is none of a URL."""
    return b"".join(
        b"%c" % octet if 32 < octet < 127 else b"%%%02X" % octet for octet in target.encode("utf-8", "replace")
    )


async def resolved(host: str, port: int) -> str:
    """Return an address of the host; raises `Blocked` if any of its addresses is not public."""
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in entries]
    if not addresses or not all(map(is_public, addresses)):
        raise Blocked
    return addresses[0]
