r"""The flags of a mailbox's messages, in one octet each as long as there are few different values.

A million messages have a handful of different values of flags (`flags`). So each message has a code, and a table tells
what a code stands for. A test or a change is made once for each value, and then for all messages by the processor's
fastest loops: `translate`, `index`. A mailbox with hundreds of values has four octets per message, and slower loops.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING, Union, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Codes = Union[bytearray, "array[int]"]

NARROW = 256  # codes that fit in an octet
FEW = 16  # values, up to which it is quicker to look for each than to make a set of all codes


class FlagColumn(Sequence[int]):
    """A sequence of flags, one number per message."""

    __slots__ = ("_code_of", "_room", "codes", "values")

    def __init__(self, flags: Iterable[int] = ()) -> None:
        self.codes: Codes = bytearray()
        self.values: list[int] = []  # by code; some that no message has any longer
        self._code_of: dict[int, int] = {}
        self._room = NARROW  # values, above which the table is made anew
        self.extend(flags)

    # -- a sequence --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many messages there are."""
        return len(self.codes)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the flags."""
        return map(self.values.__getitem__, self.codes)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> list[int]: ...
    def __getitem__(self, place: int | slice) -> int | list[int]:
        """Return the flags of one message, or of several."""
        if isinstance(place, slice):
            return list(map(self.values.__getitem__, self.codes[place]))
        return self.values[self.codes[place]]

    def copy(self, count: int) -> FlagColumn:
        """Return the flags of the first messages, as they are now."""
        copied = FlagColumn()
        copied.codes = self.codes[:count]
        copied.values, copied._code_of, copied._room = self.values[:], self._code_of.copy(), self._room
        return copied

    # -- questions, each answered once per value ---------------------------------------------------------------

    def used(self, start: int, end: int) -> list[int]:
        """Return the codes of messages at places from `start` to before `end`, in no order."""
        codes = self.codes
        if len(self.values) <= FEW and isinstance(codes, bytearray):
            return [code for code in range(len(self.values)) if codes.find(code, start, end) >= 0]
        return list(set(codes[start:end]))

    def first(self, test: Callable[[int], object]) -> int | None:
        """Return the place of the first message whose flags pass the test, or None."""
        codes = self.codes
        end = len(codes)
        for code, flags in enumerate(self.values):
            if test(flags):
                if isinstance(codes, bytearray):
                    at = codes.find(code, 0, end)
                    end = end if at < 0 else at
                    continue
                try:
                    end = codes.index(code, 0, end)
                except ValueError:
                    continue
        return end if end < len(codes) else None

    def places(self, bit: int, most: int) -> list[int]:
        """Return the places, ascending, of the messages with a flag; none if there are more than so many."""
        places: list[int] = []
        codes = self.codes
        if not isinstance(codes, bytearray):
            return places
        for code, flags in enumerate(self.values):
            at = codes.find(code) if flags & bit else -1
            while at >= 0:
                places.append(at)
                if len(places) > most:
                    return []
                at = codes.find(code, at + 1)
        places.sort()
        return places

    def marks(self, start: int, end: int, test: Callable[[int], object]) -> Sequence[int]:
        """Return 1 for each message at these places whose flags pass the test, 0 for the others."""
        return self._translated(start, end, [bool(test(flags)) for flags in self.values])

    def _translated(self, start: int, end: int, becomes: Sequence[int]) -> bytearray | list[int]:
        """Return what the codes at these places become."""
        codes = self.codes[start:end]
        if isinstance(codes, bytearray):
            return codes.translate(bytes(becomes).ljust(NARROW, b"\0"))
        return list(map(becomes.__getitem__, codes))

    # -- changes -----------------------------------------------------------------------------------------------

    def append(self, flags: int) -> None:
        """Add a message."""
        code = self._code_of.get(flags)
        if code is None:
            self._learn([flags])
            code = self._code_of[flags]
        self.codes.append(code)

    def extend(self, flags: Iterable[int]) -> None:
        """Add messages."""
        flags = list(flags)
        self._learn(set(flags))
        self.codes.extend(map(self._code_of.__getitem__, flags))

    def extend_coded(self, codes: Sequence[int], values: Sequence[int]) -> None:
        """Add messages of whose flags these are the codes, in this table."""
        self._learn(set(values))
        becomes = [self._code_of[flags] for flags in values]
        if isinstance(codes, bytes) and isinstance(self.codes, bytearray):
            self.codes += codes.translate(bytes(becomes).ljust(NARROW, b"\0"))
        else:
            self.codes.extend(map(becomes.__getitem__, codes))

    def change(self, start: int, end: int, apply: Callable[[int], int]) -> Sequence[int]:
        """Change the flags at these places; return 1 for each message that has others now, 0 for the others.

        Return nothing at all if no message has others.
        """
        old = [self.values[code] for code in self.used(start, end)]
        new = [apply(flags) for flags in old]
        if old == new:
            return ()
        self._learn({*old, *new})
        becomes = list(range(len(self.values)))
        for flags, value in zip(old, new, strict=True):
            becomes[self._code_of[flags]] = self._code_of[value]
        changed = self._translated(start, end, [code != other for code, other in enumerate(becomes)])
        codes = self._translated(start, end, becomes)
        self._put(start, end, codes)
        return changed

    def change_one(self, place: int, flags: int) -> None:
        """Give one message these flags."""
        if flags not in self._code_of:
            self._learn([flags])
        self.codes[place] = self._code_of[flags]

    def keep(self, start: int, end: int, stays: Sequence[int]) -> None:
        """Take out the messages at these places that do not stay."""
        self._put(start, end, compress(self.codes[start:end], stays))

    def _put(self, start: int, end: int, codes: Iterable[int]) -> None:
        """Put codes in the place of others."""
        if isinstance(self.codes, bytearray):
            self.codes[start:end] = codes
        else:
            self.codes[start:end] = array("I", codes)

    # -- the table ---------------------------------------------------------------------------------------------

    def _learn(self, values: Iterable[int]) -> None:
        """Give codes to values that have none."""
        new = [flags for flags in values if flags not in self._code_of]
        if len(self.values) + len(new) > self._room:
            self._renew(values)
            return
        for flags in new:
            self._code_of[flags] = len(self.values)
            self.values.append(flags)

    def _renew(self, values: Iterable[int]) -> None:
        """Give new codes to these values and to those that messages have, and forget the others.

        The codes are as wide as twice as many need, so that this happens seldom.
        """
        old = self.values
        self.values = list(dict.fromkeys([old[code] for code in self.used(0, len(self.codes))] + list(values)))
        self._code_of = {flags: code for code, flags in enumerate(self.values)}
        self._room = max(2 * len(self.values), NARROW)
        codes = map([self._code_of.get(flags, 0) for flags in old].__getitem__, self.codes)
        self.codes = bytearray(codes) if self._room == NARROW else array("I", codes)
