"""Byte-stuffing, whole and in pieces."""

from __future__ import annotations

import io
import poplib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad_store.pop3.multiline import Stuffer, body_lines, stuff

CASES = [
    (b"", b".\r\n"),
    (b"\r\n", b"\r\n.\r\n"),
    (b"a\r\n", b"a\r\n.\r\n"),
    (b".\r\n", b"..\r\n.\r\n"),
    (b"..\r\n", b"...\r\n.\r\n"),
    (b".", b"..\r\n.\r\n"),
    (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
    (b"a\r\n.\r\n.\r\n", b"a\r\n..\r\n..\r\n.\r\n"),
    (b"a.\r\n.b\r\n", b"a.\r\n..b\r\n.\r\n"),
    (b"no end", b"no end\r\n.\r\n"),
    (b"bare LF\n.\nx\r\n", b"bare LF\n..\nx\r\n.\r\n"),
    (b"ends in LF\n", b"ends in LF\n\r\n.\r\n"),
    (b"ends in CR\r", b"ends in CR\r\r\n.\r\n"),
]


@pytest.mark.parametrize(("content", "sent"), CASES)
def test_whole(content: bytes, sent: bytes) -> None:
    assert b"".join(stuff(content)) == sent


@pytest.mark.parametrize(("content", "sent"), CASES)
def test_octet_by_octet(content: bytes, sent: bytes) -> None:
    stuffer = Stuffer()
    pieces = [stuffer.piece(content[i : i + 1]) for i in range(len(content))]
    assert b"".join(pieces) + stuffer.end() == sent


MESSY = st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"a", b"\r\n.", b".\r\n"]), max_size=20).map(b"".join)


@given(MESSY, st.lists(st.integers(0, 60), max_size=5))
@example(b"a\r\n.", [1, 2, 3])
def test_pieces_are_as_the_whole_however_they_are_cut(content: bytes, cuts: list[int]) -> None:
    stuffer = Stuffer()
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [stuffer.piece(content[a:b]) for a, b in pairwise(edges)]
    assert b"".join(pieces) + stuffer.end() == b"".join(stuff(content))


@given(st.lists(st.sampled_from([b".", b"a", b"..", b" ", b""]), max_size=12))
def test_a_client_reads_back_what_was_stored(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    client = poplib.POP3.__new__(poplib.POP3)
    client.file = io.BytesIO(b"+OK\r\n" + b"".join(stuff(content)))
    client._debugging = 0  # type: ignore[attr-defined]
    _, read, _ = client._getlongresp()  # type: ignore[attr-defined]
    assert b"".join(line + b"\r\n" for line in read) == content


@pytest.mark.parametrize(
    ("count", "octets"),
    [
        (0, b""),
        (1, b"a\r\n"),
        (2, b"a\r\n\r\n"),
        (3, b"a\r\n\r\nb"),
        (4, b"a\r\n\r\nb"),
        (9_999_999_999, b"a\r\n\r\nb"),
    ],
)
def test_body_lines(count: int, octets: bytes) -> None:
    text = b"a\r\n\r\nb"
    assert text[: body_lines(text, count)] == octets
