"""Lines out of pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.smtp.server.commands import BAD_CHARACTER, HTTP_SPOKEN, LINE_TOO_LONG
from postroad.smtp.server.lines import LineReader

if TYPE_CHECKING:
    from postroad.mail.reply import Reply

LINE = 12288
LONG = b"x" * LINE
FULL = b"x" * (LINE - 2)


def lines(octets: bytes, size: int) -> list[bytes | Reply]:
    reader = LineReader(LINE - 2)
    read: list[bytes | Reply] = []
    for start in range(0, len(octets), size):
        reader.receive(octets[start : start + size])
        while (line := reader.next_line()) is not None:
            read.append(line)
        assert reader.buffered < LINE
    return read


@pytest.mark.parametrize("size", [1, 2, 3, 4096, 12288, 12289, 12290, 100_000])
@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"a\r\nb c\r\n\r\n", [b"a", b"b c", b""]),
        (b"a\nb\r\nc\r\n", [BAD_CHARACTER, b"c"]),
        (b"a\r\r\nb\r\n", [BAD_CHARACTER, b"b"]),
        (b"a\rb\r\nc\r\n", [BAD_CHARACTER, b"c"]),
        (b"a\0\r\nc\r\n", [BAD_CHARACTER, b"c"]),
        (b"\n\n\n\r\nc\r\n", [BAD_CHARACTER, b"c"]),
        (b"\n", [BAD_CHARACTER]),
        (b"\nx\r", [BAD_CHARACTER]),
        (FULL + b"\r\nc\r\n", [FULL, b"c"]),
        (FULL + b"y\r\nc\r\n", [LINE_TOO_LONG, b"c"]),
        (FULL + b"\r", []),
        (LONG * 3 + b"\r\nc\r\n", [LINE_TOO_LONG, b"c"]),
        (LONG * 3, [LINE_TOO_LONG]),
        (LONG + b"\r\r\nc\r\n", [LINE_TOO_LONG, b"c"]),
        (FULL + b"\n\r\nc\r\n", [BAD_CHARACTER, b"c"]),
        (LONG + b"\n\r\nc\r\n", [LINE_TOO_LONG, b"c"]),
        (b"\0" + LONG + b"\r\nc\r\n", [LINE_TOO_LONG, b"c"]),
        (b"GET /\r\n", [b"GET /"]),
        (b"GET / HTTP/1.0\nHost: x\n\r\n", [HTTP_SPOKEN]),
        (b"POST /\0\r\n", [HTTP_SPOKEN]),
        (b"POST /" + LONG + b" HTTP/1.1\r\n", [HTTP_SPOKEN]),
    ],
)
def test_lines(octets: bytes, expected: list[bytes | Reply], size: int) -> None:
    if size == 1 and len(octets) > 20_000:
        size = 7
    assert lines(octets, size) == expected


def test_take_all() -> None:
    reader = LineReader(LINE - 2)
    reader.receive(b"a\r\nrest")
    assert reader.next_line() == b"a"
    assert reader.buffered == 4
    assert reader.take_all() == b"rest"
    assert reader.buffered == 0
    reader.receive(b"more")
    assert reader.take_all() == b"more"
