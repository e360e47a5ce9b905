"""What the handlers of a control door get and give."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import orjson

from postroad.jsontext import to_json
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_WAIT = 60.0  # seconds that a request may have its answer wait for

_PARAMETER = re.compile(r"\{(\w+)\}")


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request is refused: an HTTP status of 400 or more, and a sentence for the client."""

    def __init__(self, status: int, sentence: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers


@value
class Request:
    """A request whose token was right. `path` is as it was sent; `params` and `query` are decoded."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body's value; raises `Refusal` if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Refusal(400, f"the body is not JSON: {error}") from error

    def whole(self, name: str, default: int, *, least: int = 0, most: int = 1 << 62) -> int:
        """Return a whole number of the query; raises `Refusal` if it is none or out of bounds."""
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch("[0-9]{1,19}", text, re.ASCII) or not least <= int(text) <= most:
            raise Refusal(400, f"{name} must be a whole number from {least} to {most}")
        return int(text)

    def seconds(self, name: str, default: float, *, most: float) -> float:
        """Return seconds of the query, 0 or more; raises `Refusal` if they are none or out of bounds."""
        text = self.query.get(name)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most:
            raise Refusal(400, f"{name} must be seconds from 0 to {most:g}")
        return value


@value
class Response:
    """A response. The door adds Content-Length and Date."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def answer(facts: Any, status: int = 200) -> Response:
    """Return a response with a value as JSON."""
    return Response(status, to_json(facts))


Handler = Callable[[Request], Awaitable[Response]]


class Route(NamedTuple):
    """A method and a pattern such as `/queue/{id}/retry`, and what answers them."""

    method: str
    pattern: str
    handler: Handler


class Routes:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        listed = list(routes)
        self._routes = [([_segment(segment) for segment in route.pattern.split("/")], route) for route in listed]
        # A path that a pattern without parameters names is most often asked for, and found at once.
        self._plain = {
            (route.method, route.pattern): route.handler for route in reversed(listed) if "{" not in route.pattern
        }

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and its parameters; raises `Refusal` if there is none."""
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain, {}
        segments = path.split("/")
        allowed = []
        for pattern, route in self._routes:
            params = _match(pattern, segments)
            if params is None:
                continue
            if route.method == method:
                return route.handler, params
            allowed.append(route.method)
        if not allowed:
            raise Refusal(404, "there is no such resource")
        methods = ", ".join(sorted(set(allowed)))
        # RFC 9110 §15.5.6: the response names the methods that the resource has.
        raise Refusal(405, f"this resource has the methods {methods}", headers=(("Allow", methods),))


class _Segment(NamedTuple):
    """A part of a pattern: what the path has there, or the name of the parameter that it is."""

    text: str
    parameter: str | None


def _segment(text: str) -> _Segment:
    name = _PARAMETER.fullmatch(text)
    return _Segment(text, None if name is None else name[1])


def _match(pattern: list[_Segment], segments: list[str]) -> dict[str, str] | None:
    """Return the parameters if the segments of a path fit the pattern, else None."""
    if len(pattern) != len(segments):
        return None
    params = {}
    for (text, parameter), segment in zip(pattern, segments, strict=True):
        if parameter is None:
            if text != segment:
                return None
        else:
            try:
                params[parameter] = unquote(segment, errors="strict")
            except UnicodeDecodeError:
                return None
    return params
