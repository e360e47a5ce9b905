from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.database.commits import accounts, mailboxes
from postroad_store.mail.model.account import MAX_DEPTH, MAX_NAME
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import LimitReached, MailboxExists, NameNotAllowed, NameTooLong, NoSuchMailbox
from postroad_store.mail.model.flags import NO_FLAGS, Change, FlagSet
from postroad_store.mail.model.message import Column
from tests.store.mail.model.test_mailbox import numbered

if TYPE_CHECKING:
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

SPECIAL = {"INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"}


def names(account: Account) -> set[str]:
    return set(account.mailboxes) - SPECIAL


async def reopened(storage: Storage, account: Account) -> set[str]:
    """What the database says, beside what the memory does."""
    stored = storage._reader.account(account.login)
    assert stored is not None
    return {row.name for row in stored[2]} - SPECIAL


async def test_create_makes_superiors(storage: Storage, account: Account) -> None:
    mailbox = await storage.create(account, "a/b/c/", special_use="\\Archive")
    assert (mailbox.name, mailbox.special_use, mailbox.selectable) == ("a/b/c", "\\Archive", True)
    assert names(account) == {"a", "a/b", "a/b/c"} == await reopened(storage, account)
    assert account.mailboxes["a"].special_use is None
    assert account.has_inferiors("a")
    assert not account.has_inferiors(mailbox.name)
    assert account.find("A/B") is None
    with pytest.raises(MailboxExists):
        await storage.create(account, "a/b")
    with pytest.raises(MailboxExists):
        await storage.create(account, "inbox")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a//b",
        "a\r\nb",
        "a\x00",
        "a\u2028",
        "\udc80",
        "a*",
        "a%b",
        "x" * (MAX_NAME + 1),
        "é" * MAX_NAME,
        "/".join("a" * (MAX_DEPTH + 1)),
    ],
)
async def test_names_that_cannot_be(storage: Storage, account: Account, name: str) -> None:
    with pytest.raises(NameNotAllowed):
        await storage.create(account, name)


@pytest.mark.parametrize("name", ["é" * MAX_NAME, "/".join("a" * (MAX_DEPTH + 1))])
async def test_names_beyond_a_limit(storage: Storage, account: Account, name: str) -> None:
    with pytest.raises(NameTooLong) as refused:
        await storage.create(account, name)
    assert refused.value.code == "LIMIT"


async def test_names_that_can_be(storage: Storage, account: Account) -> None:
    for name in ("Ünïcödé & more", "全角\u3000空白", "~home", "台北", "x" * MAX_NAME, "/".join("a" * MAX_DEPTH)):
        await storage.create(account, name)
    assert len(names(account)) == 5 + MAX_DEPTH


async def test_mailboxes_are_bounded(storage: Storage, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "MAX_MAILBOXES", 8)
    await storage.create(account, "a/b")
    with pytest.raises(LimitReached):
        await storage.create(account, "c")
    with pytest.raises(LimitReached):
        await storage.create(account, "d/e/f")
    assert names(account) == {"a", "a/b"} == await reopened(storage, account)


async def test_uidvalidity_is_never_used_again(storage: Storage, account: Account) -> None:
    seen = set()
    for _ in range(3):
        mailbox = await storage.create(account, "again")
        seen.add(mailbox.uid_validity)
        await storage.delete(account, "again")
    assert len(seen) == 3


async def test_delete(storage: Storage, account: Account, put: Put) -> None:
    mailbox = await storage.create(account, "a")
    await put(mailbox, b"one", b"two", flags=FlagSet(0, ("kw",)))
    view = storage.view(mailbox)
    called = []
    view.on_change = lambda: called.append(1)
    await storage.delete(account, "a")
    assert view.gone
    assert called
    assert view.pick(mailbox.flags, 1, 2) == [-1, -1]
    assert view.take(expunges=True).expunged == numbered(2, 1)
    assert names(account) == set() == await reopened(storage, account)
    with pytest.raises(NoSuchMailbox):
        account.selectable("a")
    with pytest.raises(NoSuchMailbox):
        await storage.delete(account, "a")
    with pytest.raises(NameNotAllowed):
        await storage.delete(account, "Inbox")
    with pytest.raises(NoSuchMailbox):
        await put(mailbox, b"three")


async def test_delete_with_inferiors_leaves_the_name(storage: Storage, account: Account, put: Put) -> None:
    await storage.create(account, "a/b")
    first = account.selectable("a")
    await put(first, b"x")
    await storage.delete(account, "a")
    name = account.mailboxes["a"]
    assert (name.selectable, name is first, first.deleted) == (False, False, True)
    with pytest.raises(NoSuchMailbox):
        account.selectable("a")
    with pytest.raises(NameNotAllowed):  # RFC 3501 §6.3.4: \Noselect, with inferiors
        await storage.delete(account, "a")
    with pytest.raises(NoSuchMailbox):
        await storage.append([Arrival((name,), b"x", 0, NO_FLAGS)])
    again = await storage.create(account, "a")
    assert again.selectable
    assert again.uid_validity not in {first.uid_validity, name.uid_validity}
    await storage.delete(account, "a")
    await storage.delete(account, "a/b")
    await storage.delete(account, "a")
    assert names(account) == set() == await reopened(storage, account)


async def test_rename_with_inferiors(storage: Storage, account: Account, put: Put) -> None:
    mailbox = await storage.create(account, "a/b/c")
    await storage.create(account, "ab")
    await put(mailbox, b"x")
    view = storage.view(mailbox)
    await storage.rename(account, "a", "new/deep/a")
    expected = {"new", "new/deep", "new/deep/a", "new/deep/a/b", "new/deep/a/b/c", "ab"}
    assert names(account) == expected == await reopened(storage, account)
    assert account.mailboxes["new/deep/a/b/c"] is mailbox
    assert mailbox.name == "new/deep/a/b/c"
    assert not view.gone
    await put(mailbox, b"y")
    assert view.take(expunges=True).exists == 2


async def test_rename_into_place_of_a_superior(storage: Storage, account: Account) -> None:
    await storage.create(account, "a/b")
    await storage.rename(account, "a/b", "b")
    await storage.rename(account, "a", "b/a")
    assert names(account) == {"b", "b/a"} == await reopened(storage, account)


async def test_renames_that_cannot_be(storage: Storage, account: Account) -> None:
    await storage.create(account, "a")
    await storage.create(account, "b")
    with pytest.raises(NoSuchMailbox):
        await storage.rename(account, "nowhere", "c")
    with pytest.raises(MailboxExists):
        await storage.rename(account, "a", "b")
    with pytest.raises(MailboxExists):
        await storage.rename(account, "a", "inbox")
    with pytest.raises(NameNotAllowed):
        await storage.rename(account, "a", "a/b")
    with pytest.raises(NameNotAllowed):
        await storage.rename(account, "a", "c//d")
    await storage.create(account, "a/" + "x/" * (MAX_DEPTH - 2) + "y")
    with pytest.raises(NameNotAllowed):  # its inferiors would lie too deep
        await storage.rename(account, "a", "c/d")
    assert "c" not in names(account)
    assert "c" not in await reopened(storage, account)


async def test_rename_of_inbox_moves_its_messages(storage: Storage, account: Account, put: Put) -> None:
    inbox = account.inbox
    await storage.create(account, "INBOX/below")
    await put(inbox, b"one", b"two", flags=FlagSet(0, ("kw",)))
    view = storage.view(inbox)
    await storage.rename(account, "inbox", "old/mail")
    assert view.take(expunges=True).expunged == numbered(2, 1)
    assert names(account) == {"INBOX/below", "old", "old/mail"} == await reopened(storage, account)
    old = account.selectable("old/mail")
    moved = storage.view(old)
    assert (list(moved.uids), set(moved.recent)) == ([1, 2], set())
    assert [old.flag_names(flags) for flags in old.flags] == ["kw", "kw"]
    assert [values for _, values in storage.fetch(old, [1, 2], [Column.CONTENT])] == [(b"one",), (b"two",)]
    await put(inbox, b"three")
    await put(old, b"four")
    view.take(expunges=True)
    moved.take(expunges=True)
    assert (list(view.uids), list(moved.uids)) == ([3], [1, 2, 3])
    await storage.store(old, [1], Change.ADD, FlagSet(0, ("more",)))
    assert old.keywords == ["kw", "more"]
    await storage.rename(account, "INBOX", "INBOX/kept")
    assert storage.status(account.selectable("INBOX/kept")).messages == 1


async def test_subscriptions(storage: Storage, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    await storage.subscribe(account, "nowhere")
    await storage.subscribe(account, "nowhere")
    await storage.subscribe(account, "inbox")
    assert account.subscriptions == SPECIAL | {"nowhere"}
    await storage.unsubscribe(account, "Sent")
    await storage.unsubscribe(account, "Sent")
    assert account.subscriptions == SPECIAL - {"Sent"} | {"nowhere"}
    monkeypatch.setattr(accounts, "MAX_SUBSCRIPTIONS", 6)
    with pytest.raises(LimitReached):
        await storage.subscribe(account, "more")
    assert "more" not in account.subscriptions
    with pytest.raises(NameNotAllowed):
        await storage.subscribe(account, "a//b")


async def test_calls_in_flight_are_seen_by_those_behind(storage: Storage, account: Account) -> None:
    creation = storage.create(account, "a")
    renaming = storage.rename(account, "a", "b")
    recreation = storage.create(account, "a")
    deletion = storage.delete(account, "b")
    first = await creation
    await renaming
    third = await recreation
    await deletion
    assert first.deleted
    assert names(account) == {"a"} == await reopened(storage, account)
    assert account.mailboxes["a"] is third


async def test_a_mailbox_stays_one_object_though_its_account_is_forgotten(storage: Storage) -> None:
    account = await storage.account("alice@alpha.test")
    mailbox = await storage.create(account, "a/b")
    await storage.rename(account, "a", "c")
    storage._accounts._recent.clear()
    del account
    gc.collect()
    again = await storage.account("alice@alpha.test")
    assert again.mailboxes["c/b"] is mailbox
    assert mailbox.name == "c/b"
