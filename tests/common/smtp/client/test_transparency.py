from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.smtp.client.transparency import DotStuffer


def stuffed(blocks: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join([*(stuffer.block(block) for block in blocks), stuffer.end()])


def slowly(content: bytes) -> bytes:
    """RFC 5321 §4.5.2, line by line."""
    if not content.endswith(b"\r\n") and content:
        content += b"\r\n"
    lines = content.split(b"\r\n")[:-1]
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"..a\r\n.b\r\n", b"...a\r\n..b\r\n.\r\n"),
        (b"a.\r\n", b"a.\r\n.\r\n"),
    ],
)
def test_dots_are_stuffed(content: bytes, sent: bytes) -> None:
    assert stuffed([content]) == sent


def test_it_does_not_matter_where_the_blocks_end() -> None:
    content = b".\r\n..a\r\n\r\n.b\r\nx.\r\n."
    for cuts in itertools.combinations(range(len(content) + 1), 2):
        first, second = cuts
        blocks = [content[:first], content[first:second], content[second:]]
        assert stuffed(blocks) == slowly(content), cuts


@settings(max_examples=200)
@given(st.lists(st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\n", b"\r"]), max_size=4).map(b"".join), max_size=6))
def test_fast_and_slow_agree(blocks: list[bytes]) -> None:
    assert stuffed(blocks) == slowly(b"".join(blocks))
