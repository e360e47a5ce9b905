"""In whose words errors are answered: problem+json under /v1, elsewhere a line of text, as Mailpit's are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse

if TYPE_CHECKING:
    from starlette.responses import Response

    from postroad_web.api.problem import Problem

_MAILPIT = ("/api/", "/view/")
_SEND = "/api/v1/send"  # Mailpit's errors are JSON here alone


def is_native(path: str) -> bool:
    """Whether a path is one of the native API's."""
    return path == "/v1" or path.startswith("/v1/")


def worded(path: str, problem: Problem) -> Response:
    """Return a problem in the form that the clients of this path expect."""
    if is_native(path):
        return problem.response()
    text = problem.detail or problem.title
    if path == _SEND and problem.status in {404, 413}:
        return JSONResponse({"Error": text}, problem.status, problem.headers)
    if problem.status == 401:
        text = "Unauthorized.\n"
    elif problem.status == 403 and path.startswith(_MAILPIT):
        text = "Blocked due to CORS violation"
    return PlainTextResponse(text, problem.status, problem.headers)
