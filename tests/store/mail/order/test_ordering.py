"""SORT's order, over a real mailbox; long lists of numbers and few ones give the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.mail.database.reader import Reader
from postroad_store.mail.model.flags import Change, FlagSet
from postroad_store.mail.order import ordering, values
from postroad_store.mail.order.criteria import CRITERIA
from postroad_store.mail.order.ordering import Order
from postroad_store.mail.order.results import Results
from postroad_store.mail.search.keys import And, InSet, Not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import Column
    from postroad_store.mail.order.criteria import Criterion
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

WORDS = {criterion.word: criterion for criterion in CRITERIA}
ALL = And(())
DELETED = FlagSet(8)
# (Date, From, To, Cc, Subject, octets of body, internal date)
MAILS: list[Any] = [
    ("Mon, 2 Mar 2026 10:00:00 +0000", "Zed <joe@a>", "b@x", "", "Re: hello", 5, 50),
    ("2 Mar 2026 12:00:00 +0500", "anna@b", "team: a@x;", "c@d", "Hello", 4, 40),
    ("whenever", "=?utf-8?q?=C3=89va?= <eva@x>", "", "b@d", "[x] étude", 3, 30),
    ("Mon, 2 Mar 2026 10:00:00 +0100", "<local>", "B@x", "", "=?utf-8?q?=C3=89tude?=", 2, 20),
    ("", "", '"Ann" <z@x>', '"" <B@e>', 'a "quoted" {thing}', 1, 10),
]


def mail(fields: list[str], octets: int) -> bytes:
    names = ("Date", "From", "To", "Cc", "Subject")
    head = "".join(f"{name}: {value}\r\n" for name, value in zip(names, fields, strict=True) if value)
    return (head + "\r\n" + "x" * octets).encode()


def orders(*words: str) -> tuple[Order, ...]:
    return tuple(Order(WORDS[word.removeprefix("-")](), word.startswith("-")) for word in words)


@pytest.fixture
async def filled(inbox: Mailbox, put: Put) -> Mailbox:
    for *fields, octets, date in MAILS:
        await put(inbox, mail(fields, octets), date=date)
    return inbox


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ARRIVAL",), [5, 4, 3, 2, 1]),
        (("-ARRIVAL",), [1, 2, 3, 4, 5]),
        (("SIZE",), [5, 3, 1, 2, 4]),
        (("DATE",), [5, 3, 2, 4, 1]),
        (("-DATE",), [1, 4, 2, 3, 5]),
        (("SUBJECT",), [5, 3, 4, 1, 2]),
        (("SUBJECT", "DATE"), [5, 3, 4, 2, 1]),
        (("SUBJECT", "-ARRIVAL"), [5, 3, 4, 1, 2]),
        (("-SUBJECT", "SIZE"), [1, 2, 3, 4, 5]),
        (("FROM",), [5, 2, 3, 1, 4]),
        (("TO",), [3, 1, 4, 2, 5]),
        (("CC",), [1, 4, 3, 5, 2]),
        (("DISPLAYFROM",), [5, 2, 3, 4, 1]),
        (("DISPLAYTO",), [3, 5, 1, 4, 2]),
    ],
)
async def test_criteria(storage: Storage, filled: Mailbox, words: tuple[str, ...], expected: list[int]) -> None:
    view = storage.view(filled)
    for _ in range(2):  # read, and remembered
        assert await storage.finder.sort(view, ALL, orders(*words)) == expected
    few = InSet(uid=False, messages=parse_sequence_set(b"2"))
    assert await storage.finder.sort(view, few, orders(*words)) == [2]
    assert await storage.finder.sort(view, Not(ALL), orders(*words)) == []
    for some in (b"1,3,5", b"1,5", b"2,3,5", b"1:2,4"):
        wanted = InSet(uid=False, messages=parse_sequence_set(some))
        chosen = set(await storage.finder.search(view, wanted))
        assert await storage.finder.sort(view, wanted, orders(*words)) == [n for n in expected if n in chosen]


async def test_few_messages_are_read_alone(storage: Storage, filled: Mailbox) -> None:
    view = storage.view(filled)
    few = InSet(uid=False, messages=parse_sequence_set(b"3"))
    assert await storage.finder.sort(view, few, orders("SUBJECT")) == [3]
    assert await storage.finder.sort(view, ALL, orders("SUBJECT")) == [5, 3, 4, 1, 2]


async def test_messages_come_and_go(storage: Storage, filled: Mailbox, put: Put) -> None:
    view = storage.view(filled)
    assert await storage.finder.sort(view, ALL, orders("SUBJECT")) == [5, 3, 4, 1, 2]
    await put(filled, mail(["", "", "", "", "b"], 0), date=0)
    await storage.store(filled, [3], Change.ADD, DELETED)
    await storage.expunge(filled)
    assert await storage.finder.sort(view, ALL, orders("SUBJECT")) == [5, 4, 1, 2]  # the view lags
    view.take(expunges=True)
    assert await storage.finder.sort(view, ALL, orders("SUBJECT", "DATE")) == [4, 5, 3, 2, 1]
    assert await storage.finder.sort(storage.view(filled), ALL, orders("SUBJECT")) == [4, 5, 3, 1, 2]


async def test_values_of_a_mailbox_that_was_emptied_are_forgotten(
    storage: Storage, filled: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MOSTLY_GONE", 0)
    await storage.finder.sort(storage.view(filled), ALL, orders("SUBJECT"))
    await storage.expunge(filled, [1, 2, 3, 4, 5], only_deleted=False)
    await put(filled, mail(["", "", "", "", "b"], 0), date=0)
    assert await storage.finder.sort(storage.view(filled), ALL, orders("SUBJECT")) == [1]


async def test_values_are_kept_within_bounds(
    storage: Storage, filled: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MAX_KEPT", 2 * values.ENTRY)
    view = storage.view(filled)
    for word in ("SUBJECT", "FROM", "SUBJECT", "TO", "-SUBJECT"):
        assert len(await storage.finder.sort(view, ALL, orders(word))) == 5


@pytest.mark.parametrize(("missing", "reads"), [(0, 1), (1, 2)])
async def test_values_take_room_by_message_and_by_value(
    storage: Storage, filled: Mailbox, monkeypatch: pytest.MonkeyPatch, missing: int, reads: int
) -> None:
    """Five messages have three subjects: if there is room for them, the second SORT reads nothing."""
    monkeypatch.setattr(values, "MAX_KEPT", values.ENTRY + 3 * values.VALUE + 5 * values._PLACE - missing)
    read: list[int] = []
    block = Reader.block

    def counted(self: Reader, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]) -> Any:
        read.append(len(uids))
        return block(self, mailbox, uids, columns)

    monkeypatch.setattr(Reader, "block", counted)
    view = storage.view(filled)
    for words, expected in ((("SUBJECT",), [5, 3, 4, 1, 2]), (("-SUBJECT", "SIZE"), [1, 2, 3, 4, 5])):
        assert await storage.finder.sort(view, ALL, orders(*words)) == expected
    assert sum(read) == 5 * reads


class Given:
    """A criterion whose keys the test gives."""

    def __init__(self, keys: list[Any]) -> None:
        self._keys = keys

    async def keys(self, *_: object) -> list[Any]:
        return self._keys


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kinds", [1, 3, 50, 100_000])
async def test_many_messages(
    storage: Storage, filled: Mailbox, monkeypatch: pytest.MonkeyPatch, kinds: int, *, reverse: bool
) -> None:
    monkeypatch.setattr(ordering, "DIRECT", 10)
    monkeypatch.setattr(ordering, "BUCKET", 40)
    dice = random.Random(kinds)
    keys = [dice.randrange(kinds) for _ in range(2000)]
    second = [dice.randrange(5) for _ in keys]

    async def pace() -> None:
        pass

    view = storage.view(filled)
    sorting = ordering.Ordering(view, storage.finder._sources, pace)  # type: ignore[arg-type]
    both: list[Criterion] = [Given(keys), Given(second)]  # type: ignore[list-item]
    places = await sorting.sorted(range(1, 2001), [Order(both[0], reverse), Order(both[1])])
    sign = -1 if reverse else 1
    assert places == sorted(range(2000), key=lambda place: (sign * keys[place], second[place], place))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kinds", [1, 3, 50, 100_000])
@pytest.mark.parametrize("more", [1, ordering.FEW, ordering.FEW + 1])
async def test_those_that_came_since_are_put_into_their_places(
    storage: Storage, filled: Mailbox, kinds: int, more: int, *, reverse: bool
) -> None:
    dice = random.Random(kinds)
    keys = [dice.randrange(kinds) for _ in range(200)]
    second = [dice.randrange(5) for _ in keys]

    async def pace() -> None:
        pass

    sorting = ordering.Ordering(storage.view(filled), storage.finder._sources, pace)  # type: ignore[arg-type]
    before, now = (
        [Order(Given(keys[:count]), reverse), Order(Given(second[:count]), not reverse)]  # type: ignore[arg-type]
        for count in (200 - more, 200)
    )
    known = await sorting.sorted(range(1, 201 - more), before)
    assert await sorting.sorted(range(1, 201), now, known) == await sorting.sorted(range(1, 201), now)


async def test_a_message_that_comes_is_sorted_as_if_it_had_always_been_there(
    storage: Storage, filled: Mailbox, put: Put
) -> None:
    for words in (("SUBJECT", "-DATE"), ("-FROM", "SIZE"), ("-ARRIVAL",)):
        await storage.finder.sort(storage.view(filled), ALL, orders(*words))
        await put(filled, mail(["Mon, 2 Mar 2026 11:00:00 +0000", "joe@b", "", "", "Hello"], 4), date=45)
        view = storage.view(filled)
        order = await storage.finder.sort(view, ALL, orders(*words))
        storage.finder._results = Results()
        assert order == await storage.finder.sort(view, ALL, orders(*words))


async def test_few_messages_let_others_run_once_each_criterion(storage: Storage, filled: Mailbox) -> None:
    paces = 0

    async def pace() -> None:
        nonlocal paces
        paces += 1

    sorting = ordering.Ordering(storage.view(filled), storage.finder._sources, pace)  # type: ignore[arg-type]
    given: Criterion = Given([2, 1])  # type: ignore[assignment]
    assert await sorting.sorted(range(1, 3), [Order(given), Order(given)]) == [1, 0]
    assert paces == 2
