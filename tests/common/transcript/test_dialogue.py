"""A session, written as the dialogues of tests/dialogues are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.transcript.dialogue import dialogue_of

if TYPE_CHECKING:
    from collections.abc import Mapping

FACTS: dict[str, Any] = {
    "protocol": "smtp",
    "id": "5",
    "peer": "127.0.0.1:40312",
    "local": "127.0.0.25:25",
    "began": "2026-03-01T12:00:00.000Z",
    "outbound": False,
    "ended": None,
}
HEAD = "# smtp, session 5, 127.0.0.1:40312 to 127.0.0.25:25, 2026-03-01T12:00:00.000Z\n"
HASH = "0123456789abcdef" * 4


def line(side: str, text: str, *, tls: bool = False, **more: Any) -> dict[str, Any]:
    return {"from": {"C": "client", "S": "server"}[side], "text": text, "tls": tls} | more


def written(*lines: dict[str, Any], **facts: Any) -> str:
    return dialogue_of(FACTS | {"lines": list(lines)} | facts)


def test_who_speaks_to_whom() -> None:
    assert written() == HEAD
    assert written(outbound=True) == ("# smtp, session 5, 127.0.0.25:25 to 127.0.0.1:40312, 2026-03-01T12:00:00.000Z\n")
    assert written(omitted=7) == f"{HEAD}# about 7 octets of it are not on record\n"
    assert written(omitted=0) == HEAD


@pytest.mark.parametrize(
    ("lines", "ended", "end"),
    [
        ([], "now", ""),
        ([line("S", "221 bye")], "now", "X:\n"),
        ([line("S", "221 bye")], None, ""),
        ([line("S", "220 hi"), line("C", "QUIT")], "now", ""),
    ],
)
def test_the_server_has_closed_it_where_it_spoke_last(lines: list[dict[str, Any]], ended: str | None, end: str) -> None:
    shown = "".join(f"{spoken['from'][0].upper()}: {spoken['text']}\n" for spoken in lines)
    assert written(*lines, ended=ended) == HEAD + shown + end


def test_lines_and_what_stands_for_them() -> None:
    reference = {"size": 1234, "sha256": HASH}
    assert written(
        line("S", "220 hi", whole=True),
        line("C", ""),
        line("C", "NOO", whole=False),
        line("S", "", whole=False),
        line("C", "", reference=reference),
        line("S", "* SEARCH 1", reference=reference),
        line("C", "", reference={"size": 5, "sha256": None}, whole=False),
    ) == (
        f"{HEAD}S: 220 hi\nC:\nc: NOO\ns:\nC: {{?content 1234 0123456789abcdef}}\n"
        "S: * SEARCH 1{?content 1234 0123456789abcdef}\nc: {?content 5 ?}\n"
    )


def test_where_tls_begins() -> None:
    plain, tls = line("C", "x"), line("C", "y", tls=True)
    assert written(plain, plain) == f"{HEAD}C: x\nC: x\n"
    assert written(plain, tls, tls) == f"{HEAD}C: x\nT:\nC: y\nC: y\n"
    assert written(tls, tls) == f"{HEAD}@ secure\nC: y\nC: y\n"


def test_content_of_the_client_in_place_of_what_stands_for_it() -> None:
    asked: list[str] = []

    def content(spoken: Mapping[str, Any]) -> bytes | None:
        asked.append(spoken["text"])
        return {"none": None, "mail": b"Subject: x\r\n\r\n.dot\r\n", "literal": b".dot\r\n\xe9"}[spoken["text"]]

    reference = {"size": 5, "sha256": None}
    lines = [
        line("C", "DATA"),
        line("S", "server", reference=reference),
        line("C", "none", reference=reference),
        line("C", "mail", reference=reference),
        line("C", "literal", reference=reference, whole=False),
    ]
    assert dialogue_of(FACTS | {"lines": lines}, content) == (
        f"{HEAD}C: DATA\nS: server{{?content 5 ?}}\nC: none{{?content 5 ?}}\n"
        "C: Subject: x\nC:\nC: ..dot\nC: .dot\nc: {\\xe9}\n"
    )
    assert asked == ["none", "mail", "literal"]
