"""Answers in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad.jsontext import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping


def json(value: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with this value."""
    return Response(to_json(value), status, headers, "application/json")
