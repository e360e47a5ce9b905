"""The index finds what the plain scan finds, whatever the messages, and whatever has happened to its file."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad_store.mail.index import index as index_module
from postroad_store.mail.index import indexer, narrowing
from postroad_store.mail.index.index import FILE, Index
from postroad_store.mail.index.trigrams import indexed_text, query, trigrams_of
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.search.fuzzy import Fuzzy
from postroad_store.mail.search.keys import And, Not, Or
from postroad_store.mail.search.strings import Addresses, Body, Header, Text
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.search.key import Key

WORDS = ["hello", "World", "joe", "Joe Doe", "<joe@d.example>", '"a \\"b\\" c"', "x", "", "a@b", "(comment)", "\0"]
WORDS += [
    "=?utf-8?q?J=C3=B6rg?=",
    "=?utf-8?b?w6l0dWRl?=",
    "été",
    "Straße",
    "STRASSE",
    "a\r\n b",
    "a\r\n\tb",
    "team: a@x;",
]
WORD = st.sampled_from(WORDS)
LINE = st.lists(WORD, max_size=5).map(" ".join)
FIELD = st.tuples(st.sampled_from(["From", "To", "Subject", "X-Odd", "from "]), LINE).map(": ".join)
ENCODING = st.sampled_from(
    ["", "Content-Type: text/plain; charset=utf-8", "Content-Type: text/html", "Content-Type: image/png"]
)


def _message(fields: list[str], encoding: str, lines: list[str]) -> bytes:
    head = "\r\n".join([*fields, encoding] if encoding else fields)
    return "\r\n".join([head, "", *lines, ""]).encode("utf-8", "replace")


MESSAGE = st.builds(_message, st.lists(FIELD, max_size=5), ENCODING, st.lists(LINE, max_size=3))
NEEDLE = st.one_of(
    WORD, LINE, st.sampled_from(["> ", "joe <", "\r\n ", "doe <joe", "example>, <", "b c", "ö", "strasse"])
)
LEAF = st.one_of(
    NEEDLE.map(Text),
    NEEDLE.map(Body),
    st.builds(Header, st.sampled_from(["SUBJECT", "FROM", "X-ODD"]), NEEDLE),
    st.builds(Addresses, st.sampled_from(["FROM", "TO", "CC", "BCC"]), NEEDLE),
)
KEY = st.one_of(
    LEAF, LEAF.map(Fuzzy), st.builds(Or, LEAF, LEAF), LEAF.map(Not), st.builds(lambda a, b: And((a, b)), LEAF, LEAF)
)


@pytest.fixture(autouse=True)
def even_few_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowing, "FEW", 0)
    monkeypatch.setattr(narrowing, "SHARE", 1)


def extended(index: Index) -> Index:
    if not index.useful:
        index.open()
    while index.extend():
        pass
    return index


def ready(storage: Storage) -> Index:
    """The index of a storage that has been opened again: the thread extends one that is there."""
    if storage.finder._indexer._thread is None:
        return extended(storage.finder.index)
    assert storage.finder._indexer.idle.wait(20)
    return storage.finder.index


async def filled(storage: Storage, contents: Sequence[bytes]) -> Account:
    account = await storage.account("alice@alpha.test")
    await storage.append([Arrival((account.inbox,), content, 0, NO_FLAGS) for content in contents])
    return account


async def _compare(folder: Path, messages: list[bytes], later: list[bytes], keys: list[Key]) -> None:
    storage = Storage(folder / "mail")
    try:
        account = await filled(storage, messages)
        view = storage.view(account.inbox)
        plain = [list(await storage.finder.search(view, key)) for key in keys]
        extended(storage.finder.index)
        storage.finder._sources.fields._kept.clear()
        assert [list(await storage.finder.search(view, key)) for key in keys] == plain
        await filled(storage, later)
        view.take(expunges=True)
        storage.finder._sources.fields._kept.clear()
        narrowed = [list(await storage.finder.search(view, key)) for key in keys]
        storage.finder.index.useful = False
        storage.finder._sources.fields._kept.clear()
        assert narrowed == [list(await storage.finder.search(view, key)) for key in keys]
    finally:
        storage.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MESSAGE, min_size=1, max_size=6), st.lists(MESSAGE, max_size=2), st.lists(KEY, min_size=1, max_size=6))
def test_results_are_those_of_the_plain_scan(messages: list[bytes], later: list[bytes], keys: list[Key]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_compare(Path(folder), messages, later, keys))


@pytest.mark.parametrize(
    ("needle", "asked"),
    [
        (b"", None),
        (b"ab", None),
        ("éé".encode(), None),
        (b"a\r\n b", None),
        (b"abc", '"abc"'),
        (b"abcd", '"abc" AND "bcd"'),
        (b"aaaaa", '"aaa"'),
        (b'a"b', '"a""b"'),
        ("éèà".encode(), '"éèà"'),
    ],
)
def test_what_the_index_is_asked(needle: bytes, asked: str | None) -> None:
    trigrams = trigrams_of(needle)
    assert (None if trigrams is None else query((trigrams,))) == (None if asked is None else f"({asked})")


def test_the_index_is_asked_for_any_of_several() -> None:
    assert query((["abc", "bcd"], ["xyz"])) == '("abc" AND "bcd") OR ("xyz")'


def test_a_long_text_is_asked_for_by_some_of_its_trigrams() -> None:
    trigrams = trigrams_of(b"".join(b"%03d" % number for number in range(500)))
    assert trigrams is not None
    assert 10 < len(trigrams) <= 30


def test_a_field_is_indexed_without_its_nuls_too() -> None:
    text = indexed_text(plain=True, header=b"A: b\0cd\r\n\r\n", body=b"e\0f", envelope=b"(NIL NIL NIL NIL NIL NIL)")
    assert "b cd" in text
    assert "bcd" in text
    assert "e f" in text


@pytest.fixture
async def storage(tmp_path: Path) -> Any:
    storage = Storage(tmp_path / "mail")
    yield storage
    storage.close()


MAILS = [b"Subject: hello\r\n\r\nhorse\r\n", b"Subject: hi\r\n\r\nhouse\r\n", b"Subject: hallo\r\n\r\nhouse\r\n"]


async def numbers_with(storage: Storage, text: str) -> list[int]:
    account = await storage.account("alice@alpha.test")
    return list(await storage.finder.search(storage.view(account.inbox), Text(text)))


def candidates(index: Index, needle: bytes) -> list[int]:
    answer = index.candidates((needle,), 100)
    assert answer is not None
    return answer.contents


async def test_it_narrows(storage: Storage) -> None:
    await filled(storage, MAILS)
    index = extended(storage.finder.index)
    assert candidates(index, b"horse") == [1]
    assert candidates(index, b"house") == [2, 3]
    assert index.candidates((b"house",), 2) is None  # too many
    assert index.candidates((b"ho",), 100) is None
    assert await numbers_with(storage, "horse") == [1]
    assert await numbers_with(storage, "house") == [2, 3]
    assert await numbers_with(storage, "cow") == []


async def test_batches(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "BATCH_ROWS", 2)
    await filled(storage, MAILS)
    assert candidates(extended(storage.finder.index), b"house") == [2, 3]
    monkeypatch.setattr(index_module, "BATCH_OCTETS", 1)
    await filled(storage, MAILS)
    assert candidates(extended(storage.finder.index), b"house") == [2, 3, 5, 6]


async def test_messages_whose_text_is_not_kept_are_always_read(storage: Storage) -> None:
    long = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"\xc3\xa9\r\n" * 70_000 + b"Needle\r\n"
    await filled(storage, [*MAILS, long])
    assert candidates(extended(storage.finder.index), b"horse") == [1, 4]
    assert await numbers_with(storage, "needle") == [4]


@pytest.mark.parametrize("name", ["removed", "damaged", "empty", "old", "of another mail", "ahead", "wasteful"])
async def test_a_file_that_is_of_no_use_is_made_anew(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mail"
    storage = Storage(folder)
    await filled(storage, MAILS)
    extended(storage.finder.index)
    if name == "wasteful":
        account = await storage.account("alice@alpha.test")
        await storage.expunge(account.inbox, [1, 2, 3], only_deleted=False)
        monkeypatch.setattr(index_module, "_SPARE", 0)
    storage.close()
    path = folder / FILE
    if name == "removed":
        path.unlink()
    elif name == "damaged":
        path.write_bytes(b"nonsense" * 1000)
    elif name == "empty":
        path.write_bytes(b"")
    else:
        change = {
            "old": "PRAGMA user_version = 0",
            "of another mail": "UPDATE proofs SET checksum = 1",
            "ahead": "UPDATE reached SET upto = 100",
            "wasteful": "SELECT 1",
        }[name]
        with sqlite3.connect(path, isolation_level=None) as db:
            db.execute(change)
        db.close()
    storage = Storage(folder)
    try:
        index = ready(storage)
        assert candidates(index, b"house") == ([] if name == "wasteful" else [2, 3])
    finally:
        storage.close()


async def test_a_file_that_is_right_is_used(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "mail")
    await filled(storage, MAILS)
    extended(storage.finder.index)
    storage.close()
    storage = Storage(tmp_path / "mail")
    assert candidates(ready(storage), b"house") == [2, 3]
    storage.close()
    assert storage.finder.index.candidates((b"house",), 100) is None


async def test_damage_that_is_found_while_searching(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    await filled(storage, MAILS)
    index = extended(storage.finder.index)
    assert index._reader is not None
    index._reader.close()
    assert await numbers_with(storage, "house") == [2, 3]
    assert "is not used until the next start" in caplog.text
    assert not index.useful


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer, "LEAST", 2)
    monkeypatch.setattr(indexer, "QUIET", 0.01)
    monkeypatch.setattr(indexer, "PATIENCE", 0.015)


async def reached(storage: Storage, upto: int) -> None:
    assert await asyncio.to_thread(storage.finder._indexer.idle.wait, 20)
    answer = storage.finder.index.candidates((b"nothing",), 10)
    assert answer is not None
    assert answer.upto == upto


@pytest.mark.usefixtures("at_once")
async def test_it_is_extended_behind_delivery(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "mail")
    try:
        await filled(storage, MAILS[:1])
        assert not (tmp_path / "mail" / FILE).exists()
        await filled(storage, MAILS)
        await reached(storage, 4)
        await filled(storage, MAILS)
        await reached(storage, 7)
    finally:
        storage.close()
    storage = Storage(tmp_path / "mail")  # there are enough of them now
    await reached(storage, 7)
    storage.close()


@pytest.mark.usefixtures("at_once")
async def test_without_room_for_it_searches_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    storage = Storage(tmp_path / "mail")
    (tmp_path / "mail" / FILE).mkdir()
    try:
        await filled(storage, MAILS)
        thread = storage.finder._indexer._thread
        assert thread is not None
        await asyncio.to_thread(thread.join)
        assert "the search index is not made" in caplog.text
        assert await numbers_with(storage, "house") == [2, 3]
    finally:
        storage.close()
