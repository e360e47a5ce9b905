"""JSON of the journal and the spool: the quick way writes what the plain one does."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from postroad.jsontext import MOST_MARKS, has_many_values, plain_json, to_json

VALUES = [
    {"time": "2026-03-01T12:00:00.000001Z", "size": 4096, "tls": None, "ok": True, "recipients": ["bob@beta.test"]},
    {"at": 1764080000.123456, "due": 1e9, "small": 0.001, "none": []},
    {"id": '<ä\u2028\x00\x1f\x7f"\\/>', "astral": "\U0001f4ee"},
    {"negative": -1, "large": 2**63 - 1},
]


@pytest.mark.parametrize("value", VALUES)
def test_both_ways_are_one(value: object) -> None:
    assert to_json(value) == plain_json(value)
    assert json.loads(to_json(value)) == value


def test_what_json_does_not_know_is_text() -> None:
    assert to_json({"peer": ip_address("127.0.0.1")}) == b'{"peer":"127.0.0.1"}'


@pytest.mark.parametrize("value", ["half a pair: \ud83d", 2**70])
def test_what_the_quick_way_refuses_is_written_all_the_same(value: object) -> None:
    assert json.loads(to_json({"value": value})) == {"value": value}


@pytest.mark.parametrize(
    ("text", "many"),
    [
        (b"{}", False),
        (to_json({"text": '[{",\\"' * MOST_MARKS}), False),  # one string
        (b'"' + b'\\",' * MOST_MARKS, False),  # one string without its end
        (b"[" + b"[]," * MOST_MARKS + b"1]", True),
        (b"[" + b"1," * MOST_MARKS + b"1]", True),
        (b"[" + b'"",' * (MOST_MARKS // 2) + b"1]", True),
        (b"{" + b'"a":1,' * (MOST_MARKS // 2) + b'"a":1}', True),
        (b"[" + b'"an ID",' * (MOST_MARKS // 2 - 1) + b"1]", False),
        (b'"' * (2 * MOST_MARKS + 2), True),
    ],
    ids=str.split("none text unfinished lists numbers texts members IDs quotes"),
)
def test_many_values(text: bytes, many: bool) -> None:
    assert has_many_values(text) is many
