"""Evaluation of search keys over a view (RFC 3501 §6.4.4).

Each key narrows a list of sequence numbers. The tree is walked by a loop, not by recursion: clients nest thousands of
keys (Jakarta Mail's OrTerm nests one level per term). The cheap keys of an AND go first, so that text is read only for
the messages that are left.

Nothing here takes the event loop for long: after every block of messages comes `await pace()`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import field
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any

from postroad.mime.fields import fields, unfold
from postroad.mime.text import header_text
from postroad.value import value
from postroad_store.mail.index.narrowing import Narrowing
from postroad_store.mail.model.message import Column
from postroad_store.mail.order.values import KeptValues
from postroad_store.mail.search.addresstext import addresses
from postroad_store.mail.search.fieldtext import Extension, FieldText, FieldTexts, values
from postroad_store.mail.search.fuzzy import Scores
from postroad_store.mail.search.key import Combination, Leaf
from postroad_store.mail.search.longtext import LongTexts, joined_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Container, Iterator, Sequence

    from postroad.clock import Clock
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.index.index import Index
    from postroad_store.mail.model.view import View
    from postroad_store.mail.search.key import Key, Numbers
    from postroad_store.mail.search.pacer import Pace

    Row = tuple[int, int, bytes | None, bytes]  # as Reader.texts gives them
    Values = list[tuple[int, list[bytes]]]  # UIDs, and the values of a field

SLICE = 1 << 14  # messages that are looked at in one step, in memory (about a millisecond)
ROWS = 512  # messages of which columns are read in one step
PIECE = 1 << 20  # octets of a long message that are read in one step
# Begins the name under which FieldTexts keeps addresses; no header field's name has a parenthesis.
_IN_ENVELOPE = b"("


@value
class Sources:
    """The reader of searches, and the texts that are kept for the next ones; one per storage."""

    reader: Reader
    clock: Clock
    index: Index
    fields: FieldTexts = field(default_factory=FieldTexts)
    values: KeptValues = field(default_factory=KeptValues)
    long_texts: LongTexts = field(default_factory=LongTexts)


async def evaluate(view: View, sources: Sources, key: Key, pace: Pace, scores: Scores | None = None) -> Numbers:
    """Return the sequence numbers of the view's messages that match, ascending; note their scores, if any are wanted.

    The view must not `take` meanwhile. Messages that go meanwhile may match or not.
    """
    with sources.long_texts.in_use():
        search = Evaluation(view, sources, pace, scores)
        return await search.match(key, await search.present())


class _Frame:
    """A combination whose parts are being matched."""

    __slots__ = ("excludes", "fuzzy", "inverted", "left", "numbers", "parts")

    def __init__(self, key: Combination, numbers: Numbers, *, fuzzy: bool) -> None:
        self.numbers = numbers  # among which the combination is matched
        self.left = numbers  # among which its next part is matched
        self.parts = iter(key.parts)
        self.excludes = key.excludes
        self.inverted = key.inverted
        self.fuzzy = fuzzy if key.fuzzy is None else key.fuzzy


class Evaluation:
    """One search: its view, and the methods by which keys match messages."""

    def __init__(self, view: View, sources: Sources, pace: Pace, scores: Scores | None = None) -> None:
        self.view = view
        self.pace = pace
        self.scores = Scores() if scores is None else scores
        self.now = sources.clock.now()  # seconds since 1970
        self._mailbox = view.mailbox
        self.reader = sources.reader
        self._narrowing = Narrowing(sources.index, sources.reader)
        self._kept = sources.fields
        self._long_texts = sources.long_texts
        # Of all messages of the view 1 for those with a flag bit, or without it; as they were when a key first asked
        self._marks: dict[tuple[int, bool], Sequence[int]] = {}

    async def present(self) -> Numbers:
        """Return the numbers of the messages that are not gone."""
        count = len(self.view.uids)
        everything = range(1, count + 1)
        if not self.view.has_lost(1, count):
            return everything
        view, flags = self.view, self._mailbox.flags
        return await self._filtered(
            everything,
            lambda part: [n for n, value in zip(part, view.pick(flags, part[0], part[-1]), strict=True) if value >= 0],
        )

    # -- the tree ---------------------------------------------------------------------------------------------

    async def match(self, key: Key, numbers: Numbers) -> Numbers:
        """Return those of `numbers` that match the key."""
        frames: list[_Frame] = []
        while True:
            if isinstance(key, Combination):
                frames.append(_Frame(key, numbers, fuzzy=bool(frames) and frames[-1].fuzzy))
                await self.pace()  # a chain of thousands may have one leaf
            else:
                assert isinstance(key, Leaf)  # noqa: S101 - there is no third kind
                if not frames:
                    return await key.among(numbers, self) if numbers else numbers
                await self._match_leaf(frames[-1], key)
                await self.pace()
            while (part := next(frames[-1].parts, None) if frames[-1].left else None) is None:
                ended = frames.pop()
                numbers = await self.without(ended.numbers, ended.left) if ended.inverted else ended.left
                if not frames:
                    return numbers
                await self._narrow(frames[-1], numbers)
                await self.pace()
            key, numbers = part, frames[-1].left

    async def _match_leaf(self, frame: _Frame, key: Leaf) -> None:
        if frame.fuzzy:
            await self._narrow(frame, await key.near(frame.left, self))
        else:
            frame.left = await (key.outside if frame.excludes else key.among)(frame.left, self)

    async def _narrow(self, frame: _Frame, matched: Numbers) -> None:
        frame.left = await self.without(frame.left, matched) if frame.excludes else matched

    async def without(self, numbers: Numbers, taken: Numbers) -> Numbers:
        """Return the numbers that are not among others, which are a part of them."""
        if not taken or not numbers:
            return numbers
        if len(taken) == len(numbers):  # it is a part of them
            return []

        def rest(part: Numbers) -> Numbers:
            gone = set(taken[bisect_left(taken, part[0]) : bisect_right(taken, part[-1])])
            return [number for number in part if number not in gone] if gone else part

        return await self._filtered(numbers, rest)

    async def _filtered(self, numbers: Numbers, test: Callable[[Numbers], Numbers]) -> Numbers:
        """Apply a test that looks at memory alone."""
        if len(numbers) <= SLICE:
            return test(numbers)
        kept: list[int] = []
        for part in slices(numbers):
            kept += test(part)
            await self.pace()
        return kept

    # -- matching in memory -----------------------------------------------------------------------------------

    async def with_bit(self, numbers: Numbers, bit: int, *, wanted: bool = True) -> Numbers:
        """Return those with this flag bit, or those without it."""
        marks = self._marks.get((bit, wanted))
        if marks is None:
            marks = self._marks[bit, wanted] = await self._marked(lambda flags: bool(flags & bit) is wanted)

        def test(part: Numbers) -> Numbers:
            first, last = part[0], part[-1]
            if last - first < len(part):
                return list(compress(part, marks[first - 1 : last]))
            return [number for number in part if marks[number - 1]]

        return await self._filtered(numbers, test)

    async def _marked(self, test: Callable[[int], bool]) -> Sequence[int]:
        """Return 1 for each message of the view whose flags pass the test, 0 for the others."""
        column, count = self._mailbox.flags, len(self.view.uids)
        if not self.view.has_lost(1, count):
            return column.marks(0, count, test)  # a millisecond for a million
        marks = bytearray()
        for part in slices(range(1, count + 1)):
            marks += bytes(map(test, self.view.pick(column, part[0], part[-1])))
            await self.pace()
        return marks

    async def with_uids(self, numbers: Numbers, wanted: Container[int]) -> Numbers:
        """Return those whose UID is wanted."""
        uids = self.view.uids
        return await self._filtered(numbers, lambda part: [number for number in part if uids[number - 1] in wanted])

    async def within(self, numbers: Numbers, column: Sequence[int], low: float, high: float) -> Numbers:
        """Return those whose entry in one of the mailbox's parallel lists is `low` or more, and less than `high`."""

        def test(part: Numbers) -> Numbers:
            first, last = part[0], part[-1]
            if last - first < 4 * len(part):
                values = self.view.pick(column, first, last)
                return [number for number in part if low <= values[number - first] < high]
            return [number for number in part if low <= self.view.pick(column, number, number)[0] < high]

        return await self._filtered(numbers, test)

    # -- matching by reading ----------------------------------------------------------------------------------

    async def sent(self, numbers: Numbers, low: float, high: float) -> Numbers:
        """Return those whose Date field has a day that is `low` or more, and less than `high`."""
        kept: list[int] = []
        for part in slices(numbers):
            matched: set[int] = set()
            for rows in self.reader.sent_days(self._mailbox, self.uids(part)):
                matched.update(uid for uid, day in rows if day is not None and low <= day < high)
                await self.pace()
            kept += await self.with_uids(part, matched)
        return kept

    async def matching(self, numbers: Numbers, column: Column, test: Callable[[Any], bool]) -> Numbers:
        """Return those whose value in a column passes the test."""
        kept: list[int] = []
        for part in slices(numbers):
            matched: set[int] = set()
            uids = self.uids(part)
            for start in range(0, len(uids), ROWS):
                rows = self.reader.block(self._mailbox, uids[start : start + ROWS], (column,))
                matched.update(uid for uid, value in rows if test(value))
                await self.pace()
            kept += await self.with_uids(part, matched)
        return kept

    async def header(self, numbers: Numbers, name: bytes, needle: bytes) -> Numbers:
        """Return those with the needle in a value of the field; an empty needle matches every value."""
        return await self._in_field(await self.header_text(numbers, name, (needle,)), needle)

    async def addresses(self, numbers: Numbers, name: bytes, needle: bytes) -> Numbers:
        """Return those with the needle in an address of the ENVELOPE's field; an empty needle matches every address."""
        return await self._in_field(await self.address_text(numbers, name, (needle,)), needle)

    async def _in_field(self, narrowed: tuple[Numbers, FieldText], needle: bytes) -> Numbers:
        numbers, text = narrowed
        matched: set[int] = set()
        for some in text.search(needle):
            matched |= some
            await self.pace()
        return await self.with_uids(numbers, matched) if matched else []

    async def header_text(self, numbers: Numbers, name: bytes, needles: Sequence[bytes]) -> tuple[Numbers, FieldText]:
        """Return the text of a field, and those of the messages that may have one of the needles in it."""
        return await self._field(numbers, name, needles, partial(self._headers, name))

    async def address_text(self, numbers: Numbers, name: bytes, needles: Sequence[bytes]) -> tuple[Numbers, FieldText]:
        """Return the addresses of an ENVELOPE's field, and those that may have one of the needles in one."""
        return await self._field(numbers, _IN_ENVELOPE + name, needles, partial(self._envelopes, name))

    async def _field(
        self,
        numbers: Numbers,
        name: bytes,
        needles: Sequence[bytes],
        read: Callable[[Sequence[int]], AsyncIterator[Values]],
    ) -> tuple[Numbers, FieldText]:
        mailbox = self._mailbox
        text = self._kept.get(mailbox.id, name)
        if text is None:
            numbers = await self.narrowed(numbers, needles)
            if not numbers:
                return numbers, FieldText()
        if text is None and 4 * len(numbers) < len(mailbox.uids):  # few messages are left: do not read the others
            text = await self._extended(FieldText(), self.uids(numbers), read)
        else:
            if text is None or len(text.uids) > 2 * len(mailbox.uids) + 1000:  # most of it is gone
                text = FieldText()
            new = mailbox.uids[bisect_right(mailbox.uids, text.upto) :]
            if new:
                text = await self._extended(text, new, read)
                self._kept.put(mailbox.id, name, text)
        return numbers, text

    async def _extended(
        self, text: FieldText, uids: Sequence[int], read: Callable[[Sequence[int]], AsyncIterator[Values]]
    ) -> FieldText:
        extension = Extension(text)
        for part in slices(uids):
            async for values_of in read(part):
                extension.add(values_of)
                await self.pace()
        return extension.end(uids[-1])

    async def _headers(self, name: bytes, uids: Sequence[int]) -> AsyncIterator[Values]:
        for rows in self.reader.headers(self._mailbox, uids):
            read: Values = []
            for uid, plain, header, raw in rows:
                if header is None:  # long, so its text is not kept
                    async with self.pace.alone():
                        header = await self.pace.apart(partial(_header, raw))  # noqa: PLW2901
                read.append((uid, values(header.lower() if plain else header, name)))
            yield read

    async def _envelopes(self, name: bytes, uids: Sequence[int]) -> AsyncIterator[Values]:
        for start in range(0, len(uids), ROWS):
            rows = self.reader.block(self._mailbox, uids[start : start + ROWS], (Column.ENVELOPE,))
            read = [(uid, addresses(envelope, name)) for uid, envelope in rows]
            yield [(uid, [] if text is None else [text]) for uid, text in read]

    async def texts(self, numbers: Numbers, needle: bytes, *, headers: bool) -> Numbers:
        """Return those with the needle in the text of their body or, with `headers`, in that of their header."""
        among = partial(_in_text if headers else _in_body, needle)
        numbers = await self.narrowed(numbers, (needle,))
        kept: list[int] = []
        for part in slices(numbers):
            matched: set[int] = set()
            for rows in self.reader.texts(self._mailbox, self.uids(part)):
                for uid, _, header, _ in among(rows):
                    if header is not None or await self.in_long_text(uid, needle, headers=headers):
                        matched.add(uid)
                await self.pace()
            kept += await self.with_uids(part, matched) if matched else []
        return kept

    async def narrowed(self, numbers: Numbers, needles: Sequence[bytes]) -> Numbers:
        """Return those that may have one of the needles in their text, by the index."""
        uids = await self._narrowing.narrowed(self._mailbox, len(numbers), needles, self.pace)
        if uids is None:
            return numbers
        # Few are left: it is quicker to look for each than to go through all of them.
        candidates = [number for uid in sorted(uids) if (number := self.view.number(uid)) is not None]
        return [number for number in candidates if _has(numbers, number)]

    async def in_long_text(self, uid: int, needle: bytes, *, headers: bool) -> bool:
        """Look into a message whose text is not kept."""
        async with self.pace.alone():
            text = self._long_texts.get(self._mailbox.id, uid)
            if text is None:
                pieces = await self._pieces(uid)
                if not pieces:
                    return False
                text = await self.pace.apart(partial(joined_text, pieces))
                self._long_texts.put(self._mailbox.id, uid, text)
            return await self.pace.apart(partial(text.has, needle, headers=headers))

    async def _pieces(self, uid: int) -> list[bytes]:
        """Read a message; no pieces if it is gone."""
        pieces: list[bytes] = []
        while piece := self.reader.content(self._mailbox, uid, len(pieces) * PIECE, (len(pieces) + 1) * PIECE):
            pieces.append(piece)
            await self.pace()
        return pieces

    def uids(self, numbers: Numbers) -> Sequence[int]:
        """Return the UIDs of some messages."""
        uids = self.view.uids
        first, last = numbers[0], numbers[-1]
        if last - first + 1 == len(numbers):
            return uids[first - 1 : last]
        return [uids[number - 1] for number in numbers]


def slices(numbers: Numbers) -> Iterator[Numbers]:
    """Yield numbers in parts, each of which is looked at in one step."""
    for start in range(0, len(numbers), SLICE):
        yield numbers[start : start + SLICE]


def _has(numbers: Numbers, number: int) -> bool:
    """Return True if an ascending sequence has the number."""
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


def _header(section: bytes) -> bytes:
    return header_text(fields(section))


# A search spends its time in these two. They also return the rows whose text is not kept. Only plain messages are made
# lower-case: the texts of others are folded already.


def _in_text(needle: bytes, rows: list[Row]) -> list[Row]:
    spaced = b" " in needle or b"\t" in needle  # only then can the folding of a field part it
    return [row for row in rows if row[2] is None or _has_in(row[1], needle, row[3], row[2], spaced=spaced)]


def _in_body(needle: bytes, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row[2] is None or needle in (row[3].lower() if row[1] else row[3])]


def _has_in(plain: int, needle: bytes, body: bytes, header: bytes, *, spaced: bool) -> bool:
    if needle in (body.lower() if plain else body):
        return True
    header = unfold(header) if spaced else header
    return needle in (header.lower() if plain else header)
