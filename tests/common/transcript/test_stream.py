"""Octets in blocks of any size: the same lines, literals and contents come of them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.transcript.line import Measure
from postroad.transcript.stream import MOST, Dotted, Stream

PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r", b"\n", b".."]), max_size=12).map(b"".join)
CUTS = st.lists(st.integers(1, 5), min_size=1, max_size=5)


def blocks(octets: bytes, sizes: list[int]) -> list[bytes]:
    cut = 0
    pieces: list[bytes] = []
    while cut < len(octets):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(octets[cut : cut + size])
        cut += size
    return pieces


@given(PIECES, CUTS)
def test_lines(octets: bytes, sizes: list[int]) -> None:
    stream = Stream()
    lines = []
    for number, block in enumerate(blocks(octets, sizes)):
        stream.add(block, float(number), tls=bool(number % 2))
        assert (stream.at, stream.tls) == (float(number), bool(number % 2))
        while (line := stream.line()) is not None:
            lines.append(line)
    *whole, rest = octets.split(b"\r\n")
    assert lines == whole
    assert stream.rest() == rest
    assert stream.rest() == b""
    stream.add(b"x\r\n", 0.0, tls=False)
    assert stream.line() == b"x"


@given(PIECES, CUTS, st.integers(1, 9))
def test_literals(octets: bytes, sizes: list[int], left: int) -> None:
    stream, measure = Stream(), Measure()
    wanted = left
    for block in blocks(octets, sizes):
        stream.add(block, 0.0, tls=False)
        if left:
            left = stream.counted(left, measure)
    assert left == max(0, wanted - len(octets))
    assert (measure.size, measure.beginning) == (len(octets[:wanted]), octets[:wanted])
    assert measure.reference.sha256 == hashlib.sha256(octets[:wanted]).hexdigest()
    assert stream.rest() == octets[wanted:]


def undotted(octets: bytes) -> tuple[bytes, bytes | None]:
    """RFC 5321 §4.5.2, line by line: the content, and what follows it; None if it does not end."""
    content = b""
    while True:
        line, end, octets = octets.partition(b"\r\n")
        if end and line == b".":
            return content, octets
        content += line.removeprefix(b".") + end
        if not end:
            return content, None


@given(PIECES, CUTS)
def test_dotted_contents(octets: bytes, sizes: list[int]) -> None:
    content, after = undotted(octets + b"\r\n.\r\nnext")
    stream, measure = Stream(), Measure()
    dotted = Dotted(measure)
    rest = blocks(octets + b"\r\n.\r\nnext", sizes)
    while rest:
        stream.add(rest.pop(0), 0.0, tls=False)
        if dotted.take(stream):
            break
    assert (measure.size, measure.beginning) == (len(content), content)
    assert stream.rest() + b"".join(rest) == after


@pytest.mark.parametrize("size", [MOST, MOST + 1, 3 * MOST])
def test_a_line_without_end_is_kept_to_a_bound(size: int) -> None:
    stream = Stream()
    stream.add(b"a" * (size // 2) + b"b" * (size - size // 2), 0.0, tls=False)
    assert stream.line() is None
    assert len(stream.buffer) == MOST
    assert stream.buffer == b"a" * (MOST // 2) + b"b" * (MOST // 2)
    stream.add(b"\r\n", 0.0, tls=False)
    assert stream.line() == b"a" * (MOST // 2) + b"b" * (MOST // 2)


def test_a_content_without_line_ends_is_measured_as_it_comes() -> None:
    stream, measure = Stream(), Measure()
    dotted = Dotted(measure)
    stream.add(b"." + b"a" * MOST, 0.0, tls=False)
    assert not dotted.take(stream)
    assert (measure.size, len(stream.buffer)) == (MOST - 4, 4)
    stream.add(b"\r\n.\r\n", 0.0, tls=False)
    assert dotted.take(stream)
    assert measure.size == MOST + 2


@pytest.mark.parametrize("tail", [b".\r\nb", b".xyz", b"..\r\n"])
def test_a_dot_in_the_midst_of_a_line_is_content(tail: bytes) -> None:
    stream, measure = Stream(), Measure()
    dotted = Dotted(measure)
    stream.add(b"a" * (MOST - 3) + tail, 0.0, tls=False)
    assert not dotted.take(stream)
    assert stream.buffer == tail  # the line has begun before
    assert not dotted.take(stream)
    stream.add(b"\r\n.\r\n", 0.0, tls=False)
    assert dotted.take(stream)
    assert measure.size == MOST - 3 + len(tail) + 2
