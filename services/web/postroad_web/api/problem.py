"""Errors of the API: problem+json (RFC 9457).

    raise Problem(404, "No such message", f"There is no message {id}.")

Any handler may raise a `Problem`; under /v1 every error, also one that nobody foresaw, is answered as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad.jsontext import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the RFC's word
    """An answer that says why there is no other.

    `title` says the kind of problem, and is the same for each of its kind; `detail` is a sentence on this one. Further
    `members` are for programs (RFC 9457 §3.2).
    """

    def __init__(
        self, status: int, title: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def body(self) -> bytes:
        """Return the problem as JSON. Its type is about:blank: the status and title say all (RFC 9457 §4.2.1)."""
        value = {"type": "about:blank", "title": self.title, "status": self.status}
        if self.detail:
            value["detail"] = self.detail
        return to_json(value | self.members)

    def response(self) -> Response:
        """Return the answer."""
        return Response(self.body(), self.status, self.headers, MEDIA_TYPE)
