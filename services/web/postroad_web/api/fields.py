"""What a request may say: typed fields, each with its limits. Fields that nobody asked for are refused by name.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Mark:
        ids: tuple[str, ...] = given(many(line(most=64)), "the messages")
        read: bool = given(flag(), "whether they are read", default=True)

    mark = await body_of(request, Mark)     # JSON
    page = query_of(request, Page)          # ?limit=50
    schema_of(Mark), parameters_of(Page)    # for the OpenAPI document

A wrong request raises a `Problem` 422 that names every wrong field, one that is no JSON a 400.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import MISSING, field
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from postroad.jsontext import has_many_values
from postroad.value import value
from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.requests import HTTPConnection, Request

Wanted = TypeVar("Wanted")


class Wrong(ValueError):  # noqa: N818 - what the value is
    """A value is not what it has to be; `faults` are pairs of a path within it and a sentence."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.faults = tuple(faults)


def wrong(sentence: str) -> Wrong:
    """Return the error of a single value."""
    return Wrong([("", sentence)])


@value
class Kind:
    """A kind of value: how it is checked, its JSON Schema, and how it is read from a query string."""

    parse: Callable[[Any], Any]  # raises `Wrong`
    schema: Mapping[str, Any]
    from_text: Callable[[str], Any] = str  # to the value as JSON would have it
    several: bool = False  # a query string may have it several times


def text(*, least: int = 0, most: int = 1000) -> Kind:
    """Take any text, of so many characters."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise wrong(f"must be a text of {least} to {most} characters")
        return value

    return Kind(parse, {"type": "string", "minLength": least, "maxLength": most})


_CONTROL = re.compile("[\x00-\x1f\x7f]")


def line(*, least: int = 1, most: int = 1000) -> Kind:
    """Take a text without line ends and other control characters, such as a header or a name can have."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most or _CONTROL.search(value):
            raise wrong(f"must be a text of {least} to {most} characters, without control characters")
        return value

    schema = {"type": "string", "minLength": least, "maxLength": most, "pattern": r"^[^\u0000-\u001f\u007f]*$"}
    return Kind(parse, schema)


def whole(least: int = 0, most: int = 2**53 - 1) -> Kind:
    """Take a whole number."""

    def parse(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():  # JSON Schema: 1.0 is an integer
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(f"must be a whole number from {least} to {most}")
        return value

    def from_text(value: str) -> Any:
        return int(value) if re.fullmatch("-?[0-9]{1,18}", value, re.ASCII) else value

    return Kind(parse, {"type": "integer", "minimum": least, "maximum": most}, from_text)


def number(least: float, most: float) -> Kind:
    """Take a number."""

    def parse(value: Any) -> float:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not right or not math.isfinite(value) or not least <= value <= most:
            raise wrong(f"must be a number from {least:g} to {most:g}")
        return float(value)

    def from_text(value: str) -> Any:
        return float(value) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", value, re.ASCII) else value

    return Kind(parse, {"type": "number", "minimum": least, "maximum": most}, from_text)


_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def flag() -> Kind:
    """Take true or false."""

    def parse(value: Any) -> bool:
        if not isinstance(value, bool):
            raise wrong("must be true or false")
        return value

    return Kind(parse, {"type": "boolean"}, lambda value: _FLAGS.get(value.lower(), value))


def one_of(*choices: str) -> Kind:
    """Take one of a few words."""

    def parse(value: Any) -> str:
        if value not in choices:
            raise wrong(f"must be one of {', '.join(choices)}")
        return str(value)

    return Kind(parse, {"type": "string", "enum": list(choices)})


def many(kind: Kind, *, least: int = 0, most: int = 1000) -> Kind:
    """Take a list; what comes out is a tuple."""

    def parse(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise wrong(f"must be a list of {least} to {most}")
        faults: list[tuple[str, str]] = []
        items = []
        for index, item in enumerate(value):
            try:
                items.append(kind.parse(item))
            except Wrong as error:
                faults += _under(str(index), error)
        if faults:
            raise Wrong(faults[:10])
        return tuple(items)

    schema = {"type": "array", "items": kind.schema, "minItems": least, "maxItems": most}
    return Kind(parse, schema, kind.from_text, several=True)


def either(*kinds: Kind, sentence: str) -> Kind:
    """Take what the first of the kinds takes; `sentence` says what the value must be.

    If a list or an object is one of the kinds, and something in it is wrong, the error names that.
    """

    def parse(value: Any) -> Any:
        inside: list[Wrong] = []
        for kind in kinds:
            try:
                return kind.parse(value)
            except Wrong as error:
                if any(path for path, _ in error.faults):
                    inside.append(error)
        raise inside[0] if inside else wrong(sentence)

    def from_text(value: str) -> Any:
        return next((read for kind in kinds if (read := kind.from_text(value)) != value), value)

    return Kind(parse, {"anyOf": [kind.schema for kind in kinds]}, from_text)


def inner(wanted: type[Any]) -> Kind:
    """Take an object with fields of its own."""
    return Kind(lambda value: read(wanted, value), schema_of(wanted))


def mapping(kind: Kind, *, most: int = 100, key: int = 200) -> Kind:
    """Take an object with keys that the client chooses, of up to `key` characters, and values of one kind."""
    name = line(most=key)

    def parse(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise wrong(f"must be an object of at most {most} members")
        faults: list[tuple[str, str]] = []
        members = {}
        for member, content in value.items():
            try:
                members[name.parse(member)] = kind.parse(content)
            except Wrong as error:
                faults += _under(member[:key], error)
        if faults:
            raise Wrong(faults[:10])
        return members

    return Kind(parse, {"type": "object", "additionalProperties": kind.schema, "maxProperties": most})


def given(kind: Kind, comment: str, *, default: Any = MISSING, example: Any = MISSING, name: str | None = None) -> Any:
    """Declare a field; without a `default` it has to be given. `name` is the client's, if Python's is another."""
    metadata = {"kind": kind, "comment": comment, "example": example, "name": name}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def _under(name: str, error: Wrong) -> list[tuple[str, str]]:
    return [(f"{name}.{path}" if path else name, sentence) for path, sentence in error.faults]


_BY_NAME: dict[type[Any], dict[str, dataclasses.Field[Any]]] = {}  # of classes that requests were read as


def _fields(wanted: type[Any]) -> Mapping[str, dataclasses.Field[Any]]:
    fields = _BY_NAME.get(wanted)
    if fields is None:
        fields = {entry.metadata["name"] or entry.name: entry for entry in dataclasses.fields(wanted)}
        _BY_NAME[wanted] = fields
    return fields


def read(wanted: type[Wanted], value: Any) -> Wanted:
    """Return an object of JSON as one of the class; raises `Wrong`. null is as good as leaving out."""
    if not isinstance(value, dict):
        raise wrong("must be an object")
    fields = _fields(wanted)
    faults = [(name[:100], "is not a field here") for name in value if name not in fields]
    values: dict[str, Any] = {}
    for name, entry in fields.items():
        content = value.get(name)
        if content is None:
            if entry.default is MISSING:
                faults.append((name, "is missing"))
            continue
        try:
            values[entry.name] = entry.metadata["kind"].parse(content)
        except Wrong as error:
            faults += _under(name, error)
    if faults:
        raise Wrong(faults)
    return wanted(**values)


def refusal(error: Wrong) -> Problem:
    """Return the problem that names the wrong fields."""
    faults = error.faults[:20]
    return Problem(
        422,
        "The request is not right",
        "; ".join(f"{name} {sentence}".strip() for name, sentence in faults) + ".",
        errors=[{"field": name, "detail": sentence} for name, sentence in faults],
    )


def media_type_of(request: Request) -> str:
    """Return the media type of a request's body, in lower case and without parameters; empty if it has none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def body_of(request: Request, wanted: type[Wanted]) -> Wanted:
    """Return the JSON of a request's body; an empty body is an empty object. Its media type is not looked at."""
    octets = await request.body()
    if has_many_values(octets):
        raise Problem(413, "The body has too many values", "The JSON of the body has more values than are taken here.")
    try:
        value = orjson.loads(octets) if octets.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Problem(400, "The body is no JSON", f"The body could not be read as JSON: {error}.") from None
    try:
        return read(wanted, value)
    except Wrong as error:
        raise refusal(error) from None


def query_of(request: HTTPConnection, wanted: type[Wanted]) -> Wanted:
    """Return the parameters of a request's query string."""
    fields = _fields(wanted)
    value: dict[str, Any] = {}
    for name in request.query_params:
        entry = fields.get(name)
        texts = request.query_params.getlist(name)
        if entry is None:
            value[name] = texts
            continue
        kind = entry.metadata["kind"]
        if kind.several:
            value[name] = [kind.from_text(text) for text in texts]
        elif len(texts) > 1:
            raise refusal(Wrong([(name, "may be given once")]))
        else:
            value[name] = kind.from_text(texts[0])
    try:
        return read(wanted, value)
    except Wrong as error:
        raise refusal(error) from None


def _described(entry: dataclasses.Field[Any]) -> dict[str, Any]:
    schema = {**entry.metadata["kind"].schema, "description": entry.metadata["comment"]}
    if entry.default is not MISSING and entry.default is not None:
        schema["default"] = list(entry.default) if isinstance(entry.default, tuple) else entry.default
    if entry.metadata["example"] is not MISSING:
        schema["examples"] = [entry.metadata["example"]]
    return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field for which null is as good as leaving it out."""
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    schema = schema | {"type": [schema["type"], "null"]}
    return schema | {"enum": [*schema["enum"], None]} if "enum" in schema else schema


def schema_of(wanted: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of the class."""
    fields = _fields(wanted)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            name: _described(entry) if entry.default is MISSING else _or_null(_described(entry))
            for name, entry in fields.items()
        },
        "additionalProperties": False,
    }
    if required := [name for name, entry in fields.items() if entry.default is MISSING]:
        schema["required"] = required
    return schema


def parameters_of(wanted: type[Any]) -> list[dict[str, Any]]:
    """Return the OpenAPI parameters of a query string of the class."""
    parameters = []
    for name, entry in _fields(wanted).items():
        schema = _described(entry)
        parameter = {"name": name, "in": "query", "description": schema.pop("description"), "schema": schema}
        if entry.default is MISSING:
            parameter["required"] = True
        parameters.append(parameter)
    return parameters
