"""The facts about decoded parts that are costly to learn: how long they are, and where decoding has got to.

A client that fetches a part of 50 MB in ranges asks for its size again and again, and each range begins where the
last one ended. So the last sizes and places are kept, in memory alone: they can be learned anew.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from postroad.mime.decoding import Decoder

MAX_SIZES = 4096  # of parts
MAX_PLACES = 64  # each has a decoder, with up to 64 KB of a long line

Source = tuple[int, int]  # a content's id, and the offset in it at which the encoded octets begin


@value
class Measured:
    """A part as it is decoded."""

    size: int  # octets
    has_nul: bool


@value
class Place:
    """How far a part has been decoded."""

    encoded: int  # the offset of the next encoded octet, in the content
    decoded: int  # octets that came out before it
    decoder: Decoder  # to be forked, not fed


class DecodedParts:
    """The sizes of parts, and places in them; the longest unused are forgotten."""

    def __init__(self) -> None:
        self._sizes: OrderedDict[Source, Measured] = OrderedDict()
        self._places: OrderedDict[Source, Place] = OrderedDict()

    def measured(self, source: Source) -> Measured | None:
        """Return the size of a part, if it is known."""
        size = self._sizes.get(source)
        if size is not None:
            self._sizes.move_to_end(source)
        return size

    def measure(self, source: Source, measured: Measured) -> None:
        """Keep the size of a part."""
        self._sizes[source] = measured
        if len(self._sizes) > MAX_SIZES:
            self._sizes.popitem(last=False)

    def place(self, source: Source, octet: int) -> Place | None:
        """Return a place in a part that is not behind this decoded octet."""
        place = self._places.get(source)
        return place if place is not None and place.decoded <= octet else None

    def keep(self, source: Source, place: Place) -> None:
        """Keep a place, instead of one that was known in the same part."""
        self._places[source] = place
        self._places.move_to_end(source)
        if len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
