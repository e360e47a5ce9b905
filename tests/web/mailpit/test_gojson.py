from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.mailpit.gojson import BadJsonError, Struct, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable


def test_written_as_go_does() -> None:
    assert encode({"HTML": "<b>&\u2028\u2029é</b>"}) == (
        b'{"HTML":"\\u003cb\\u003e\\u0026\\u2028\\u2029\xc3\xa9\\u003c/b\\u003e"}\n'
    )


def test_what_is_written_is_read_as_it_was() -> None:
    value = {"a": ["<>", "&amp;", "\u2028"], "b": {"c": None, "d": 1}}
    assert json.loads(encode(value)) == value


def test_names_match_whatever_their_case() -> None:
    read = decode(b'{"ids":["a"],"READ":true,"Ids":["b"]}')
    assert read.texts("IDs") == ["b"]
    assert read.flag("Read") is True


def test_half_a_surrogate_pair_is_replaced() -> None:
    read = decode(
        rb'{"Subject":"a\ud800b","Tags":["\uDC00","\ud83d\ude00"],"Headers":{"\ud800":"x\ud800"},"Read":true,"n":1}'
    )
    assert read.text("Subject") == "a\ufffdb"
    assert read.texts("Tags") == ["\ufffd", "\U0001f600"]
    assert read.mapping("Headers") == {"\ufffd": "x\ufffd"}
    assert read.flag("Read") is True
    assert read.number("n") == 1


def test_defaults() -> None:
    read = decode(b' \r\n{"Text":null,"more":{}} and what follows does not count')
    assert read.text("Text") == ""
    assert read.flag("Read") is False
    assert read.number("ErrorCode") == 0
    assert read.texts("IDs") == []
    assert read.structs("To") == []
    assert read.mapping("Headers") == {}
    assert read.struct("Sender").text("x") == ""
    assert decode(b"null").texts("IDs") == []


def test_values() -> None:
    read = decode(b'{"n":5,"to":[{"EMAIL":"a@b.test"}],"Headers":{"X-One":"1"},"sender":{"errorcode":451}}')
    assert read.number("N") == 5
    assert [address.text("Email") for address in read.structs("To")] == ["a@b.test"]
    assert read.mapping("headers") == {"X-One": "1"}
    assert read.struct("Sender").number("ErrorCode") == 451


@pytest.mark.parametrize(
    "body", [b"", b"ids=1&ids=2", b"[]", b"X{}", b'"text"', b"{", b'{"a":NaN}', b"[" * 100_000, b"\xff"]
)
def test_not_an_object(body: bytes) -> None:
    with pytest.raises(BadJsonError):
        decode(body)


@pytest.mark.parametrize(("body", "ended"), [(b"", True), (b" \t\r\n", True), (b"X", False), (b"XX X", False)])
def test_a_body_of_nothing_ends_too_early(body: bytes, ended: bool) -> None:
    with pytest.raises(BadJsonError) as caught:
        decode(body)
    assert (str(caught.value) == "EOF") is ended


@pytest.mark.parametrize(
    ("read", "value", "kind"),
    [
        (Struct.text, 1, "string"),
        (Struct.flag, 1, "bool"),
        (Struct.number, "1", "int"),
        (Struct.number, 1.5, "int"),
        (Struct.number, True, "int"),
        (Struct.real, "1", "float64"),
        (Struct.real, True, "float64"),
        (Struct.real, 10**400, "float64"),
        (Struct.texts, "a", "[]string"),
        (Struct.texts, ["a", 1], "[]string"),
        (Struct.struct, [], "object"),
        (Struct.structs, {}, "[]object"),
        (Struct.structs, ["a"], "[]object"),
        (Struct.mapping, [], "object"),
        (Struct.mapping, {"a": 1}, "map[string]string"),
    ],
)
def test_values_of_another_type(read: Callable[[Struct, str], Any], value: Any, kind: str) -> None:
    with pytest.raises(BadJsonError) as caught:
        read(Struct({"name": value}), "Name")
    assert str(caught.value) == f"Name is not of type {kind}"


def test_real_numbers() -> None:
    read = decode(b'{"a":1.5,"b":2,"c":null}')
    assert [read.real(name) for name in "abcd"] == [1.5, 2.0, 0.0, 0.0]
