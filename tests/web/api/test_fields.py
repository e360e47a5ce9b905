"""Fields of requests: what each kind takes, and how wrong ones are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from starlette.requests import Request

from postroad_web.api.fields import (
    Kind,
    Wrong,
    either,
    flag,
    given,
    inner,
    line,
    many,
    mapping,
    number,
    one_of,
    parameters_of,
    query_of,
    read,
    schema_of,
    text,
    whole,
)
from postroad_web.api.problem import Problem

KINDS: list[tuple[Kind, list[Any], list[Any]]] = [
    (text(least=1, most=3), ["a", "abc", "a\nb"], ["", "abcd", 1, None, True]),
    (line(most=3), ["a", "üä"], ["", "a\n", "a\0", "\x7f", "abcd", 7]),
    (whole(1, 3), [1, 3, 2.0], [0, 4, 1.5, 4.0, "1", True]),
    (number(0, 2), [0, 1.5, 2], [-0.1, 3, "1", True, float("inf"), float("nan")]),
    (flag(), [True, False], [0, 1, "true"]),
    (one_of("a", "b"), ["a"], ["c", "", 1, ["a"]]),
    (many(whole(1, 3), least=1, most=2), [[1], [1, 2]], [[], [1, 2, 3], [0], 1, {"a": 1}]),
    (either(whole(1, 3), line(), sentence="must be either"), [1, "a"], [0, ["a"]]),
    (mapping(whole(1, 3), most=1, key=2), [{}, {"a": 1}], [{"a": 0}, {"abc": 1}, {"a": 1, "b": 1}, [], {"\n": 1}]),
]


@pytest.mark.parametrize(("kind", "right", "wrong"), KINDS)
def test_kinds(kind: Kind, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        taken = kind.parse(value)
        assert (list(taken) if isinstance(taken, tuple) else taken) == value
    for value in wrong:
        with pytest.raises(Wrong):
            kind.parse(value)


def test_what_is_wrong_inside_one_of_several_kinds_is_named() -> None:
    kind = either(whole(), many(mapping(whole(), key=5)), sentence="must be a number, or a list of objects")
    for value, faults in (
        ([{"a": 1}, {"b": "x", "c": -1}], [("1.b", "must be a whole number"), ("1.c", "must be a whole number")]),
        ([1], [("0", "must be an object")]),
        ("x", [("", "must be a number, or a list of objects")]),
    ):
        with pytest.raises(Wrong) as error:
            kind.parse(value)
        told = [(path, sentence) for path, sentence in error.value.faults]
        assert [path for path, _ in told] == [path for path, _ in faults]
        assert all(sentence.startswith(start) for (_, sentence), (_, start) in zip(told, faults, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    name: str = given(line(), "a name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    count: int = given(whole(1, 9), "a count", example=3)
    names: tuple[Inner, ...] = given(many(inner(Inner)), "names", default=())
    from_: str | None = given(line(), "from", default=None, name="from")
    tags: tuple[str, ...] = given(many(line(), most=5), "tags", default=("a",))
    ratio: float = given(number(0, 1), "a ratio", default=0.5)
    on: bool = given(flag(), "a switch", default=False)
    after: int | str | None = given(either(whole(), line(), sentence="x"), "a cursor", default=None)


def test_an_object_becomes_one_of_the_class() -> None:
    value = {"count": 3, "names": [{"name": "x"}], "from": "y", "tags": ["t"], "ratio": None}
    assert read(Outer, value) == Outer(count=3, names=(Inner(name="x"),), from_="y", tags=("t",))


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ([], [("", "must be an object")]),
        ({}, [("count", "is missing")]),
        (
            {"count": 1, "colour": "red", "from_": "x"},
            [("colour", "is not a field here"), ("from_", "is not a field here")],
        ),
        (
            {"count": 1, "names": [{"name": "a"}, {}, 7]},
            [("names.1.name", "is missing"), ("names.2", "must be an object")],
        ),
    ],
)
def test_every_fault_is_named(value: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(Wrong) as wrong:
        read(Outer, value)
    assert list(wrong.value.faults) == faults


def asked(query: str) -> Request:
    return Request({"type": "http", "query_string": query.encode(), "headers": []})


def test_query_strings() -> None:
    taken = query_of(asked("count=3&tags=x&tags=y&on=yes&ratio=0.25&from=a%20b&after=7"), Outer)
    assert taken == Outer(count=3, tags=("x", "y"), on=True, ratio=0.25, from_="a b", after=7)
    assert query_of(asked("count=3&after=4f1a"), Outer).after == "4f1a"
    for wrong in ("", "count=x", "count=1&count=2", "count=1&on=perhaps", "count=1&ratio=1e9", "count=1&colour=red"):
        with pytest.raises(Problem) as problem:
            query_of(asked(wrong), Outer)
        assert problem.value.status == 422


def test_the_schema_says_it_all() -> None:
    schema = schema_of(Outer)
    assert schema["required"] == ["count"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["count"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "description": "a count",
        "examples": [3],
    }
    assert schema["properties"]["tags"]["default"] == ["a"]
    assert {parameter["name"]: parameter.get("required", False) for parameter in parameters_of(Outer)} == {
        "count": True,
        **dict.fromkeys(("names", "from", "tags", "ratio", "on", "after"), False),
    }
