"""What a message consists of: as it was sent, its texts, its header, its parts.

The content of a message is never shown with the rights of our own pages: it has a policy of its own, a sandbox without
scripts. A part has its own media type, except one that a browser would run: that part is application/octet-stream.
"""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from starlette.responses import Response
from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.fields import flag, given, query_of
from postroad_web.api.native.found import ID, Latest, content_from, record_from
from postroad_web.api.problem import Problem
from postroad_web.message.framed import framed
from postroad_web.message.parts import part_octets
from postroad_web.message.reader import read_message, read_part

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.message.parsed import Parsed

MAX_EMBEDDED = 16 << 20  # characters of images that are put into the HTML

_SANDBOX = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_OWN = "img-src data:; style-src 'unsafe-inline'; font-src data:"
_REMOTE = "img-src data: https: http:; style-src 'unsafe-inline' https: http:; font-src data: https: http:"
_CID = re.compile(r"\bcid:([^\s\"'()<>]+)", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\Z")
# Media types that a page could load as a script or a style sheet, wherever the page is from.
_RUNS = re.compile(r"script|wasm|css|xsl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw(Latest):
    """How the octets are given."""

    download: bool = given(flag(), "whether a browser saves them as a file", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Latest):
    """How the HTML is given."""

    remote: bool = given(flag(), "whether a browser may get images and styles from elsewhere", default=False)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def parsed_from(request: Request, latest: Latest) -> tuple[bytes, Parsed]:
        octets = await content_from(services, await record_from(services, request, latest))
        return octets, await read_message(octets)

    async def raw(request: Request) -> Response:
        asked = query_of(request, Raw)
        record = await record_from(services, request, asked)
        headers = _headers(f"{record.id}.eml", download=asked.download)
        return Response(await content_from(services, record), 200, headers, "message/rfc822")

    async def text_of(request: Request) -> Response:
        _, parsed = await parsed_from(request, query_of(request, Latest))
        return Response(_utf8(parsed.text), media_type="text/plain; charset=utf-8")

    async def html(request: Request) -> Response:
        asked = query_of(request, Shown)
        octets, parsed = await parsed_from(request, asked)
        if not parsed.html:
            raise Problem(404, "No HTML", "The message has no HTML part.")
        policy = f"{_SANDBOX}; {_REMOTE if asked.remote else _OWN}"
        shown = framed(await asyncio.to_thread(with_images, octets, parsed), remote=asked.remote)
        return Response(_utf8(shown), 200, {"Content-Security-Policy": policy}, "text/html; charset=utf-8")

    async def header(request: Request) -> Response:
        _, parsed = await parsed_from(request, query_of(request, Latest))
        pairs = zip(parsed.headers, parsed.raw_headers, strict=True)
        return json({"headers": [{"name": name, "value": value, "raw": sent.value} for (name, value), sent in pairs]})

    async def part(request: Request) -> Response:
        asked = query_of(request, Raw)
        octets, parsed = await parsed_from(request, asked)
        part_id = request.path_params["part"]
        part = parsed.part(part_id)
        if part is None:
            known = ", ".join(other.part_id for other in parsed.parts[:50])
            raise Problem(404, "No such part", f"The message has no part {part_id[:64]}; it has {known}.")
        kind = part.content_type
        if not _MEDIA_TYPE.match(kind) or _RUNS.search(kind):
            kind = "application/octet-stream"
        if kind.startswith("text/") and re.fullmatch(r"[a-z0-9_.:-]{1,40}", part.charset):
            kind += f"; charset={part.charset}"
        headers = _headers(part.filename or f"part-{part_id}", download=asked.download)
        return Response(await read_part(octets, part), 200, headers | {"Content-Type": kind})

    return [
        Route("/v1/messages/{id}/raw", raw),
        Route("/v1/messages/{id}/text", text_of),
        Route("/v1/messages/{id}/html", html),
        Route("/v1/messages/{id}/headers", header),
        Route("/v1/messages/{id}/parts/{part}", part),
    ]


def _headers(filename: str, *, download: bool) -> dict[str, str]:
    """Return header fields for octets of a stranger's; the file name in the form of RFC 8187 §3.2."""
    disposition = "attachment" if download else "inline"
    name = quote(_utf8(filename)[:255], safe="")
    return {
        "Content-Disposition": f"{disposition}; filename*=utf-8''{name}",
        "Content-Security-Policy": f"{_SANDBOX}; {_OWN}",
    }


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def with_images(octets: bytes, parsed: Parsed) -> str:
    """Return the HTML with the images that it embeds (RFC 2392 §2) as data URLs, up to `MAX_EMBEDDED` octets."""
    by_id = {part.content_id: part for part in parsed.parts if part.content_id}
    urls: dict[str, str] = {}
    room = MAX_EMBEDDED

    def url(match: re.Match[str]) -> str:
        nonlocal room
        part = by_id.get(unquote(match[1]))
        if part is None or not part.content_type.startswith("image/") or not _MEDIA_TYPE.match(part.content_type):
            return match[0]
        if part.part_id not in urls:
            data = base64.b64encode(part_octets(octets, part)).decode("ascii")
            urls[part.part_id] = f"data:{part.content_type};base64,{data}"
        shown = urls[part.part_id]
        room -= len(shown)  # each time: one image may be shown a million times
        return shown if room >= 0 else match[0]

    return _CID.sub(url, parsed.html)


_HEADERS = record(
    {
        "headers": {
            "type": "array",
            "items": record({"name": {"type": "string"}, "value": {"type": "string"}, "raw": {"type": "string"}}),
        }
    }
)
_ERRORS = (404, 410, 503)
OPENAPI = {
    "/v1/messages/{id}/raw": {
        "get": operation(
            "messages",
            "Read a message as it is",
            description="As it lies in a mailbox, or in the queue.",
            path=ID,
            query=Raw,
            media_type="message/rfc822",
            errors=_ERRORS,
        )
    },
    "/v1/messages/{id}/text": {
        "get": operation(
            "messages",
            "Read the text of a message",
            description="Made from the HTML if there is no other.",
            path=ID,
            query=Latest,
            media_type="text/plain",
            errors=_ERRORS,
        )
    },
    "/v1/messages/{id}/html": {
        "get": operation(
            "messages",
            "See the HTML of a message",
            description="In a sandbox: no scripts, and nothing from elsewhere unless `remote` is true. "
            "Embedded images are in it as data URLs.",
            path=ID,
            query=Shown,
            media_type="text/html",
            errors=_ERRORS,
        )
    },
    "/v1/messages/{id}/headers": {
        "get": operation(
            "messages",
            "Read the header of a message",
            description="Each field with its value decoded and as it was sent.",
            path=ID,
            query=Latest,
            answer=_HEADERS,
            errors=_ERRORS,
        )
    },
    "/v1/messages/{id}/parts/{part}": {
        "get": operation(
            "messages",
            "Read a part of a message",
            description="Its transfer encoding is undone.",
            path=ID | {"part": "the part's ID, such as 1.2"},
            query=Raw,
            media_type="*/*",
            errors=_ERRORS,
        )
    },
}
