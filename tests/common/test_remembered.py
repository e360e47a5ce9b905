"""`postroad.remembered`: short keys are kept, long ones are not."""

from __future__ import annotations

from postroad.remembered import remembered


def test_short_keys_are_kept_and_long_ones_are_not() -> None:
    asked = []

    @remembered(2, 4)
    def upper(key: bytes) -> bytes:
        asked.append(key)
        return key.upper()

    assert [upper(key) for key in (b"ab", b"ab", b"abcd", b"abcde", b"abcde")] == [
        b"AB", b"AB", b"ABCD", b"ABCDE", b"ABCDE"
    ]  # fmt: skip
    assert asked == [b"ab", b"abcd", b"abcde", b"abcde"]
