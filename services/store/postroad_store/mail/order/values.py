"""One value of each message of a mailbox, such as its base subject, by which SORT and THREAD go.

The first SORT reads them from the ENVELOPEs, and they are kept, within bounds, for the next ones: a message never
changes, so they only ever grow.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import Column
    from postroad_store.mail.search.pacer import Pace

MAX_KEPT = 32 << 20  # octets, of all values and mailboxes
ENTRY = 1000  # octets that keeping values takes besides them
MOSTLY_GONE = 1000  # values of messages that are gone, beyond twice those that are there: then all are read anew
ROWS = 256  # messages that are read in one step (about a millisecond)
VALUE = 100  # octets that a new value takes, about
_PLACE = 12  # octets of a UID and a reference


@value
class Derived:
    """A value, and how it is made of the columns of a message. `missing` stands for a message that has gone."""

    name: str
    columns: tuple[Column, ...]
    make: Callable[..., Any]  # of the columns' octets
    missing: Any


@dataclass(slots=True)
class Values:
    """The values of messages, ascending by UID, up to a UID."""

    upto: int = 0  # the highest UID that has been looked at
    uids: array[int] = field(default_factory=lambda: array("I"))
    values: list[Any] = field(default_factory=list)
    size: int = ENTRY  # octets of memory, about

    def of(self, uids: Sequence[int], missing: Any) -> list[Any]:
        """Return the values of these messages."""
        if array("I", uids) == self.uids:
            return self.values
        known = dict(zip(self.uids, self.values, strict=True))
        return [known.get(uid, missing) for uid in uids]


class KeptValues:
    """The values that are kept: the most recently used ones, by mailbox and name."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Values] = OrderedDict()
        self._size = 0

    def get(self, mailbox: int, name: str) -> Values | None:
        """Return values, or None if they are not kept."""
        values = self._kept.get((mailbox, name))
        if values is not None:
            self._kept.move_to_end((mailbox, name))
        return values

    def put(self, mailbox: int, name: str, values: Values) -> None:
        """Keep them, and forget others, the least recently used first."""
        old = self._kept.pop((mailbox, name), None)
        self._size += values.size - (old.size if old else 0)
        self._kept[mailbox, name] = values
        while self._size > MAX_KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= gone.size


@value
class Source:
    """Where values come from."""

    reader: Reader
    kept: KeptValues
    mailbox: Mailbox
    pace: Pace

    async def values(self, derived: Derived, uids: Sequence[int]) -> list[Any]:
        """Return a value of each of these messages (ascending UIDs)."""
        mailbox = self.mailbox
        values = self.kept.get(mailbox.id, derived.name)
        if values is None and 4 * len(uids) < len(mailbox.uids):  # few messages are asked for: do not read the others
            return (await self._extended(derived, Values(), uids)).of(uids, derived.missing)
        if values is None or len(values.uids) > 2 * len(mailbox.uids) + MOSTLY_GONE:
            values = Values()
        new = mailbox.uids[bisect_right(mailbox.uids, values.upto) :]
        if new:
            values = await self._extended(derived, values, new)
            self.kept.put(mailbox.id, derived.name, values)
        return values.of(uids, derived.missing)

    async def _extended(self, derived: Derived, base: Values, uids: Sequence[int]) -> Values:
        """Return the values with those of more messages; others may go on using those that it began with."""
        values = Values(uids[-1] if uids else 0, base.uids[:], base.values.copy(), base.size)
        make = derived.make
        same: dict[Any, Any] = {}  # equal values are one object: many messages have the same sender
        for start in range(0, len(uids), ROWS):
            rows = self.reader.block(self.mailbox, uids[start : start + ROWS], derived.columns)
            values.uids.extend([row[0] for row in rows])
            for row in rows:
                value = make(*row[1:])
                kept = same.get(value)
                if kept is None:
                    values.size += VALUE
                    if type(value) is tuple:
                        value = tuple([same.setdefault(part, part) for part in value])
                    kept = same[value] = value
                values.values.append(kept)
            values.size += _PLACE * len(rows)
            await self.pace()
        return values
