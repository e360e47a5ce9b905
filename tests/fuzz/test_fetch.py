"""FETCH's two ways on any octets and with any items: both write the same, and the texts fit together."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad_store.imap.commands.fetch import SPECS, Fetch
from postroad_store.imap.commands.fetch.blocks import responses
from postroad_store.imap.commands.fetch.fast import fast
from postroad_store.imap.commands.fetch.plain import plain
from postroad_store.imap.grammar.reader import Reader
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import DELETED, SEEN, FlagSet
from tests.fuzz.test_mime import octets
from tests.harness.imap import Place

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch.item import Item
    from postroad_store.imap.commands.fetch.plan import Plan

EXAMPLES = settings(max_examples=40)
NAMES = st.lists(
    st.sampled_from(
        [b"From", b"fRoM", b"Subject", b'"Date"', b'"a b"', b'""', b'"X-%s"', b'"]"', b"content-type", b"Nope"]
    ),
    min_size=1,
    max_size=4,
).map(b" ".join)
TEXTS = st.one_of(
    st.sampled_from([b"", b"HEADER", b"TEXT", b"header"]),
    st.builds(b"HEADER.FIELDS (%b)".__mod__, NAMES),
    st.builds(b"HEADER.FIELDS.NOT (%b)".__mod__, NAMES),
)
PARTS = st.builds(
    b"%b%b".__mod__,
    st.tuples(
        st.sampled_from([b"1", b"2", b"1.1", b"1.2", b"2.1.1", b"4294967295"]),
        st.sampled_from([b"", b".MIME", b".HEADER", b".TEXT", b".HEADER.FIELDS (From To)", b".HEADER.FIELDS.NOT (To)"]),
    ),
)
RANGES = st.sampled_from([b"", b"", b"<0.1>", b"<0.4294967295>", b"<3.7>", b"<4294967295.1>"])
VALUES = st.sampled_from(
    [
        *(b"FLAGS", b"UID", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY", b"BODYSTRUCTURE"),
        *(b"RFC822", b"RFC822.HEADER", b"RFC822.TEXT"),
    ]
)
SECTIONS = st.builds(b"%b[%b]%b".__mod__, st.tuples(st.sampled_from([b"BODY", b"BODY.PEEK"]), TEXTS, RANGES))
ANY = st.builds(b"%b[%b]%b".__mod__, st.tuples(st.sampled_from([b"BODY", b"BODY.PEEK"]), TEXTS | PARTS, RANGES))
FLAGS = st.builds(
    FlagSet,
    st.sampled_from([0, SEEN, SEEN | DELETED]),
    st.lists(st.integers(0, 400).map("k{}".format), max_size=70, unique=True).map(tuple),
)
MESSAGES = st.lists(
    st.tuples(octets.filter(bool), st.integers(-62135596800, 253402300799), FLAGS), min_size=1, max_size=4
)


def plan(items: list[bytes], *, uid: bool) -> Plan:
    command = SPECS[0].parse(b"t", Reader([b" 1 (" + b" ".join(items) + b")"]))
    assert isinstance(command, Fetch)
    return command.items.plan(uid=uid)


@EXAMPLES
@given(MESSAGES, st.lists(VALUES | SECTIONS, min_size=1, max_size=6), st.booleans(), st.data())
def test_both_ways_write_the_same(
    messages: list[tuple[bytes, int, FlagSet]], items: list[bytes], uid: bool, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder), messages, plan(items, uid=uid), data))


async def compare(folder: Path, messages: list[tuple[bytes, int, FlagSet]], asked: Plan, data: st.DataObject) -> None:
    place = Place(folder)
    try:
        inbox = (await place.storage.account("alice@alpha.test")).inbox
        for content, moment, flags in messages:
            await place.storage.append([Arrival((inbox,), content, moment, flags)])
        view = place.storage.view(inbox)
        gone = data.draw(st.sets(st.integers(1, len(messages))))
        await place.storage.expunge(inbox, sorted(gone), only_deleted=False)
        numbers = range(1, len(messages) + 1)
        each = [b"".join(plain(place.storage, view, number, asked)) for number in numbers]
        assert [number for number in numbers if not each[number - 1]] == sorted(gone)
        assert fast(place.storage, view, numbers, asked) == b"".join(each)
        some = data.draw(st.lists(st.sampled_from(numbers), min_size=1, unique=True).map(sorted))
        assert fast(place.storage, view, some, asked) == b"".join([each[number - 1] for number in some])
    finally:
        place.close()


@EXAMPLES
@given(octets.filter(bool), st.lists(ANY, min_size=1, max_size=6))
def test_texts_fit_together(content: bytes, items: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fit_together(Path(folder), content, items))


async def fit_together(folder: Path, content: bytes, items: list[bytes]) -> None:
    place = Place(folder)
    try:
        inbox = (await place.storage.account("alice@alpha.test")).inbox
        await place.storage.append([Arrival((inbox,), content, 0, FlagSet(0, ()))])
        view = place.storage.view(inbox)

        def get(*asked: bytes) -> list[bytes]:
            told = responses(place.storage, view, [range(1, 2)], plan(list(asked), uid=False))
            return literals(b"".join([octets for octets, _ in told]))

        header, text, whole = get(b"BODY[HEADER]", b"BODY[TEXT]", b"BODY[]")
        assert header + text == whole == content
        asked = list(dict.fromkeys(plan([item], uid=False).items[0] for item in items))
        together = get(*items)
        assert len(together) == len(asked)
        assert together == [get(item)[0] for item in first_of_each(items)]
    finally:
        place.close()


def first_of_each(items: list[bytes]) -> list[bytes]:
    """Leave out what asks for the same as an item before it."""
    seen: dict[Item, bytes] = {}
    for item in items:
        seen.setdefault(plan([item], uid=False).items[0], item)
    return list(seen.values())


def literals(response: bytes) -> list[bytes]:
    """Return the literals of a response that has nothing but texts, and see that nothing else is in it."""
    position = len(b"* 1 FETCH (")
    texts = []
    while response[position:] != b")\r\n":
        brace = response.index(b" {", position)
        end = response.index(b"}\r\n", brace)
        size = int(response[brace + 2 : end])
        texts.append(response[end + 3 : end + 3 + size])
        position = end + 3 + size
        if response[position : position + 1] == b" ":
            position += 1
    return texts
