"""Sizes as people write them."""

from __future__ import annotations

import pytest

from postroad.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("65536", 65536), ("2K", 2048), ("50M", 50 << 20), ("1G", 1 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1T", "1 K", "1k", "1.5M"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number of octets, such as"):
        parse_size(text)


def test_a_size_above_nothing() -> None:
    with pytest.raises(ValueError, match="must be a number of octets above 0, such as"):
        parse_size("0", least=1)
