"""JSON as Go's encoding/json writes and reads it, which Mailpit's clients rely on. Pure.

Written: `<`, `>`, `&`, U+2028 and U+2029 are escaped, and a line feed ends the document. Read: only the first value
counts, the names of members match whatever their case, unknown members are ignored, and null leaves the default. Half a
surrogate pair, which no octets can say, becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from postroad.jsontext import has_many_values, to_json

# Outside of its strings JSON has none of these, so that the whole text can be replaced at once.
_ESCAPED = (
    (b"&", b"\\u0026"),
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # it may have its other half


class BadJsonError(ValueError):
    """The text isn't JSON, or a member has a value of another type."""


class TooManyValuesError(ValueError):
    """The text has more values than are read."""


def encode(value: Any) -> bytes:
    """Return the value as Go writes it."""
    octets = to_json(value)
    for plain, escaped in _ESCAPED:
        octets = octets.replace(plain, escaped)
    return octets + b"\n"


def _no_constant(name: str) -> NoReturn:
    raise BadJsonError(f"invalid character in {name}")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class Struct:
    """The members of a JSON object, by name whatever its case; the last of a name counts."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = {name.lower(): value for name, value in members.items()}

    def text(self, name: str) -> str:
        """Return a string, "" by default."""
        return self._get(name, str, "string") or ""

    def flag(self, name: str) -> bool:
        """Return a boolean, False by default."""
        return self._get(name, bool, "bool") or False

    def number(self, name: str) -> int:
        """Return an integer, 0 by default."""
        value = self._get(name, int, "int") or 0
        if isinstance(value, bool):
            raise BadJsonError(f"{name} is not of type int")
        return value

    def real(self, name: str) -> float:
        """Return a number, 0 by default."""
        value = self._get(name, (int, float), "float64") or 0
        if isinstance(value, bool):
            raise BadJsonError(f"{name} is not of type float64")
        try:
            return float(value)
        except OverflowError:
            raise BadJsonError(f"{name} is not of type float64") from None

    def texts(self, name: str) -> list[str]:
        """Return an array of strings, empty by default."""
        values = self._get(name, list, "[]string") or []
        if not all(isinstance(value, str) for value in values):
            raise BadJsonError(f"{name} is not of type []string")
        return values

    def struct(self, name: str) -> Struct:
        """Return an object, one without members by default."""
        return Struct(self._get(name, dict, "object") or {})

    def structs(self, name: str) -> list[Struct]:
        """Return an array of objects, empty by default."""
        values = self._get(name, list, "[]object") or []
        if not all(isinstance(value, dict) for value in values):
            raise BadJsonError(f"{name} is not of type []object")
        return [Struct(value) for value in values]

    def mapping(self, name: str) -> dict[str, str]:
        """Return an object of strings, its names as they were written; empty by default."""
        value = self._get(name, dict, "object") or {}
        if not all(isinstance(text, str) for text in value.values()):
            raise BadJsonError(f"{name} is not of type map[string]string")
        return value

    def _get(self, name: str, kind: type | tuple[type, ...], go_type: str) -> Any:
        value = self._members.get(name.lower())
        if value is not None and not isinstance(value, kind):
            raise BadJsonError(f"{name} is not of type {go_type}")
        return value


def _whole(value: Any) -> Any:
    """Return the value with all its strings, in which no surrogates are left."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(name): _whole(item) for name, item in value.items()}
        case _:
            return value


def decode(body: bytes) -> Struct:
    """Return the object at the beginning of the body; raises `BadJsonError` and `TooManyValuesError`."""
    if not body.strip(b" \t\r\n"):
        raise BadJsonError("EOF")
    if has_many_values(body):
        raise TooManyValuesError("the body has too many values")
    try:
        value, _ = _DECODER.raw_decode(body.decode("utf-8", "replace").lstrip(" \t\r\n"))
        if _HALF.search(body):
            value = _whole(value)
    except BadJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise BadJsonError(str(error)) from error
    if value is not None and not isinstance(value, dict):
        raise BadJsonError("the body is not an object")
    return Struct(value or {})
