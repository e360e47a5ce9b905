"""Routes: a path with several methods as one, so that a 405 names them all, and whole paths found at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route, Router

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    Handler = Callable[[Request], Awaitable[Response]]


def by_method(path: str, **handlers: Handler) -> Route:
    """Return the route of a path; the handlers are by their methods, in lower case. `get` serves HEAD too."""
    by_name = {method.upper(): handler for method, handler in handlers.items()}

    async def handle(request: Request) -> Response:
        return await by_name["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, handle, methods=list(by_name))


class Routes(Router):
    """Starlette's router, which looks at all routes up to the right one. A route without parameters is found at once.

    So no route with parameters may come before one whose path it matches too, with the same method.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes)
        self._plain = {
            (method, route.path): route
            for route in reversed(routes)
            if isinstance(route, Route) and not route.param_convertors
            for method in route.methods or ()
        }

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request over to its route."""
        route = self._plain.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await super().app(scope, receive, send)
            return
        _, parameters = route.matches(scope)
        scope.update({"router": self, "route": route, **parameters})
        await route.handle(scope, receive, send)
