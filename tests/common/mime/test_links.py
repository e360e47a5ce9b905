"""Which messages a message names."""

from __future__ import annotations

import pytest

from postroad.mime.fields import fields
from postroad.mime.links import MAX_REFERENCES, Links, links, number_of


def numbers(*ids: str) -> tuple[int, ...]:
    return tuple(number_of(message_id.encode()) for message_id in ids)


@pytest.mark.parametrize(
    ("header", "own", "references"),
    [
        ("Subject: x\r\n", "", ()),
        ("Message-ID: <a@b>\r\n", "a@b", ()),
        ("message-id: <a@b> (comment)\r\nMessage-ID: <c@d>\r\n", "a@b", ()),
        ("Message-ID: < a@b >\r\n", "a@b", ()),
        ("Message-ID: a@b\r\n", "", ()),  # no brackets
        ("Message-ID: <a>\r\nReferences: <1>\r\n <2>\r\n\t<3>\r\n", "a", ("3", "2", "1")),
        ("References: <1><2>\r\nReferences: <3>\r\n", "", ("3", "2", "1")),
        ("In-Reply-To: Your message of Tuesday <1@x> or <2@x>\r\n", "", ("1@x",)),
        ("In-Reply-To: <1>\r\nIn-Reply-To: <2>\r\n", "", ("1",)),
        ("In-Reply-To: <9>\r\nReferences: <1> <2>\r\n", "", ("2", "1")),
        ("Message-ID: <a>\r\nReferences: <1> <a> <1> <2>\r\n", "a", ("2", "1")),
        ("References: <a <b> c>\r\n", "", ("b",)),
    ],
)
def test_links(header: str, own: str, references: tuple[str, ...]) -> None:
    expected = Links(number_of(own.encode()) if own else None, numbers(*references))
    assert links(fields(header.encode())) == expected


def test_many_references() -> None:
    header = "References: " + " ".join(f"<{number}>" for number in range(200))
    expected = [str(number) for number in range(199, 200 - MAX_REFERENCES, -1)]
    assert links(fields(header.encode())).references == numbers(*expected, "0")


def test_a_number_has_63_bits() -> None:
    assert all(0 <= number_of(b"%d" % number) < 1 << 63 for number in range(100))
