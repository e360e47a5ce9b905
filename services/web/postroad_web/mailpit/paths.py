"""The paths of Mailpit's API, and what answers each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Match, Route, WebSocketRoute

from postroad_web.mailpit import chaos, checks, info, message, messages, release, send, tags, views
from postroad_web.mailpit.endpoint import Call, Endpoint, Refused
from postroad_web.mailpit.events import Events
from postroad_web.mailpit.mailbox import Mailboxes
from postroad_web.mailpit.swagger import document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from postroad_web.api.services import Services
    from postroad_web.mailpit.endpoint import Handler

_SLASHES = re.compile(r"/{2,}")
_OURS = re.compile(r"/+(?:api|view)/")

_PATHS: tuple[tuple[str, Mapping[str, Handler]], ...] = (
    ("/api/v1/messages", {"GET": messages.messages, "PUT": messages.set_read, "DELETE": messages.delete}),
    ("/api/v1/search", {"GET": messages.search, "DELETE": messages.delete_found}),
    ("/api/v1/message/{id}", {"GET": message.message}),
    ("/api/v1/message/{id}/headers", {"GET": message.headers}),
    ("/api/v1/message/{id}/raw", {"GET": message.raw}),
    ("/api/v1/message/{id}/part/{part}", {"GET": message.part}),
    ("/api/v1/message/{id}/part/{part}/thumb", {"GET": message.thumb}),
    ("/api/v1/message/{id}/html-check", {"GET": checks.html_check}),
    ("/api/v1/message/{id}/link-check", {"GET": checks.link_check}),
    ("/api/v1/message/{id}/sa-check", {"GET": checks.spam_check}),
    ("/api/v1/message/{id}/release", {"POST": release.release}),
    ("/api/v1/send", {"POST": send.send}),
    ("/api/v1/tags", {"GET": tags.all_tags, "PUT": tags.set_tags}),
    ("/api/v1/tags/{tag:path}", {"PUT": tags.rename, "DELETE": tags.drop}),
    ("/api/v1/info", {"GET": info.info}),
    ("/api/v1/webui", {"GET": info.webui}),
    ("/api/v1/chaos", {"GET": chaos.chaos, "PUT": chaos.set_chaos}),
    ("/api/v1/swagger.json", {"GET": document.swagger}),
    ("/api/v1/", {"GET": document.docs}),
    ("/search", {"GET": views.results}),
    ("/view/latest", {"GET": views.latest}),
    ("/view/{id}.html", {"GET": views.as_html}),
    ("/view/{id}.txt", {"GET": views.as_text}),
    ("/view/{id}", {"GET": views.as_page}),
)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    mailboxes = Mailboxes(services)
    return [
        Slashes(),
        *(Route(path, Endpoint(mailboxes, methods)) for path, methods in _PATHS),
        WebSocketRoute("/api/events", Events(mailboxes).serve),
        Route("/api/events", Endpoint(mailboxes, {"GET": _no_websocket})),
        Route("/api/{rest:path}", Endpoint(mailboxes, {"GET": _unknown})),
    ]


async def _unknown(_call: Call) -> Response:
    raise Refused(404, "File not found")


async def _no_websocket(_call: Call) -> Response:
    raise Refused(400, "Bad Request")


class Slashes(BaseRoute):
    """Takes `//view/…` for `/view/…`: a client of Mailpit writes so, and Go's mux cleans paths."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match paths of Mailpit's that have several slashes in a row."""
        doubled = scope["type"] in {"http", "websocket"} and "//" in scope["path"] and _OURS.match(scope["path"])
        return (Match.FULL if doubled else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route the cleaned path."""
        path = _SLASHES.sub("/", scope["path"])
        await scope["router"]({**scope, "path": path, "raw_path": path.encode("utf-8")}, receive, send)
