"""Sizes and places of decoded parts are kept, and the longest unused forgotten."""

from __future__ import annotations

from postroad.mime.decoding import decoder
from postroad_store.mail.decoded import MAX_PLACES, MAX_SIZES, DecodedParts, Measured, Place


def place(decoded: int) -> Place:
    undo = decoder(b"base64", is_text=False)
    assert undo is not None
    return Place(decoded * 4 // 3, decoded, undo)


def test_sizes() -> None:
    known = DecodedParts()
    assert known.measured((1, 2)) is None
    known.measure((1, 2), Measured(30, has_nul=True))
    for number in range(MAX_SIZES - 1):
        known.measure((2, number), Measured(number, has_nul=False))
    assert known.measured((1, 2)) == Measured(30, has_nul=True)  # it is the last used now
    known.measure((3, 0), Measured(1, has_nul=False))
    assert known.measured((1, 2)) is not None
    assert known.measured((2, 0)) is None


def test_places() -> None:
    known = DecodedParts()
    first = place(30)
    known.keep((1, 2), first)
    assert known.place((1, 2), 29) is None
    assert known.place((1, 2), 30) is first
    assert known.place((1, 3), 30) is None
    known.keep((1, 2), second := place(60))
    assert known.place((1, 2), 90) is second
    for number in range(MAX_PLACES):
        known.keep((2, number), first)
    assert known.place((1, 2), 90) is None
