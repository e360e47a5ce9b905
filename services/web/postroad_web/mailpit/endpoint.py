"""One path of Mailpit's API: its methods, its rules for other origins, its errors in plain text, its compression.

Go's mux answers HEAD as GET, and other methods with 405 and a list of those that there are. Errors are a line of text.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from postroad.control.client import DoorAway, DoorRefused
from postroad_web.api.problem import Problem
from postroad_web.api.scope import prefix_of, world_of
from postroad_web.catalog.catalog import ContentGone
from postroad_web.mailpit import gojson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from postroad_web.mailpit.mailbox import Mailbox, Mailboxes

    Handler = Callable[["Call"], Awaitable[Response]]

log = logging.getLogger(__name__)

COMPRESSED = 1400  # octets: what fits one packet is sent as it is
_LEVEL = 1  # a list of 50 takes 0.2 ms
_LONG = 256 << 10  # octets that are compressed in a thread
_TEXT = "text/plain; charset=utf-8"
NOT_FOUND = "404 page not found"


class Refused(Exception):  # noqa: N818 - an answer
    """The request is refused, with this status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Call:
    """A request, and the mailbox that it is about."""

    __slots__ = ("mailbox", "request")

    def __init__(self, request: Request, mailbox: Mailbox) -> None:
        self.request = request
        self.mailbox = mailbox

    @property
    def prefix(self) -> str:
        """What the paths of URLs in the answer begin with."""
        return prefix_of(self.request)

    def parameter(self, name: str) -> str:
        """Return a parameter of the query, "" by default; of several the first counts."""
        values = self.request.query_params.getlist(name)
        return values[0] if values else ""

    def segment(self, name: str) -> str:
        """Return a segment of the path."""
        return str(self.request.path_params[name])

    async def struct(self) -> gojson.Struct:
        """Return the body's JSON, whatever its Content-Type; raises the errors of `gojson`."""
        return gojson.decode(await self.request.body())


def ok() -> Response:
    """Return what Mailpit answers to a change."""
    return Response("ok", headers={"Content-Type": "text/plain"})


def json(value: Any, status: int = 200) -> Response:
    """Return JSON."""
    return Response(gojson.encode(value), status, headers={"Content-Type": "application/json"})


def text(value: str, status: int = 200) -> Response:
    """Return plain text."""
    return Response(value.encode("utf-8", "replace"), status, headers={"Content-Type": _TEXT})


class Endpoint:
    """The ASGI application of a path."""

    def __init__(self, mailboxes: Mailboxes, methods: Mapping[str, Handler]) -> None:
        self._mailboxes = mailboxes
        self._methods = {**methods, **({"HEAD": methods["GET"]} if "GET" in methods else {})}
        self._allowed = ", ".join(sorted({*self._methods, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = self._foreign(request) or await self._answer(request)
        origin = request.headers.get("origin")
        if origin and response.status_code != 403:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE, PUT, OPTIONS"
            response.headers["Access-Control-Allow-Headers"] = "*"
            response.headers["Vary"] = "Origin"
        await _compress(request, response)
        await response(scope, receive, send)

    def _foreign(self, request: Request) -> Response | None:
        """Refuse what a page of another host asks for."""
        origin = request.headers.get("origin")
        if not origin:
            return None
        host = urlsplit(origin).netloc.lower()
        return None if host == request.headers.get("host", "").lower() else text("Blocked due to CORS violation", 403)

    async def _answer(self, request: Request) -> Response:
        handler = self._methods.get(request.method)
        if handler is None:
            if request.method == "OPTIONS":
                return Response(headers={"Content-Type": "text/plain"})
            return Response("Method Not Allowed\n", 405, headers={"Allow": self._allowed, "Content-Type": _TEXT})
        try:
            return await handler(Call(request, self._mailboxes.of(world_of(request))))
        except Refused as refused:
            return text(refused.text, refused.status)
        except gojson.BadJsonError as error:
            return text(str(error), 400)
        except gojson.TooManyValuesError as error:
            return text(str(error), 413)
        except ContentGone as gone:
            return text(str(gone), 404)
        except DoorAway as away:
            return text(str(away), 503)
        except DoorRefused as refused:
            return text(refused.sentence, refused.status)
        except Problem as problem:  # of the limits, while the body was read
            return text(problem.detail or problem.title, problem.status)
        except ClientDisconnect:
            return Response(status_code=400)


async def _compress(request: Request, response: Response) -> None:
    body = bytes(response.body)
    if len(body) < COMPRESSED or "content-encoding" in response.headers:
        return
    accepted = request.headers.get("accept-encoding", "")
    kind = response.headers.get("content-type", "")
    if "gzip" not in accepted or not kind.startswith(("application/json", "text/")):
        return
    if len(body) < _LONG:
        response.body = gzip.compress(body, _LEVEL, mtime=0)
    else:
        response.body = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    response.headers.add_vary_header("Accept-Encoding")
