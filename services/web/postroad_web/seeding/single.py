"""A file that is one message (RFC 5322), as mail programs save it: .eml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_web.seeding.found import Found, checked, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACE = "the message"


class Single:
    """Reads one message of at most `most` octets."""

    skipped = 0

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, octets: bytes) -> Iterator[Found]:
        """Keep a piece."""
        self._pieces.append(octets)
        self._size += len(octets)
        if self._size > self._most:
            raise too_large(_PLACE, self._most)
        return iter(())

    def end(self) -> Iterator[Found]:
        """Give the message."""
        yield checked(Found(b"".join(self._pieces), place=_PLACE), self._most)
