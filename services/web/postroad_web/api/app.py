"""The ASGI application: all routes behind `Safety`, and every error as an answer.

Under /v1 an error is problem+json; elsewhere it is a line of text, as Mailpit's are.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse

from postroad.control.client import DoorAway, DoorRefused
from postroad_web import greenmail, mailhog, mailpit
from postroad_web.api import health, home, metrics, native
from postroad_web.api.dialect import is_native, worded
from postroad_web.api.fields import Wrong, refusal
from postroad_web.api.problem import Problem
from postroad_web.api.routing import Routes
from postroad_web.api.safety import Safety
from postroad_web.catalog.catalog import ContentGone
from postroad_web.catalog.page import SearchTooLong
from postroad_web.search.tree import QueryError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from postroad_web.api.services import Services

log = logging.getLogger(__name__)

_PASSED_ON = frozenset({400, 404, 409, 413, 422, 507})  # statuses of a control door that are the client's affair
_NOT_FOUND = "404 page not found"  # Mailpit's words, which its clients compare


def build(services: Services) -> Starlette:
    """Return the application."""
    handlers: dict[Any, Any] = {
        Problem: _problem,
        HTTPException: _http,
        DoorAway: _away,
        DoorRefused: _refused,
        ContentGone: _gone,
        QueryError: _query,
        SearchTooLong: _too_long,
    }
    app = Starlette(middleware=[Middleware(Safety, services=services)], exception_handlers=handlers)
    app.router = Routes(
        [
            *health.routes(services),
            *metrics.routes(services),
            *native.routes(services),
            *greenmail.routes(services),
            *mailhog.routes(services),
            *mailpit.routes(services),
            *home.routes(services),
        ]
    )
    return app


async def _problem(request: Request, error: Problem) -> Response:
    return worded(request.scope["path"], error)


async def _away(request: Request, error: DoorAway) -> Response:
    """Answer that a service is away: what it knows or does can't be had now."""
    log.warning("a control door is away", extra={"of": error.service, "reason": error.why})
    return await _problem(
        request,
        Problem(
            503,
            "A service is away",
            f"{error.service} can't be reached: {error.why}.",
            headers={"Retry-After": "1"},
            service=error.service,
        ),
    )


async def _refused(request: Request, error: DoorRefused) -> Response:
    """Answer what a control door has refused: what the client may have meant wrongly, in the door's own words."""
    if error.status in _PASSED_ON:
        return await _problem(request, Problem(error.status, "Refused", error.sentence))
    log.error("a control door has failed", extra={"status": error.status, "reason": error.sentence})
    return await _problem(request, Problem(502, "A service has failed", error.sentence))


async def _gone(request: Request, error: ContentGone) -> Response:
    """Answer that a message is known but its content is not to be had any more."""
    return await _problem(request, Problem(410, "The content is gone", f"{error}."))


async def _too_long(request: Request, error: SearchTooLong) -> Response:
    return await _problem(request, Problem(422, "Search too long", f"{error}: say more of what is looked for."))


async def _query(request: Request, error: QueryError) -> Response:
    """Answer that a query of the search language can't be read."""
    return await _problem(request, refusal(Wrong([("query", str(error))])))


async def _http(request: Request, error: HTTPException) -> Response:
    """Answer what Starlette itself refuses: no such path, or no such method."""
    if is_native(request.scope["path"]):
        titles = {404: "No such resource", 405: "No such method"}
        detail = f"{request.method} {request.url.path} is not known; /v1/docs lists what is."
        return Problem(
            error.status_code, titles.get(error.status_code, error.detail), detail, headers=error.headers
        ).response()
    text = _NOT_FOUND if error.status_code == 404 else error.detail
    return PlainTextResponse(text, error.status_code, error.headers)
