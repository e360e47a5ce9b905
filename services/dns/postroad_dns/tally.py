"""Counts the responses of one transport by their RCODE, without slowing them.

The hot path only hands over the octet that has the RCODE, for a whole batch at once. It is counted later: when there
are many such octets, or when somebody asks. One thread adds; any other may ask.
"""

from __future__ import annotations

from postroad_dns.lookup import Rcode

SILENT = 0xF  # in place of an octet: a query that was not answered; no response has this RCODE
_SILENT = bytes((SILENT,))
_MANY = 1 << 16
_RCODE = bytes(octet & 0xF for octet in range(256))  # RFC 1035 §4.1.1: the low half of a header's fourth octet
_NAMES = {rcode.value: rcode.name for rcode in Rcode}
_Counts = tuple[int, ...]


class Tally:
    """How many responses there were of each RCODE. That of BADVERS is 0 in the header, so it counts as NOERROR."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        # Counts, and octets that are not counted yet; they are exchanged together, so that a reader finds a pair
        # that belongs together.
        self._state: tuple[_Counts, bytearray] = ((0,) * 16, bytearray())

    def add(self, octets: bytes) -> None:
        """Add the octets of a batch, each the fourth of a response, or `SILENT`."""
        waiting = self._state[1]
        waiting += octets
        if len(waiting) > _MANY:
            self._state = (self._counts(), bytearray())

    def add_one(self, response: bytes | None) -> None:
        """Add one response, None if a query was not answered."""
        self.add(_SILENT if response is None else response[3:4])

    def _counts(self) -> _Counts:
        counts, waiting = self._state
        rcodes = waiting.translate(_RCODE)
        return tuple(count + rcodes.count(number) for number, count in enumerate(counts))

    def figures(self) -> tuple[int, dict[str, int]]:
        """Return the number of queries, and of responses by RCODE."""
        counts = self._counts()
        answers = {
            _NAMES.get(number, str(number)): count for number, count in enumerate(counts) if count and number != SILENT
        }
        return sum(counts), answers
