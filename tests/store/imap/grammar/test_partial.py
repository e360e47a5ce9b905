from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.partial import Page, read_page
from postroad_store.imap.grammar.reader import Reader, SyntaxFault


@pytest.mark.parametrize(
    ("text", "page"),
    [
        (b"1:500", Page(1, 500, from_end=False)),
        (b"500:1", Page(500, 1, from_end=False)),
        (b"-1:-100", Page(1, 100, from_end=True)),
        (b"7:7)", Page(7, 7, from_end=False)),
        (b"4294967295:1", Page(4294967295, 1, from_end=False)),
    ],
)
def test_read(text: bytes, page: Page) -> None:
    assert read_page(Reader([text])) == page
    assert bytes(page) == text.removesuffix(b")")


@pytest.mark.parametrize(
    "text", [b"1", b"1:", b":1", b"0:1", b"1:0", b"-1:1", b"1:-1", b"1:*", b"1:2:3", b"1:4294967296", b"12345678901:1"]
)
def test_malformed(text: bytes) -> None:
    with pytest.raises(SyntaxFault, match="Invalid partial range"):
        read_page(Reader([text]))


@given(st.lists(st.integers(), max_size=12), st.integers(1, 15), st.integers(1, 15), st.booleans())
def test_pages(entries: list[int], first: int, last: int, from_end: bool) -> None:
    """RFC 9394 §3.1: places are counted from 1 at the begin, or from -1 at the end."""
    low, high = sorted((first, last))
    wanted = [
        entry
        for place, entry in enumerate(entries, 1)
        if low <= (len(entries) + 1 - place if from_end else place) <= high
    ]
    assert [entries[at] for at in Page(first, last, from_end).of(len(entries))] == wanted
