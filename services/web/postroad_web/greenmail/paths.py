"""The paths of GreenMail's REST API, and what answers each. GreenMail takes them with a slash at the end, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from postroad.control.client import DoorAway, DoorRefused
from postroad.jsontext import to_json
from postroad_web.greenmail.mail import Mail
from postroad_web.greenmail.openapi import DOCUMENT
from postroad_web.greenmail.refused import Refused
from postroad_web.greenmail.service import Service
from postroad_web.greenmail.shapes import said
from postroad_web.greenmail.users import Users
from postroad_web.mailpit import gojson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

    Handler = Callable[[Request], Awaitable[Any]]


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    users, mail, service = Users(services), Mail(services), Service(services)
    paths: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/api/configuration", service.configuration),
        ("GET", "/api/service/readiness", service.readiness),
        ("POST", "/api/service/reset", service.reset),
        ("POST", "/api/mail/purge", service.purge),
        ("GET", "/api/user", users.listed),
        ("POST", "/api/user", users.make),
        ("DELETE", "/api/user/{name}", users.remove),
        ("GET", "/api/user/{name}/messages", mail.messages),
        ("GET", "/api/user/{name}/messages/{folder:path}", mail.messages),
    )
    described: list[BaseRoute] = [Route("/greenmail-openapi.yml", _describe, methods=["GET"])]
    return described + [
        Route(path + end, _answering(handler), methods=[method]) for method, path, handler in paths for end in ("", "/")
    ]


async def _describe(_request: Request) -> Response:
    return Response(to_json(DOCUMENT), media_type="application/yaml")


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler with its value as JSON, and with what can't be done as GreenMail says it."""

    async def answer(request: Request) -> Response:
        try:
            value, status = await handler(request), 200
        except Refused as refused:
            value, status = said(str(refused)), refused.status
        except DoorRefused as error:
            value, status = said(error.sentence), 400
        except DoorAway as away:
            value, status = said(str(away)), 503
        return Response(gojson.encode(value)[:-1], status, media_type="application/json")

    return answer
