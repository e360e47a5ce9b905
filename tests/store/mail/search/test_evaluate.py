from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.mime.structure import parse
from postroad.mime.text import MAX_KEPT, MAX_PLAIN, is_plain
from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import ANSWERED, DELETED, FLAGGED, NO_FLAGS, SEEN, Change, FlagSet
from postroad_store.mail.search import evaluate
from postroad_store.mail.search.dates import InternalDate, SentDate, When
from postroad_store.mail.search.keys import (
    And,
    Flag,
    InSet,
    Keyword,
    Larger,
    Not,
    Or,
    Recent,
    Smaller,
)
from postroad_store.mail.search.longtext import joined_text
from postroad_store.mail.search.strings import Addresses, Body, Header, Text
from postroad_store.mail.search.within import Within
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View
    from postroad_store.mail.search.key import Key
    from postroad_store.mail.search.longtext import LongText
    from tests.store.mail.conftest import Put

DAY = 86400
HEAD = b"Content-Type: text/plain; charset=utf-8\r\n"
PLAIN = (
    b"From: Alice <alice@alpha.test>\r\nTo: Bob <bob@beta.test>\r\nSubject: Hello\r\n  World\r\n"
    b"Date: Mon, 1 Jan 2024 23:00:00 -1100\r\n\r\nThe quick Brown fox\r\n"
)
KEPT = (  # its text is kept beside it
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@alpha.test>\r\nCc: alice@alpha.test\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Tue, 2 Jan 2024 01:00:00 +1100\r\n" + HEAD + b"\r\nStra\xc3\x9fe zum Caf\xc3\xa9\r\n"
)
ENCODED = b"Subject: encoded\r\nContent-Transfer-Encoding: base64\r\n\r\nVGhlIHNlY3JldCBXb3Jk\r\n"
LONG = (  # too long to be kept
    b"Subject: LONG one\r\n" + HEAD + b"\r\n" + b"\xc3\xa9\r\n" * (MAX_KEPT // 4) + b"Needle\r\n"
)
# No Date that can be read, a space before the colon of From
ODD = b"From : carol@alpha.test\r\nDate: whenever\r\nX-Empty:\r\n\r\nfrom: alice\r\n"
MESSAGES = [PLAIN, KEPT, ENCODED, LONG, ODD]


def uids(text: str) -> InSet:
    return InSet(uid=True, messages=parse_sequence_set(text.encode()))


def numbers(text: str) -> InSet:
    return InSet(uid=False, messages=parse_sequence_set(text.encode()))


@pytest.fixture
async def view(storage: Storage, inbox: Mailbox, put: Put) -> View:
    for number, content in enumerate(MESSAGES):
        await put(inbox, content, date=number * DAY)
    view = storage.view(inbox)
    await storage.store(inbox, [1, 2], Change.ADD, FlagSet(SEEN, ("Work",)), view=view)
    await storage.store(inbox, [2], Change.ADD, FlagSet(ANSWERED), view=view)
    return view


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        *((uids("*"), [4]), (uids("5:*"), [4]), (uids("6:*"), [4]), (uids("1:2"), [1]), (uids("4"), [3])),
        *((numbers("*"), [4]), (numbers("4:*"), [4]), (numbers("9:*"), [4]), (numbers("1:2"), [1, 2])),
        *((numbers("4"), [4]), (numbers("5"), [])),
    ],
)
async def test_uids_and_numbers_that_differ(
    storage: Storage, inbox: Mailbox, put: Put, key: Key, expected: list[int]
) -> None:
    """The star is the last message, in either."""
    await put(inbox, *[PLAIN] * 5)
    await storage.expunge(inbox, [1], only_deleted=False)
    assert await storage.finder.search(storage.view(inbox), key) == expected


async def test_a_message_without_a_header_section(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"\r\nThe quick Brown fox\r\n")
    for key in (Body("brown"), Text("brown")):
        assert await storage.finder.search(storage.view(inbox), key) == [1]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (And(()), [1, 2, 3, 4, 5]),
        (And((And((Flag(SEEN), Header("From", "alice"))), And((Or(Text("x"), Flag(SEEN)),)))), [1]),
        (Flag(SEEN), [1, 2]),
        (Not(Flag(SEEN)), [3, 4, 5]),
        (And((Flag(SEEN), Flag(ANSWERED))), [2]),
        (Or(Flag(ANSWERED), Keyword("work")), [1, 2]),
        (Or(Flag(SEEN), Flag(ANSWERED)), [1, 2]),
        (Not(Not(Flag(DELETED))), []),
        (And((Flag(DELETED), Text("fox"))), []),
        (Keyword("WORK"), [1, 2]),
        (Keyword("none"), []),
        (Recent(), [1, 2, 3, 4, 5]),
        (Not(Recent()), []),
        (And((Recent(), Not(Flag(SEEN)))), [3, 4, 5]),
        (uids("2:3,5:9"), [2, 3, 5]),
        (uids("7:9"), []),
        (uids("9:*"), [5]),
        (numbers("2:3,5:9"), [2, 3, 5]),
        (And((numbers("2:*"), Not(numbers("3:4")))), [2, 5]),
        (Larger(len(PLAIN)), [2, 4]),
        (Smaller(len(ENCODED) + 1), [3, 5]),
        (InternalDate(When.BEFORE, date(1970, 1, 3)), [1, 2]),
        (InternalDate(When.ON, date(1970, 1, 3)), [3]),
        (InternalDate(When.SINCE, date(1970, 1, 3)), [3, 4, 5]),
        (SentDate(When.BEFORE, date(2024, 1, 2)), [1]),
        (SentDate(When.ON, date(2024, 1, 2)), [2]),
        (SentDate(When.SINCE, date(2024, 1, 1)), [1, 2]),
        (Header("FROM", "ALICE"), [1]),
        (Header("From", "jörg"), [2]),
        (Header("from", "JÖRG"), [2]),
        (Header("Cc", "alice"), [2]),
        (Header("Subject", "hello  world"), [1]),
        (Header("Subject", "hello"), [1]),
        (Header("Subject", "GRÜßE"), [2]),
        (Header("Subject", "gru\u0308"), [2]),
        (Header("Subject", "GRU"), [2]),  # RFC 5051 §1: with diacritics, and without
        (Header("Subject", "GRÜSSE"), []),
        (Header("To", "alice"), []),
        (Header("Subject", "alice"), []),
        (Header("From", "carol"), [5]),
        (Header("From", ""), [1, 2, 5]),
        (Header("X-Empty", ""), [5]),
        (Header("X-Empty", "x"), []),
        (Header("Fro", "alice"), []),
        (Header("Subject", "long ONE"), [4]),
        (Body("quick brown"), [1]),
        (Body("STRAßE"), [2]),
        (Body("strasse"), []),
        (Body("CAFÉ"), [2]),
        (Body("secret word"), [3]),
        (Body("needle"), [4]),
        (Body("alice"), [5]),
        (Body("hello"), []),
        (Text("alice"), [1, 2, 5]),
        (Text("hello  world"), [1]),
        (Text("brown"), [1]),
        (Text("needle"), [4]),
        (Text("subject: enc"), [3]),
        (Text("VGhlIHN"), []),
        (Text("quick fox"), []),
        (And((Text("alice"), Not(Header("From", "alice")))), [2, 5]),
        (Or(Text("needle"), And((Text("fox"), Flag(SEEN)))), [1, 4]),
        (Or(SentDate(When.ON, date(2024, 1, 2)), Body("fox")), [1, 2]),
        (And((Or(Text("zzz"), Flag(SEEN)), SentDate(When.ON, date(2024, 1, 2)), Not(Body("x")))), [2]),
    ],
)
async def test_keys(storage: Storage, view: View, key: Key, expected: list[int]) -> None:
    assert list(await storage.finder.search(view, key)) == expected


async def test_what_is_gone_matches_nothing(storage: Storage, view: View) -> None:
    await storage.expunge(view.mailbox, [2], only_deleted=False)
    assert list(await storage.finder.search(view, And(()))) == [1, 3, 4, 5]
    assert list(await storage.finder.search(view, Not(Flag(DELETED)))) == [1, 3, 4, 5]
    assert list(await storage.finder.search(view, Larger(0))) == [1, 3, 4, 5]
    assert list(await storage.finder.search(view, Text("alice"))) == [1, 5]
    view.take(expunges=True)
    assert list(await storage.finder.search(view, Text("alice"))) == [1, 4]


@pytest.mark.parametrize("gone", [1, 3, 5])
async def test_wherever_a_message_has_gone_the_others_are_found_by_their_own(
    storage: Storage, view: View, gone: int
) -> None:
    left = [number for number in range(1, 6) if number != gone]
    sizes = list(view.mailbox.sizes)
    await storage.store(view.mailbox, [4], Change.ADD, FlagSet(FLAGGED))
    await storage.expunge(view.mailbox, [gone], only_deleted=False)
    for _ in range(2):  # the view has its number still, and then no more
        assert [view.uids[position - 1] for position in await storage.finder.search(view, Flag(FLAGGED))] == [4]
        assert len(await storage.finder.search(view, Not(Flag(FLAGGED)))) == 3
        for number in left:
            same = await storage.finder.search(
                view, And((Larger(sizes[number - 1] - 1), Smaller(sizes[number - 1] + 1)))
            )
            assert [view.uids[position - 1] for position in same] == [number]
        view.take(expunges=True)


async def test_a_message_of_no_octets_is_smaller_than_one(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"", b"x")
    view = storage.view(inbox)
    assert list(await storage.finder.search(view, Smaller(1))) == [1]
    assert list(await storage.finder.search(view, Smaller(2))) == [1, 2]
    assert list(await storage.finder.search(view, Smaller(0))) == []
    assert list(await storage.finder.search(view, Larger(0))) == [2]


async def test_a_search_of_nothing(storage: Storage, inbox: Mailbox) -> None:
    assert list(await storage.finder.search(storage.view(inbox), Text("x"))) == []


async def test_others_run_while_a_search_does(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_store.mail.search.pacer.PAUSE_AFTER", 0.0)
    monkeypatch.setattr("postroad_store.mail.database.reader.BLOCK_ROWS", 1)
    await put(inbox, *[b"Subject: x\r\n\r\n"] * 5)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    assert list(await storage.finder.search(storage.view(inbox), Header("Subject", "x"))) == [1, 2, 3, 4, 5]
    task.cancel()
    assert turns >= 5


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Addresses("FROM", "alice@alpha.test"), [1]),
        (Addresses("FROM", "<alice@"), [1]),
        (Addresses("FROM", "JÖRG <joerg@alpha"), [2]),
        (Addresses("FROM", "=?utf-8"), []),
        (Addresses("TO", "bob"), [1]),
        (Addresses("CC", "alice"), [2]),
        (Addresses("BCC", ""), []),
        (Addresses("FROM", ""), [1, 2, 5]),
        (Addresses("FROM", "carol@alpha.test"), [5]),
        (And((Flag(SEEN), Addresses("FROM", "alpha"))), [1, 2]),
        (Not(Addresses("FROM", "alpha")), [3, 4]),
    ],
)
async def test_addresses_are_those_of_the_envelope(storage: Storage, view: View, key: Key, expected: list[int]) -> None:
    assert list(await storage.finder.search(view, key)) == expected
    assert await storage.finder.search(view, key) == expected  # from what has been kept


async def test_comments_and_folding_do_not_hide_an_address(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"From: <joe (c)@ (c) d.example>\r\n\r\n", b'To: "Doe,\r\n Joe" <joe@\r\n d.example>\r\n\r\n')
    view = storage.view(inbox)
    assert list(await storage.finder.search(view, Addresses("FROM", "joe@d.example"))) == [1]
    assert list(await storage.finder.search(view, Addresses("TO", "doe, joe <joe@d.example>"))) == [2]


def nested(depth: int) -> Key:
    key: Key = Flag(SEEN)
    for level in range(depth):
        key = (Not(Not(key)), Or(Flag(DELETED), key), Or(key, Flag(DELETED)), And((key, And(()))))[level % 4]
    return key


async def test_keys_nested_thousands_deep(storage: Storage, view: View) -> None:
    key = nested(20_000)
    assert list(await storage.finder.search(view, key)) == [1, 2]
    assert list(await storage.finder.search(view, Not(key))) == [3, 4, 5]


async def test_slices(storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key over a mailbox of several slices, with gaps, and with messages that are gone."""
    monkeypatch.setattr(evaluate, "SLICE", 4)
    monkeypatch.setattr(evaluate, "ROWS", 3)
    contents = [
        b"From: a%d@x\r\nSubject: s\r\nDate: %d Jan 2024 00:00 +0000\r\n\r\n" % (number, 1 + number % 2) + b"x" * number
        for number in range(30)
    ]
    await put(inbox, *contents)
    view = storage.view(inbox)
    await storage.store(inbox, range(1, 31, 3), Change.ADD, FlagSet(SEEN), view=view)
    seen = list(range(1, 31, 3))

    async def check(gone: set[int]) -> None:
        kept = [number for number in range(1, 31) if number not in gone]

        async def matching(key: Key) -> list[int]:
            return list(await storage.finder.search(view, key))

        assert await matching(And(())) == kept
        assert await matching(Flag(SEEN)) == [number for number in kept if number in seen]
        assert await matching(Not(Flag(SEEN))) == [number for number in kept if number not in seen]
        assert await matching(Or(Flag(SEEN), numbers("2:9"))) == [n for n in kept if n in seen or 2 <= n <= 9]
        assert await matching(And((Flag(SEEN), Larger(90)))) == [
            number for number in kept if number in seen and len(contents[number - 1]) > 90
        ]
        assert await matching(And((uids("1,30"), Smaller(10**6)))) == [number for number in (1, 30) if number in kept]
        assert await matching(And((Recent(), Addresses("FROM", "a1")))) == [n for n in kept if str(n - 1)[0] == "1"]
        assert await matching(Header("Subject", "s")) == kept
        assert await matching(Body("xxxxxxxxxx")) == [number for number in kept if number > 10]
        assert await matching(SentDate(When.ON, date(2024, 1, 1))) == [number for number in kept if number % 2]
        assert await matching(SentDate(When.ON, date(2024, 1, 3))) == []

    await check(set())
    await storage.expunge(inbox, [5, 16], only_deleted=False)
    await check({5, 16})


async def test_long_texts_are_made_once_for_a_search(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "PIECE", 100_000)
    joined: list[int] = []

    def make(pieces: list[bytes]) -> LongText:
        assert threading.current_thread() is not threading.main_thread(), "to join it would hold up the event loop"
        assert len(pieces) > 1
        joined.append(sum(map(len, pieces)))
        return joined_text(pieces)

    monkeypatch.setattr(evaluate, "joined_text", make)
    await put(inbox, LONG)
    view = storage.view(inbox)
    assert list(await storage.finder.search(view, And(tuple(Not(Text(f"word {number}")) for number in range(9))))) == [
        1
    ]
    assert joined == [len(LONG)]


async def test_a_long_message_that_goes_meanwhile(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(inbox, LONG, LONG)
    read = storage._reader.content
    monkeypatch.setattr(
        storage._reader, "content", lambda mailbox, uid, *rest: None if uid == 1 else read(mailbox, uid, *rest)
    )
    assert list(await storage.finder.search(storage.view(inbox), Body("needle"))) == [2]


async def test_the_header_of_a_long_message(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, LONG)
    assert list(await storage.finder.search(storage.view(inbox), Header("Subject", "long one"))) == [1]


async def test_the_longest_plain_message_is_searched_to_its_end(storage: Storage, inbox: Mailbox, put: Put) -> None:
    """A plain message must fit into one piece of the database: SEARCH reads no other."""
    head, needle = b"Subject: x\r\n\r\n", b"Needle\r\n"
    content = head + b"x" * (MAX_PLAIN - len(head) - len(needle)) + needle
    assert is_plain(content, parse(content))
    await put(inbox, content)
    assert list(await storage.finder.search(storage.view(inbox), Body("needle"))) == [1]


async def test_a_search_ends_when_nobody_waits_for_it(
    storage: Storage, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_store.mail.search.pacer.PAUSE_AFTER", 0.0)

    async def gone() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await storage.finder.search(view, Text("x"), between=gone)
    assert list(await storage.finder.search(view, Text("fox"))) == [1]


class Meter:
    """A pace that counts what is read between two of its calls."""

    def __init__(self) -> None:
        self.octets = self.most = self.calls = self.threads = 0

    def read(self, octets: int) -> None:
        self.octets += octets
        self.most = max(self.most, self.octets)

    async def __call__(self) -> None:
        self.calls += 1
        self.octets = 0

    async def apart(self, function: Callable[[], Any]) -> Any:
        self.threads += 1
        await self()
        return function()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        await self()
        yield


@pytest.fixture
def meter(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter()
    reader = storage._reader
    content = reader.content

    def counted(read: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def read_rows(*arguments: Any) -> Iterator[Any]:
            for rows in read(*arguments):
                meter.read(sum(len(row[2] or b"") + len(row[3]) for row in rows))
                yield rows

        return read_rows

    monkeypatch.setattr(reader, "texts", counted(reader.texts))
    monkeypatch.setattr(reader, "headers", counted(reader.headers))

    def read_content(*arguments: Any) -> bytes | None:
        octets = content(*arguments)
        meter.read(len(octets or b""))
        return octets

    monkeypatch.setattr(reader, "content", read_content)
    return meter


async def test_no_step_reads_more_than_a_megabyte_or_two(
    storage: Storage, inbox: Mailbox, put: Put, meter: Meter
) -> None:
    size = 12 << 20
    await put(inbox, HEAD + b"Subject: long\r\n\r\n" + b"\xc3\xa9 words \r\n" * (size // 11), *MESSAGES * 200)
    view = storage.view(inbox)
    key = And((Text("nowhere"), Body("nowhere either")))
    assert await evaluate.evaluate(view, storage.finder._sources, Or(key, Header("Subject", "long")), meter) == [
        number for number in range(1, 1002) if number == 1 or number % 5 == 0
    ]
    assert meter.most <= 3 << 20
    assert meter.calls > 20
    assert meter.threads >= 2


async def test_a_deep_search_pauses_on_its_way_down_and_up(
    storage: Storage, view: View, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    key: Key = And((Flag(SEEN),))
    for _ in range(1000):
        key = Not(key)
    on_leaf = 0

    async def among(*_: object) -> list[int]:
        nonlocal on_leaf
        on_leaf = meter.calls
        return []

    monkeypatch.setattr(Flag, "among", among)
    await evaluate.evaluate(view, storage.finder._sources, key, meter)
    assert on_leaf >= 1000
    assert meter.calls >= on_leaf + 1000


async def test_the_loop_turns_while_a_large_message_is_searched(storage: Storage, inbox: Mailbox, put: Put) -> None:
    """Others get many turns: a search that did its work in one go would leave them two or three."""
    body = base64.encodebytes(b"some words here and there\n" * 400_000)
    await put(inbox, b"Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    assert list(await storage.finder.search(storage.view(inbox), Not(Body("nowhere")))) == [1]
    task.cancel()
    assert turns > 30


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Within(younger=True, seconds=10), [2, 3]),
        (Within(younger=True, seconds=9), [3]),
        (Within(younger=False, seconds=10), [1, 2]),
        (Within(younger=False, seconds=9), [1, 2]),
        (Within(younger=False, seconds=11), [1]),
        (Within(younger=False, seconds=20), []),
    ],
)
async def test_how_long_ago(tmp_path: Path, key: Key, expected: list[int]) -> None:
    storage = Storage(tmp_path / "mail", clock=Clock(wall=lambda: 1000.9))
    try:
        account = await storage.account("alice@alpha.test")
        arrivals = [Arrival((account.inbox,), b"A: b\r\n\r\n", date, NO_FLAGS) for date in (981, 990, 1000)]
        await storage.append(arrivals)
        assert await storage.finder.search(storage.view(account.inbox), key) == expected
    finally:
        storage.close()


def test_whether_a_number_is_among_others() -> None:
    for numbers in (range(0), range(3, 7), [2], [2, 4, 7]):
        assert [number for number in range(10) if evaluate._has(numbers, number)] == list(numbers)
