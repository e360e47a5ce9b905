"""Mailboxes that take long to read: a thread reads them, and what happens meanwhile is not lost."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail import loader as loader_module
from postroad_store.mail.model.errors import NoSuchMailbox, StorageError
from postroad_store.mail.model.flags import FLAGGED, SEEN, Change, FlagSet
from tests.store.mail.model.test_mailbox import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.contents import Contents
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put


class Gate:
    """Holds the thread that reads, before or after it has read."""

    def __init__(self, storage: Storage) -> None:
        self.read = 0
        self._contents = storage._loader._reader_apart.contents
        self._open = threading.Event()
        self._at_gate = threading.Event()
        storage._loader._reader_apart.contents = self._wait  # type: ignore[method-assign]

    def _wait(self, mailbox: Mailbox) -> Contents | None:
        contents = self._contents(mailbox)
        self.read += 1
        self._at_gate.set()
        assert self._open.wait(10)
        return contents

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._at_gate.wait, 10)

    def open(self) -> None:
        self._open.set()


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader_module, "LARGE", 2)


@pytest.fixture
def gate(storage: Storage) -> Iterator[Gate]:
    gate = Gate(storage)
    yield gate
    gate.open()


async def test_only_what_is_not_in_memory_is_large(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1", b"2")
    assert storage.is_large(inbox)
    view = await storage.view_large(inbox, claim_recent=False)
    assert (list(view.uids), set(view.recent)) == ([1, 2], {1, 2})
    assert not storage.is_large(inbox)
    assert list((await storage.view_large(inbox)).uids) == [1, 2]


async def test_what_is_done_meanwhile_is_seen(storage: Storage, account: Account, put: Put, gate: Gate) -> None:
    inbox = account.inbox
    await put(inbox, b"1", b"2", b"3")
    opening = asyncio.ensure_future(storage.view_large(inbox))
    await gate.reached()
    await put(inbox, b"4", flags=FlagSet(0, ("kw",)))
    await storage.store(inbox, [1, 4], Change.ADD, FlagSet(FLAGGED))
    await storage.expunge(inbox, [2], only_deleted=False)
    await storage.copy(inbox, [3], account.selectable("Archive"), move=True)
    assert storage.status(inbox).messages == 2
    gate.open()
    view = await opening
    assert list(view.uids) == [1, 4]
    assert [inbox.flag_names(flags) for flags in inbox.flags] == ["\\Flagged", "\\Flagged kw"]
    await storage.store(inbox, [4], Change.ADD, FlagSet(SEEN))
    assert inbox.counts.unseen == 1


async def test_an_inbox_that_is_renamed_meanwhile(storage: Storage, account: Account, put: Put, gate: Gate) -> None:
    inbox = account.inbox
    await put(inbox, b"1", b"2", b"3")
    opening = asyncio.ensure_future(storage.view_large(inbox))
    await gate.reached()
    await storage.rename(account, "INBOX", "old")
    await put(inbox, b"4")
    gate.open()
    assert list((await opening).uids) == [4]


async def test_a_mailbox_that_is_deleted_meanwhile(storage: Storage, account: Account, put: Put, gate: Gate) -> None:
    box = await storage.create(account, "box")
    await put(box, b"1", b"2", b"3")
    opening = asyncio.ensure_future(storage.view_large(box))
    await gate.reached()
    await storage.delete(account, "box")
    gate.open()
    with pytest.raises(NoSuchMailbox):
        await opening
    with pytest.raises(NoSuchMailbox):
        await storage.view_large(box)


async def test_it_is_read_once_for_all_who_wait(storage: Storage, inbox: Mailbox, put: Put, gate: Gate) -> None:
    await put(inbox, b"1", b"2", b"3")
    first, second = (asyncio.ensure_future(storage.view_large(inbox)) for _ in range(2))
    await gate.reached()
    first.cancel()
    gate.open()
    assert list((await second).uids) == [1, 2, 3]
    assert gate.read == 1


async def test_a_mailbox_that_was_opened_in_time(storage: Storage, inbox: Mailbox, put: Put, gate: Gate) -> None:
    await put(inbox, b"1", b"2", b"3")
    opening = asyncio.ensure_future(storage.view_large(inbox))
    await gate.reached()
    early = storage.view(inbox)
    await storage.expunge(inbox, [1], only_deleted=False)
    gate.open()
    assert list((await opening).uids) == [2, 3]
    assert early.take(expunges=True).expunged == numbered(1)


async def test_a_mailbox_that_cannot_be_read(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(inbox, b"1", b"2", b"3")

    def fail(_: Mailbox) -> None:
        raise StorageError("the mail cannot be read or written")

    with monkeypatch.context() as patched:
        patched.setattr(storage._loader._reader_apart, "contents", fail)
        with pytest.raises(StorageError):
            await storage.view_large(inbox)
    await put(inbox, b"4")
    assert list((await storage.view_large(inbox)).uids) == [1, 2, 3, 4]
