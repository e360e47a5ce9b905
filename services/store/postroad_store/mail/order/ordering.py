"""The sorting of messages by several criteria (RFC 5256 §3).

Sorting is stable, so one criterion after another is sorted by, the last one first. Many messages are first cast into
buckets, so that no step takes long: sorting a million at once would take a second.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from postroad_store.mail.order.criteria import SENT
from postroad_store.mail.order.values import Source
from postroad_store.mail.search.fuzzy import Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad_store.mail.model.view import View
    from postroad_store.mail.order.criteria import Criterion
    from postroad_store.mail.order.values import Derived
    from postroad_store.mail.search.evaluate import Sources
    from postroad_store.mail.search.pacer import Pace

Result = TypeVar("Result")

DIRECT = 12_000  # messages that are sorted at once (some 5 ms)
BUCKET = 4_000  # messages of a bucket, about
SAMPLE = 16  # keys are looked at for each bucket, to choose where the buckets end
FEW = 50  # messages that have come since, and are put into their places (0.1 ms each, at most)
STEP = 8_192  # messages that are cast at a time (about 2 ms)


class Order(NamedTuple):
    """A criterion, and whether it is reversed."""

    criterion: Criterion
    reverse: bool = False


class Ordering:
    """One SORT or THREAD: reads what it compares, for messages of a view."""

    def __init__(self, view: View, sources: Sources, pace: Pace, scores: Scores | None = None) -> None:
        self.view = view
        self.pace = pace
        self.scores = Scores() if scores is None else scores
        self._source = Source(sources.reader, sources.values, view.mailbox, pace)

    async def sorted(self, numbers: Sequence[int], orders: Sequence[Order], known: Sequence[int] = ()) -> list[int]:
        """Return the places of the messages (ascending numbers) in order; what is equal stays as it is.

        `known` are the places of the first messages in order, if that is known.
        """
        if known and len(numbers) - len(known) <= FEW:
            compared = [(await order.criterion.keys(self, numbers), order.reverse) for order in orders]
            return _inserted(list(known), range(len(known), len(numbers)), compared)
        places = list(range(len(numbers)))
        for order in reversed(orders):
            keys = await order.criterion.keys(self, numbers)
            places = await self._by(places, keys, reverse=order.reverse)
        return places

    async def _by(self, places: list[int], keys: list[Any], *, reverse: bool) -> list[int]:
        if len(places) <= DIRECT:
            places.sort(key=keys.__getitem__, reverse=reverse)
            await self.pace()
            return places
        buckets = await self._cast(places, keys)
        result: list[int] = []
        for number in range(len(buckets) - 1, -1, -1) if reverse else range(len(buckets)):
            if not number % 2:  # the others have equal keys
                buckets[number].sort(key=keys.__getitem__, reverse=reverse)
            result += buckets[number]
            buckets[number] = []
            await self.pace()
        return result

    async def _cast(self, places: list[int], keys: list[Any]) -> list[list[int]]:
        """Return buckets: with an even number those between two bounds, with an odd one those equal to a bound."""
        every = max(len(places) * SAMPLE // BUCKET, 1)
        sample = sorted([keys[place] for place in places[:: max(len(places) // every, 1)]])
        bounds = sorted(set(sample[::SAMPLE]))
        buckets: list[list[int]] = [[] for _ in range(2 * len(bounds) + 1)]
        for start in range(0, len(places), STEP):
            for place in places[start : start + STEP]:
                key = keys[place]
                at = bisect_left(bounds, key)
                buckets[2 * at + (at < len(bounds) and bounds[at] == key)].append(place)
            await self.pace()
        return buckets

    async def apart(self, function: Callable[[], Result], *, large: bool) -> Result:
        """Call a function that works in memory: in a thread, if it takes long."""
        return await self.pace.apart(function) if large else function()

    # -- what is compared -------------------------------------------------------------------------------------

    async def column(self, column: Sequence[int], numbers: Sequence[int]) -> list[int]:
        """Return the entries of one of the mailbox's parallel lists for these messages (ascending numbers)."""
        if not numbers:
            return []
        first, last = numbers[0], numbers[-1]
        values = self.view.pick(column, first, last)
        return list(values) if len(values) == len(numbers) else [values[number - first] for number in numbers]

    async def values(self, derived: Derived, numbers: Sequence[int]) -> list[Any]:
        """Return a value of each of these messages (ascending numbers)."""
        return await self._source.values(derived, self.uids(numbers))

    async def sent(self, numbers: Sequence[int]) -> list[int]:
        """Return the sent date of each of these messages, in seconds since 1970 UTC (RFC 5256 §2.2)."""
        # "If the sent date cannot be determined (a Date: header is missing or cannot be parsed), the INTERNALDATE for
        # that message is used as the sent date."
        sent = await self.values(SENT, numbers)
        if None not in sent:
            return sent
        arrived = await self.column(self.view.mailbox.internal_dates, numbers)
        return [arrived[at] if seconds is None else seconds for at, seconds in enumerate(sent)]

    def uids(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the UIDs of these messages (ascending numbers)."""
        uids = self.view.uids
        if numbers and numbers[-1] - numbers[0] + 1 == len(numbers):
            return uids[numbers[0] - 1 : numbers[-1]]
        return [uids[number - 1] for number in numbers]


def _inserted(places: list[int], new: Iterable[int], compared: Sequence[tuple[Sequence[Any], bool]]) -> list[int]:
    """Put further places into those that are in order; `compared` has keys by place, and whether they are reversed."""
    for place in new:
        low, high = 0, len(places)
        while low < high:
            middle = (low + high) // 2
            if _is_before(place, places[middle], compared):
                high = middle
            else:
                low = middle + 1
        places.insert(low, place)
    return places


def _is_before(place: int, other: int, compared: Sequence[tuple[Sequence[Any], bool]]) -> bool:
    for keys, reverse in compared:
        if keys[place] != keys[other]:
            return bool(keys[place] < keys[other]) is not reverse
    return False
