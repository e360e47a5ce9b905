"""What every request passes before anything else looks at it, and every answer after: pure ASGI.

In this order: the Host field against DNS rebinding (`hosts`), the origin of what changes things, the password
(`passwords`), the world (`scope`), and the size of the body (`limits`). Every answer gets the headers that keep a
browser from running what is in it. An error that nobody foresaw becomes a 500 without details; these are in the log.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from postroad.control.quick import date
from postroad_web.api import hosts
from postroad_web.api.denied import Denied
from postroad_web.api.dialect import worded
from postroad_web.api.health import OPEN
from postroad_web.api.limits import Bodies, Incoming
from postroad_web.api.passwords import Passwords, user_of
from postroad_web.api.problem import Problem
from postroad_web.api.scope import beyond, select, settle, world_in

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from postroad_web.api.scope import Selected
    from postroad_web.api.services import Services

log = logging.getLogger(__name__)

# Of an answer that gives no policy of its own, be it JSON or somebody's attachment: nothing in it is run or loaded.
STRICT = "default-src 'none'; sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
# Of our own pages: they load what we have written, and nothing inline.
PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
# Of a message's HTML, wherever it is served as a page. `sandbox` without allow-scripts runs no script and sends no
# form. allow-same-origin lets its cid: images be loaded from here; without scripts it gives nobody anything.
MESSAGE = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "img-src 'self' data: http: https:; media-src 'self' data: http: https:; style-src 'unsafe-inline' http: https:; "
    "font-src data: http: https:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-dns-prefetch-control": "off",  # a look-up of a link's host would tell the sender that the message is read
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": STRICT,
    "cache-control": "no-store",
}
_ABSOLUTE = re.compile(rb"https?://([^/]*)(/.*)?", re.IGNORECASE | re.DOTALL)
HEAD = 32 << 10  # octets of a request's head
_FETCH = frozenset({b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"})


class Safety:
    """The middleware."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services
        settings = services.settings
        self._clock = services.clock
        self._further = frozenset(name.lower().removesuffix(".") for name in settings.web_hosts)
        self._passwords = Passwords(settings.web_auth, services.clock)
        self._denied = Denied(services.clock)
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one websocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if not scope["path"].startswith("/"):
            scope = _in_origin_form(scope)
        selected = select(scope, self._further)
        scope = selected.scope
        started = False
        incoming = Incoming(scope, receive)

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                started = True
                headers = _with_ours(message.get("headers", ()))
                # RFC 9110 §6.6.1. uvicorn's own is up to a second late, and clients take it for the time.
                headers.append((b"date", date(self._clock.now()).encode()))
                message = {**message, "headers": headers}
            elif message["type"] == "websocket.accept":
                started = True
            if message["type"] == "http.response.body" and not message.get("more_body", False) and incoming.unread:
                await send({**message, "more_body": True})
                await incoming.drain()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        try:
            problem = self._refusal(scope)
            if problem is None and scope["path"] not in OPEN:
                scope, problem = await self._in_its_world(selected)
            if problem is not None:
                self._denied.note(problem, scope)
                await _refuse(problem, scope, receive, answer)
            elif scope["type"] == "http":
                body = self._bodies.bounded(scope, incoming)
                try:
                    await self._app(scope, body, answer)
                finally:
                    body.let_go()
            else:
                await self._app(scope, receive, answer)
        except Problem as error:  # of the limits, before a handler was reached
            if not started:
                await _refuse(error, scope, receive, answer)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("a request failed", extra={"path": scope["path"]})
            if not started:
                problem = Problem(500, "Something went wrong here", "The service's log says what.")
                await _refuse(problem, scope, receive, answer)

    def _refusal(self, scope: Scope) -> Problem | None:
        """Return why the request is refused, or None."""
        if _size(scope) > HEAD:  # uvicorn only counts a head that comes in pieces
            return Problem(431, "The head of the request is too long", f"At most {HEAD} octets are taken.")
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not hosts.is_ours(host, self._further):
            return Problem(
                421,
                "This host is not known here",
                "The Host field names none of the names that this service answers to; POSTROAD_WEB_HOSTS adds some.",
            )
        # Of several fields of a name the first counts, as everywhere.
        fetch = {
            field[0].decode(): field[1].decode("latin-1") for field in reversed(scope["headers"]) if field[0] in _FETCH
        }
        websocket = scope["type"] == "websocket"
        refused = hosts.refused_origin(scope.get("method", "GET"), host, fetch, websocket=websocket) if fetch else None
        return Problem(403, "Refused for its origin", refused) if refused is not None else None

    async def _in_its_world(self, selected: Selected) -> tuple[Scope, Problem | None]:
        """Return the request with its world, or why it is refused: its user first, so that nobody tries out worlds."""
        authorization = Headers(scope=selected.scope).get("authorization")
        user, worlds = user_of(authorization), self._services.worlds
        is_of_world = user is not None and user not in self._passwords
        scope, missing = settle(selected, user if is_of_world else None, worlds)
        client = scope.get("client")
        refused = await self._passwords.refusal(
            authorization, client[0] if client else "", world_in(scope), worlds.password
        )
        if refused is None and is_of_world and self._passwords:
            refused = beyond(scope)
        return scope, refused or missing


def _in_origin_form(scope: Scope) -> Scope:
    """Return a request whose target is a whole URL as one with a path: the URL's host counts (RFC 9112 §3.2.2)."""
    match = _ABSOLUTE.fullmatch(scope["raw_path"])
    if match is None:
        return scope
    path = match[2] or b"/"
    headers = [*(pair for pair in scope["headers"] if pair[0] != b"host"), (b"host", match[1])]
    return {**scope, "path": unquote(path.decode("ascii", "replace")), "raw_path": path, "headers": headers}


def _size(scope: Scope) -> int:
    """Return about how many octets the head of a request has."""
    fields = sum(len(name) + len(value) for name, value in scope["headers"])
    return fields + len(scope["query_string"]) + len(scope["path"])


def _with_ours(headers: Any) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those of ours that it lacks."""
    given = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in _ENCODED if pair[0] not in given)]


_ENCODED = [(name.encode(), value.encode()) for name, value in _ALWAYS.items()]


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the problem. A websocket that can't be refused by an answer is closed, which is a 403."""
    path: str = scope["path"]
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    await worded(path, problem)(scope, receive, send)
