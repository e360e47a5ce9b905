"""Sizes as people write them: octets, or with K, M or G as many times 1024 of them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = re.compile(r"([0-9]{1,15})([KMG]?)")


def parse_size(text: str, *, least: int = 0) -> int:
    """Return the octets of a size; raises `ValueError`."""
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * _UNITS[match[2]] if match else -1
    if size < least:
        raise ValueError(f"must be a number of octets{' above 0' if least else ''}, such as 65536 or 50M")
    return size
