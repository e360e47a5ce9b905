"""What FUZZY makes of each key (RFC 6203 §5), and of keys together."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from postroad.mime.text import MAX_KEPT
from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.mail.model.flags import DELETED, NO_FLAGS, SEEN, Change, FlagSet
from postroad_store.mail.order.criteria import Date, Relevancy
from postroad_store.mail.order.ordering import Order
from postroad_store.mail.search.dates import InternalDate, SentDate, When
from postroad_store.mail.search.fuzzy import Fuzzy, Scores
from postroad_store.mail.search.keys import And, Flag, InSet, Larger, Not, Or, Smaller
from postroad_store.mail.search.strings import Addresses, Body, Header, Text

if TYPE_CHECKING:
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View
    from postroad_store.mail.search.key import Key
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

DAY = 86400
MESSAGES = [
    (
        b"From: Anna Miller <anna@a.test>\r\nSubject: Invoice for\r\n March\r\n"
        b"Date: 1 Mar 2026 10:00 +0000\r\n\r\nplease pay\r\n"
    ),
    b"From: Anna Muller <anna@b.test>\r\nSubject: invoce\r\nDate: 5 Mar 2026 10:00 +0000\r\n\r\nnothing here\r\n"
    + b"x" * 88,
    (
        b"From: bob@a.test\r\nSubject: =?utf-8?q?Rechnung_M=C3=A4rz?=\r\n"
        b"Date: 20 Mar 2026 10:00 +0000\r\n\r\nthe invioce\r\n"
    ),
    b"Subject: long\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    + b"\xc3\xa9\r\n" * (MAX_KEPT // 4)
    + b"Invoice paid\r\n",
]


@pytest.fixture
async def view(storage: Storage, inbox: Mailbox, put: Put) -> View:
    for number, content in enumerate(MESSAGES):
        await put(inbox, content, date=number * 4 * DAY, flags=NO_FLAGS if number else FlagSet(SEEN))
    return storage.view(inbox)


def only(numbers: str) -> InSet:
    return InSet(uid=False, messages=parse_sequence_set(numbers.encode()))


SIZES = [len(content) for content in MESSAGES]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Header("SUBJECT", "invoice"), {1: 100, 2: 48}),
        (Header("SUBJECT", "march invoice"), {1: 95, 2: 24}),
        (Header("SUBJECT", "invoice for march"), {1: 100}),
        (Header("SUBJECT", "märz"), {3: 100}),
        (Header("SUBJECT", ""), {1: 100, 2: 100, 3: 100, 4: 100}),
        (Header("SUBJECT", "elsewhere"), {}),
        (Addresses("FROM", "muller"), {1: 48, 2: 100}),
        (Addresses("FROM", "moller"), {1: 48, 2: 48}),
        (Addresses("FROM", ""), {1: 100, 2: 100, 3: 100}),
        (Addresses("CC", "muller"), {}),
        (Body("invoice"), {3: 48, 4: 100}),
        (Body("paid invoice"), {3: 24, 4: 95}),  # each word as it is, where the text is not kept
        (Body("invoce"), {3: 48}),
        (Text("invoice"), {1: 100, 2: 48, 3: 48, 4: 100}),
        (Text("march pay invoice"), {1: 95}),
        (And((only("3"), Text("invoice"))), {3: 48}),
        (InternalDate(When.ON, date(1970, 1, 9)), {2: 43, 3: 100, 4: 57}),
        (InternalDate(When.SINCE, date(1970, 1, 9)), {2: 43, 3: 100, 4: 100}),
        (InternalDate(When.BEFORE, date(1970, 1, 9)), {1: 100, 2: 100, 3: 100, 4: 43}),
        (SentDate(When.ON, date(2026, 3, 3)), {1: 75, 2: 75}),
        (SentDate(When.SINCE, date(2026, 3, 12)), {2: 12, 3: 100}),
        (SentDate(When.BEFORE, date(2026, 3, 2)), {1: 100, 2: 50}),
        (SentDate(When.ON, date(2026, 3, 12)), {2: 12}),  # seven days are near, and eight are not
        (SentDate(When.ON, date(2026, 3, 13)), {3: 12}),
        (SentDate(When.BEFORE, date(2026, 2, 23)), {1: 12}),
        (SentDate(When.BEFORE, date(2026, 2, 22)), {}),
        (SentDate(When.SINCE, date(2026, 3, 27)), {3: 12}),
        (SentDate(When.SINCE, date(2026, 3, 28)), {}),
        (And((only("1:2"), Larger(SIZES[1]))), {2: 95}),
        (And((only("1:2"), Smaller(SIZES[0]))), {1: 91}),
        (Larger(SIZES[3] * 2), {}),
        (Flag(SEEN), {1: 100}),
        (Not(Header("SUBJECT", "invoice")), {2: 100, 3: 100, 4: 100}),
        (Or(Header("SUBJECT", "invoice"), Body("invoice")), {1: 100, 2: 48, 3: 48, 4: 100}),
        (And((Text("invoice"), Addresses("FROM", "miller"))), {1: 100, 2: 23}),
        (And((And((Flag(SEEN),)), Or(Text("zzzz"), Text("invioce")))), {1: 48}),
    ],
)
async def test_what_nearly_matches(storage: Storage, view: View, key: Key, expected: dict[int, int]) -> None:
    scores = Scores()
    near = await storage.finder.search(view, Fuzzy(key), scores=scores)
    assert {number: scores.of(number) for number in near} == expected
    exact = await storage.finder.search(view, key)
    assert set(exact) <= set(near)
    assert list(await storage.finder.search(view, Not(Fuzzy(key)))) == [n for n in range(1, 5) if n not in expected]


async def test_a_fuzzy_key_beside_an_exact_one(storage: Storage, view: View) -> None:
    key = And((Fuzzy(Text("invoice")), Header("SUBJECT", "invoce")))
    assert list(await storage.finder.search(view, key)) == [2]
    assert list(await storage.finder.search(view, And((Fuzzy(Header("SUBJECT", "invoice")), Text("invoice"))))) == [1]


async def test_the_most_relevant_message_comes_first(storage: Storage, view: View) -> None:
    by_relevancy = (Order(Relevancy()), Order(Date(), reverse=True))
    assert await storage.finder.sort(view, Fuzzy(Text("invoice")), by_relevancy, scores=Scores()) == [1, 4, 3, 2]
    # What another search has noted is not used for it
    assert await storage.finder.sort(view, Fuzzy(Text("invoce")), by_relevancy, scores=Scores()) == [2, 3, 1]


async def test_messages_that_have_gone_are_not_found(storage: Storage, inbox: Mailbox, view: View) -> None:
    await storage.store(inbox, [2], Change.ADD, FlagSet(DELETED))
    await storage.expunge(inbox, [2])
    assert list(await storage.finder.search(view, Fuzzy(Text("invoice")))) == [1, 3, 4]


def test_scores_are_1_to_100() -> None:
    scores = Scores()
    assert scores.of(1) == 100
    for _ in range(20):
        scores.note(1, 0.5)
    assert scores.of(1) == 1
