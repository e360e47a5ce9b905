from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.model.flags import FLAGGED, Change, FlagSet
from postroad_store.mail.search import fieldtext
from postroad_store.mail.search.fieldtext import Extension, FieldText, FieldTexts, values
from postroad_store.mail.search.keys import And, Flag
from postroad_store.mail.search.strings import Header

if TYPE_CHECKING:
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put


@pytest.mark.parametrize(
    ("header", "bodies"),
    [
        (b"from: a\r\nto: b\r\n\r\n", [b"a"]),
        (b"to: b\r\nfrom :\ta \r\n", [b"a"]),
        (b"from: a\r\n b\r\n\tc\r\nto: d\r\n", [b"a b\tc"]),
        (b"from: a\nfrom: b", [b"a", b"b"]),
        (b"from:", [b""]),
        (b"from:  XXL X \r\n", [b"XXL X"]),
        (b"from: a\r\n ", [b"a"]),
        (b"fromage: a\r\nx-from: b\r\n x\r\nto: from: c\r\n", []),
        (b"from: a\x00b", [b"ab"]),
        (b"", []),
    ],
)
def test_values(header: bytes, bodies: list[bytes]) -> None:
    assert values(header, b"from") == bodies


def extended(text: FieldText, upto: int, more: list[tuple[int, list[bytes]]]) -> FieldText:
    extension = Extension(text)
    extension.add(more)
    return extension.end(upto)


def uids_with(text: FieldText, needle: bytes) -> set[int]:
    return set().union(*text.search(needle))


def test_search() -> None:
    text = extended(FieldText(), 9, [(1, [b"alice"]), (3, []), (4, [b"bob", b"alice"]), (7, [b""])])
    assert text.upto == 9
    assert uids_with(text, b"alice") == {1, 4}
    assert uids_with(text, b"o") == {4}
    assert uids_with(text, b"") == {1, 4, 7}
    assert uids_with(text, b"\x00") == set()
    assert uids_with(text, b"alicebob") == set()  # not across messages
    assert uids_with(text, b"bobalice") == set()  # nor across fields
    more = extended(text, 12, [(12, [b"alice too"])])
    assert uids_with(more, b"alice") == {1, 4, 12}
    assert uids_with(text, b"alice") == {1, 4}  # others may be searching it
    assert more.size > text.size > len(text.text)


@pytest.mark.parametrize(("step", "matches"), [(1, 9), (3, 1), (7, 2), (100, 2), (100, 100)])
def test_a_search_goes_step_by_step(monkeypatch: pytest.MonkeyPatch, step: int, matches: int) -> None:
    monkeypatch.setattr(fieldtext, "STEP", step)
    monkeypatch.setattr(fieldtext, "MATCHES", matches)
    names = [b"alice", b"bob", b"alice", b"", b"al", b"malice"]
    text = extended(FieldText(), 9, [(uid, [name]) for uid, name in enumerate(names, 1)])
    for needle in (b"alice", b"al", b"a", b"e", b"bob", b"x", b""):
        steps = list(text.search(needle))
        assert set().union(*steps) == {uid for uid, name in enumerate(names, 1) if needle in name}
        assert max(map(len, steps)) <= matches


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fieldtext, "MAX_KEPT", 2 * fieldtext.ENTRY + 300)
    kept = FieldTexts()
    text = extended(FieldText(), 1, [(1, [b"x" * 60])])
    kept.put(1, b"from", text)
    kept.put(1, b"from", text)
    kept.put(1, b"to", text)
    assert kept.get(1, b"from") is text
    kept.put(2, b"from", text)
    assert [kept.get(*key) is text for key in ((1, b"from"), (1, b"to"), (2, b"from"))] == [True, False, True]


def test_fields_that_no_message_has_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fieldtext, "MAX_KEPT", 100_000)
    kept = FieldTexts()
    names = [b"x-%d-%b" % (number, b"y" * 30_000) for number in range(10)]
    for name in names:
        kept.put(1, name, FieldText())
    assert [name for name in names if kept.get(1, name) is not None] == names[-3:]
    for number in range(200):
        kept.put(1, b"x-%d" % number, FieldText())
    assert kept.get(1, b"x-0") is None


async def test_it_follows_the_mailbox(storage: Storage, inbox: Mailbox, put: Put) -> None:
    key = Header("From", "alice")
    await put(inbox, b"From: Alice\r\n\r\n", b"From: Bob\r\n\r\n")
    view = storage.view(inbox)
    assert list(await storage.finder.search(view, key)) == [1]
    await put(inbox, b"From: ALICE\r\n\r\n")
    assert list(await storage.finder.search(view, key)) == [1]  # not told yet
    view.take(expunges=True)
    assert list(await storage.finder.search(view, key)) == [1, 3]
    await storage.expunge(inbox, [1], only_deleted=False)
    assert list(await storage.finder.search(view, key)) == [3]
    view.take(expunges=True)
    assert list(await storage.finder.search(view, key)) == [2]
    kept = storage.finder._sources.fields.get(inbox.id, b"from")
    assert kept is not None
    assert kept.uids == [1, 2, 3]


async def test_few_messages_are_read_alone(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *[b"From: Alice\r\n\r\n"] * 9)
    view = storage.view(inbox)
    await storage.store(inbox, [4, 7], Change.ADD, FlagSet(FLAGGED))
    assert list(await storage.finder.search(view, And((Header("From", "alice"), Flag(FLAGGED))))) == [4, 7]
    assert storage.finder._sources.fields.get(inbox.id, b"from") is None
    assert await storage.finder.search(view, Header("From", "alice")) == list(range(1, 10))
    assert list(await storage.finder.search(view, And((Header("From", "alice"), Flag(FLAGGED))))) == [4, 7]
    assert storage.finder._sources.fields.get(inbox.id, b"from") is not None


async def test_what_is_mostly_gone_is_made_anew(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *[b"From: Alice\r\n\r\n"] * 3)
    view = storage.view(inbox)
    stale = extended(FieldText(), 3, [(uid, [b"alice"]) for uid in range(2000)])
    storage.finder._sources.fields.put(inbox.id, b"from", stale)
    assert list(await storage.finder.search(view, Header("From", "alice"))) == [1, 2, 3]
    kept = storage.finder._sources.fields.get(inbox.id, b"from")
    assert kept is not None
    assert kept.uids == [1, 2, 3]
