from __future__ import annotations

import pytest

from postroad_store.imap.grammar.modseq import read_modseq
from postroad_store.imap.grammar.reader import Reader, SyntaxFault


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"1", 1), (b"007", 7), (b"715194045007)", 715194045007), (b"9223372036854775807", (1 << 63) - 1)],
)
def test_read(text: bytes, value: int) -> None:
    assert read_modseq(Reader([text])) == value
    assert read_modseq(Reader([text]), zero=True) == value


def test_zero() -> None:
    assert read_modseq(Reader([b"0"]), zero=True) == 0
    with pytest.raises(SyntaxFault, match="Invalid modseq"):
        read_modseq(Reader([b"0"]))


@pytest.mark.parametrize("text", [b"x", b"-1", b"9223372036854775808", b"12345678901234567890"])
def test_malformed(text: bytes) -> None:
    with pytest.raises(SyntaxFault, match="Invalid modseq"):
        read_modseq(Reader([text]), zero=True)
