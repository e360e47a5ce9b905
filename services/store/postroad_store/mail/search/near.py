"""How keys are matched within FUZZY (RFC 6203 §5): who nearly matches, and how near it comes.

- A string: what resembles it (`resemblance`). Messages whose text is not kept have to have its words.
- A date: a week before and after, the fewer days the nearer.
- A size: a tenth of it more or less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.fields import unfold
from postroad_store.mail.search.evaluate import slices
from postroad_store.mail.search.resemblance import IN_ANY_ORDER, Resemblance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.search.evaluate import Evaluation
    from postroad_store.mail.search.fieldtext import FieldText
    from postroad_store.mail.search.key import Numbers

DAYS = 7  # before and after a date
SHARE = 10  # one in so many octets more or less
ROWS = 64  # values of a field that are compared in one step (a millisecond or two)


# -- strings --------------------------------------------------------------------------------------------------


async def near_header(search: Evaluation, numbers: Numbers, name: bytes, needle: bytes) -> Numbers:
    """Return those with something like the needle in a value of the field."""
    if not needle:
        return await search.header(numbers, name, needle)
    wanted = Resemblance(needle)
    numbers, text = await search.header_text(numbers, name, wanted.asked)
    return await _in_field(search, numbers, text, wanted)


async def near_addresses(search: Evaluation, numbers: Numbers, name: bytes, needle: bytes) -> Numbers:
    """Return those with something like the needle in an address of the ENVELOPE's field."""
    if not needle:
        return await search.addresses(numbers, name, needle)
    wanted = Resemblance(needle)
    numbers, text = await search.address_text(numbers, name, wanted.asked)
    return await _in_field(search, numbers, text, wanted)


async def _in_field(search: Evaluation, numbers: Numbers, text: FieldText, wanted: Resemblance) -> Numbers:
    candidates: set[int] = set()
    for asked in wanted.asked:
        for some in text.search(asked):
            candidates |= some
            await search.pace()
    near: dict[int, float] = {}
    for count, uid in enumerate(candidates):
        if nearness := wanted.of(text.value(uid)):
            near[uid] = nearness
        if count % ROWS == 0:
            await search.pace()
    return await _noted(search, numbers, near)


async def near_texts(search: Evaluation, numbers: Numbers, needle: bytes, *, headers: bool) -> Numbers:
    """Return those with something like the needle in the text of their body or, with `headers`, their header."""
    wanted = Resemblance(needle)
    kept: list[int] = []
    for part in slices(await search.narrowed(numbers, wanted.asked)):
        near: dict[int, float] = {}
        for rows in search.reader.texts(search.view.mailbox, search.uids(part)):
            for uid, plain, header, body in rows:
                if header is None:
                    nearness = await _in_long_text(search, uid, wanted, headers=headers)
                else:
                    texts = [body, unfold(header)] if headers else [body]
                    nearness = wanted.of(*([text.lower() for text in texts] if plain else texts))
                if nearness:
                    near[uid] = nearness
                await search.pace()  # a text of 256 KiB takes some milliseconds
        kept += await _noted(search, part, near)
    return kept


async def _in_long_text(search: Evaluation, uid: int, wanted: Resemblance, *, headers: bool) -> float:
    if await search.in_long_text(uid, wanted.needle, headers=headers):
        return 1.0
    shares = [await search.in_long_text(uid, word.octets, headers=headers) for word in wanted.words]
    return IN_ANY_ORDER * wanted.share(shares)


async def _noted(search: Evaluation, numbers: Numbers, near: dict[int, float]) -> Numbers:
    """Return those of the numbers that come near, and note how near."""
    matching = await search.with_uids(numbers, near) if near else []
    for number in matching:
        search.scores.note(number, near[search.view.uids[number - 1]])
    return matching


# -- numbers --------------------------------------------------------------------------------------------------


async def near_size(search: Evaluation, numbers: Numbers, low: float, high: float, octets: int) -> Numbers:
    """Return those whose size is `low` or more and less than `high`, or nearly."""
    return await around(search, numbers, search.view.mailbox.sizes, (low, high), octets // SHARE)


async def around(
    search: Evaluation, numbers: Numbers, column: Sequence[int], bounds: tuple[float, float], slack: int
) -> Numbers:
    """Return those whose entry in a column is within the bounds (`within`), or misses them by `slack` at most."""
    low, high = bounds
    matching = await search.within(numbers, column, low - slack, high + slack)
    if not matching:
        return matching
    for number in await search.without(matching, await search.within(matching, column, low, high)):
        (value,) = search.view.pick(column, number, number)
        search.scores.note(number, _nearness(value, low, high, slack))
    return matching


async def near_sent(search: Evaluation, numbers: Numbers, low: float, high: float) -> Numbers:
    """Return those whose Date field has a day that is `low` or more and less than `high`, or nearly."""
    kept: list[int] = []
    for part in slices(numbers):
        near: dict[int, float] = {}
        for rows in search.reader.sent_days(search.view.mailbox, search.uids(part)):
            for uid, day in rows:
                if day is not None and low - DAYS <= day < high + DAYS:
                    near[uid] = _nearness(day, low, high, DAYS)
            await search.pace()
        kept += await _noted(search, part, near)
    return kept


def _nearness(value: int, low: float, high: float, slack: int) -> float:
    missed = max(low - value, value - high + 1, 0)
    return 1 - missed / (slack + 1)
