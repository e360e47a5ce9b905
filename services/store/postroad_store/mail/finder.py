"""Finding messages: SEARCH, SORT and THREAD over a view (`Storage.finder`).

Long ones let other tasks run in between, and await `between` then, which may raise to end them. The view must not
`take` meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.index.index import HIGHEST, Index
from postroad_store.mail.index.indexer import Indexer
from postroad_store.mail.order.ordering import Ordering
from postroad_store.mail.order.results import Results
from postroad_store.mail.search.evaluate import Sources, evaluate
from postroad_store.mail.search.pacer import Pacer, Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from postroad.clock import Clock
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.view import View
    from postroad_store.mail.order.ordering import Order
    from postroad_store.mail.search.fuzzy import Scores
    from postroad_store.mail.search.key import Key
    from postroad_store.mail.threads.algorithms import Algorithm
    from postroad_store.mail.threads.forest import Forest

    Between = Callable[[], Awaitable[None]]


class Finder:
    """The searches of one storage; they share what they have read."""

    def __init__(self, path: Path, reader: Reader, clock: Clock) -> None:
        """Search the database at `path`, by its reader."""
        self.index = Index(path)
        self._indexer = Indexer(self.index, lambda: int(reader.rows(HIGHEST, ())[0][0]))
        self._sources = Sources(reader, clock, self.index)
        self._results = Results()
        self._turns = Turns()

    def close(self) -> None:
        """End the making of the index."""
        self._indexer.close()

    def texts_are_made(self) -> None:
        """Note that all messages have their texts, which the index may have waited for."""
        self._indexer.notice(0)

    def arrived(self, messages: int) -> None:
        """Note that there are so many new messages to be found."""
        self._indexer.notice(messages)

    async def search(
        self, view: View, key: Key, *, between: Between | None = None, scores: Scores | None = None
    ) -> Sequence[int]:
        """Return the sequence numbers of the messages that match, ascending (RFC 3501 §6.4.4).

        With `scores`, how relevant they are to what is searched for fuzzily is noted there (RFC 6203 §4).
        """
        async with Pacer(self._turns, between) as pace:
            return await evaluate(view, self._sources, key, pace, scores)

    async def sort(
        self,
        view: View,
        key: Key,
        orders: Sequence[Order],
        *,
        between: Between | None = None,
        scores: Scores | None = None,
    ) -> list[int]:
        """Return the sequence numbers of the messages that match, in order (RFC 5256 §3); note the scores."""
        async with Pacer(self._turns, between) as pace:
            numbers = await evaluate(view, self._sources, key, pace, scores)
            ordering = Ordering(view, self._sources, pace, scores)
            if not all(order.criterion.lasting for order in orders):
                return [numbers[place] for place in await ordering.sorted(numbers, orders)]
            asked, uids = (view.mailbox.id, tuple(orders)), ordering.uids(numbers)
            places: Sequence[int] | None = self._results.get(asked, uids)
            if places is None:
                places = await ordering.sorted(numbers, orders, self._results.begun(asked, uids) or ())
                self._results.put(asked, uids, places)
            return [numbers[place] for place in places]

    async def thread(
        self, view: View, key: Key, algorithm: Algorithm, *, between: Between | None = None
    ) -> tuple[Sequence[int], Forest]:
        """Return the sequence numbers of the messages that match, ascending, and their threads (RFC 5256 §3)."""
        async with Pacer(self._turns, between) as pace:
            numbers = await evaluate(view, self._sources, key, pace)
            ordering = Ordering(view, self._sources, pace)
            asked, uids = (view.mailbox.id, algorithm.word), ordering.uids(numbers)
            forest: Forest | None = self._results.get(asked, uids)
            if forest is None:
                forest = await algorithm.thread(ordering, numbers)
                self._results.put(asked, uids, forest)
            return numbers, forest
