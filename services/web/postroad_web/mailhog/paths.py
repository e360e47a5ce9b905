"""The paths of MailHog's APIs, and what answers each.

One path is Mailpit's as well: `/api/v1/messages`. There Mailpit answers, unless POSTROAD_API_FIRST says otherwise, or
the request came by the port that is MailHog's alone. DELETE is the same in both, but MailHog answers nothing:
`mailhog` (npm), which reads anything else as JSON, fails at Mailpit's `ok`. That client is known by the header fields
that it does not send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Match, Route, WebSocketRoute

from postroad.config import First
from postroad_web.mailhog import jim, message, messages, release
from postroad_web.mailhog.events import Streams
from postroad_web.mailhog.letters import Letters
from postroad_web.mailpit.endpoint import Endpoint
from postroad_web.mailpit.mailbox import Mailboxes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from postroad_web.api.services import Services
    from postroad_web.mailpit.endpoint import Handler

SHARED = "/api/v1/messages"
_NAMES = frozenset({b"user-agent", b"accept"})


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    mailboxes = Mailboxes(services)
    letters = Letters(services.catalog)
    lists, single, streams = messages.Lists(letters), message.One(letters), Streams(services, letters)
    first = {"GET": lists.array, "HEAD": lists.array, "DELETE": messages.delete_all}
    paths: tuple[tuple[str, Mapping[str, Handler]], ...] = (
        ("/api/v1/messages/{id}", {"GET": single.message, "DELETE": message.delete}),
        ("/api/v1/messages/{id}/download", {"GET": message.download}),
        ("/api/v1/messages/{id}/mime/part/{part}/download", {"GET": message.part}),
        ("/api/v1/messages/{id}/release", {"POST": release.release}),
        ("/api/v2/messages", {"GET": lists.messages}),
        ("/api/v2/search", {"GET": lists.search}),
        ("/api/v2/jim", {"GET": jim.show, "POST": jim.invite, "PUT": jim.change, "DELETE": jim.dismiss}),
        ("/api/v2/outgoing-smtp", {"GET": release.outgoing}),
    )
    settings = services.settings
    return [
        _First(
            Endpoint(mailboxes, first), frozenset(first), settings.api_first is First.MAILHOG, settings.mailhog_port
        ),
        *(Route(path, Endpoint(mailboxes, methods)) for path, methods in paths),
        Route("/api/v1/events", streams.lines),
        WebSocketRoute("/api/v2/websocket", streams.socket),
    ]


class _First(BaseRoute):
    """Takes the requests of the shared path that are MailHog's; Mailpit alone has PUT there."""

    def __init__(self, endpoint: Endpoint, methods: frozenset[str], always: bool, port: int | None) -> None:
        self._endpoint = endpoint
        self._methods = methods
        self._always = always
        self._port = port

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match by path, method and port."""
        is_shared = scope["type"] == "http" and scope["path"] == SHARED and scope["method"] in self._methods
        is_mailhogs = is_shared and (self._always or self._by_port(scope) or _is_nameless(scope))
        return (Match.FULL if is_mailhogs else Match.NONE), {}

    def _by_port(self, scope: Scope) -> bool:
        return self._port is not None and (scope.get("server") or ("", None))[1] == self._port

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self._endpoint(scope, receive, send)


def _is_nameless(scope: Scope) -> bool:
    """Whether it is a DELETE of a client that says neither its name nor what it accepts."""
    return scope["method"] == "DELETE" and not _NAMES & {name for name, _ in scope["headers"]}
