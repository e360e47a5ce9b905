"""A path with several methods as one route, so that a 405 names them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request], Awaitable[Response]]


def by_method(path: str, **handlers: Handler) -> Route:
    """Return the route of a path; the handlers are by their methods, in lower case. `get` serves HEAD too."""
    by_name = {method.upper(): handler for method, handler in handlers.items()}

    async def handle(request: Request) -> Response:
        return await by_name["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, handle, methods=list(by_name))
