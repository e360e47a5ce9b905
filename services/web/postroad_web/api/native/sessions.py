"""Sessions: what was said by SMTP, POP3, IMAP and ManageSieve, line by line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from postroad.transcript.dialogue import dialogue_of
from postroad_web.api.answer import json
from postroad_web.api.describe import listed, operation, record
from postroad_web.api.fields import given, line, one_of, query_of, whole
from postroad_web.api.native.shapes import MAYBE_TIME, TIME, time
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of
from postroad_web.catalog.catalog import ContentGone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

PROTOCOLS = ("smtp", "lmtp", "imap", "pop3", "managesieve", "dns")
SERVICES = ("dns", "relay", "store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which sessions."""

    before: str | None = given(line(most=100), "the cursor of the page, which the page before it gave", default=None)
    limit: int = given(whole(1, 500), "the most sessions of a page", default=50)
    service: str | None = given(one_of(*SERVICES), "only those that this service has heard", default=None)
    protocol: str | None = given(one_of(*PROTOCOLS), "only those of this protocol", default=None)
    peer: str | None = given(line(most=100), "only those with this address, or address:port", default=None)
    account: str | None = given(line(most=320), "only those that have logged in so", default=None)
    message: str | None = given(
        line(most=64), "only those that have carried or read this message, by its ID", default=None
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    directory = services.sessions

    async def sessions(request: Request) -> Response:
        which = query_of(request, Which)
        message = None
        if which.message is not None:
            message = services.view(request).get(which.message)
            if message is None:
                raise Problem(404, "No such message", f"There is no message {which.message}.")
        page, cursor, away = await directory.page(
            world_of(request),
            before=which.before,
            limit=which.limit,
            service=which.service,
            message=message,
            protocol=which.protocol,
            peer=which.peer,
            account=which.account,
        )
        return json({"sessions": [shown(session) for session in page], "next": cursor, "away": away})

    async def session(request: Request) -> Response:
        return json(shown(await _of(request)))

    async def dialogue(request: Request) -> Response:
        session = await _of(request)
        contents = await _contents(session)

        def content(line: Mapping[str, Any]) -> bytes | None:
            return contents.get(line["n"])

        return PlainTextResponse(dialogue_of(session | {"began": time(session["began"])}, content))

    async def _of(request: Request) -> dict[str, Any]:
        ident = request.path_params["id"]
        session = await directory.find(ident, world_of(request))
        if session is None:
            raise Problem(404, "No such session", f"There is no session {ident[:64]}, or no more.")
        return session

    async def _contents(session: Mapping[str, Any]) -> dict[int, bytes]:
        """Return what the client has sent as content, by line, as far as it is what the message is now."""
        contents: dict[int, bytes] = {}
        for fact in session["facts"]:
            carried = [line for line in session["lines"] if line["n"] > fact["line"] and "reference" in line]
            if "read" in fact or not carried or not fact["messages"]:
                continue
            try:
                kept = await services.catalog.content(fact["messages"][0])
            except ContentGone:
                continue
            octets = _as_sent(kept, carried[0]["reference"])
            if octets is not None:
                contents[carried[0]["n"]] = octets
        return contents

    return [
        Route("/v1/sessions", sessions),
        Route("/v1/sessions/{id}", session),
        Route("/v1/sessions/{id}/dialogue", dialogue),
    ]


def _as_sent(octets: bytes, reference: Mapping[str, Any]) -> bytes | None:
    """Return what the client has sent: the end of the message, in front of which trace fields were put since.

    None if it is not there any more as it was.
    """
    size = reference["size"]
    sent = octets[len(octets) - size :] if size <= len(octets) else b""
    return sent if hashlib.sha256(sent).hexdigest() == reference["sha256"] else None


def shown(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session as the API shows it."""
    value = {name: item for name, item in session.items() if name not in {"changed", "worlds"}}
    value["began"], value["ended"] = time(session["began"]), time(session["ended"])
    if "lines" in session:
        value["lines"] = [entry | {"at": time(entry["at"])} for entry in session["lines"]]
    return value


_TEXT = {"type": "string"}
_SESSION: dict[str, Any] = {
    "id": _TEXT,
    "service": {"type": "string", "enum": list(SERVICES)},
    "protocol": {"type": "string", "enum": list(PROTOCOLS)},
    "peer": {"type": "string", "description": "address:port of the other side"},
    "local": {"type": "string", "description": "address:port of ours"},
    "outbound": {"type": "boolean", "description": "whether we are the client"},
    "began": TIME,
    "ended": MAYBE_TIME,
    "tls": {"type": "boolean", "description": "whether any of it was inside TLS"},
    "account": {"type": ["string", "null"], "description": "as which the client has logged in"},
    "world": _TEXT,
    "messages": {
        "type": "array",
        "items": _TEXT,
        "description": "the IDs of the messages that it has carried or read",
    },
}
_REFERENCE = record({"size": {"type": "integer"}, "sha256": {"type": ["string", "null"]}})
_LINE = {
    **record(
        {
            "n": {"type": "integer", "description": "its number; numbers that are missing are of no record any more"},
            "at": TIME,
            "from": {"type": "string", "enum": ["client", "server"]},
            "text": {"type": "string", "description": "without CRLF; {?name} is in place of a secret"},
            "tls": {"type": "boolean"},
            "state": {"type": "string", "description": "of the protocol"},
        }
    ),
}
_LINE["properties"] |= {
    "transaction": {"type": "integer", "description": "of SMTP: the mail transaction that it belongs to"},
    "blank": {"type": "boolean", "description": "whether there was a secret"},
    "whole": {"type": "boolean", "description": "false: no CRLF has ended it"},
    "reference": {**_REFERENCE, "description": "content in place of text"},
}
_FACT = {
    **record({"line": {"type": "integer"}, "messages": {"type": "array", "items": _TEXT}}),
}
_FACT["properties"] |= {"read": {"type": "object", "description": "account, mailbox, uid_validity, uids"}}
SCHEMAS = {
    "SessionSummary": record(_SESSION),
    "Session": record(
        _SESSION
        | {
            "omitted": {"type": "integer", "description": "octets that are not on record any more, about"},
            "facts": {"type": "array", "items": _FACT, "description": "which lines are about which messages"},
            "lines": {"type": "array", "items": _LINE},
        }
    ),
}
_ID = {"id": "the session's ID"}
OPENAPI: dict[str, Any] = {
    "/v1/sessions": {
        "get": operation(
            "sessions",
            "List sessions",
            description=(
                "The newest first. The answer's `next` is the cursor of the next page: give it as `before`. `away` "
                "names services that could not be asked. New sessions, and what becomes of them, come as events of "
                "the kind `session` (/v1/events)."
            ),
            query=Which,
            answer=listed(
                {"$ref": "#/components/schemas/SessionSummary"},
                "sessions",
                _TEXT,
                away={"type": "array", "items": _TEXT},
            ),
            errors=(404,),
        )
    },
    "/v1/sessions/{id}": {
        "get": operation(
            "sessions",
            "Read a session",
            description="With all that was said. Secrets are blanked; contents are named by size and hash.",
            path=_ID,
            answer={"$ref": "#/components/schemas/Session"},
            errors=(404, 503),
        )
    },
    "/v1/sessions/{id}/dialogue": {
        "get": operation(
            "sessions",
            "Read a session as a dialogue",
            description="`postroad replay` plays it. A secret has a name, as in {?password}, for which replay asks.",
            path=_ID,
            media_type="text/plain",
            errors=(404, 503),
        )
    },
}
