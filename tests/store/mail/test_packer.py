"""Mailboxes are packed when they fill, and again when they are quiet; and are loaded from packs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail import packer
from postroad_store.mail.database import packs
from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.model.flags import FLAGGED, SEEN, Change, FlagSet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postroad_store.mail.database.commits.packing import Pack
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "BITS", 2)
    monkeypatch.setattr(packer, "QUIET", 1000.0)
    monkeypatch.setattr(packer, "PAUSE", 0.0)


@pytest.fixture
def all_packed(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Let it become quiet, and wait until a commit of the packer has said that there is no more to pack."""
    done: asyncio.Queue[bool] = asyncio.Queue()
    submit = storage._packer._submit

    def watched(commit: Pack) -> asyncio.Future[bool]:
        promise = submit(commit)
        promise.add_done_callback(lambda promise: done.put_nowait(promise.result()))
        return promise

    async def wait() -> None:
        storage._packer._look()  # it is too early
        assert storage._packer._timer is not None
        with monkeypatch.context() as quiet:
            quiet.setattr(packer, "QUIET", 0.0)
            storage._packer._look()
            while await asyncio.wait_for(done.get(), 10):
                pass

    monkeypatch.setattr(storage._packer, "_submit", watched)
    return wait


def packed(storage: Storage, mailbox: Mailbox) -> list[int]:
    blocks = storage._reader.rows("SELECT id & 1048575 FROM packs WHERE id >> 20 = ? ORDER BY id", (mailbox.id,))
    return [block for (block,) in blocks]


async def test_a_block_is_packed_by_the_commit_that_fills_it(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, b"1", b"2")
    assert packed(storage, inbox) == []
    await put(inbox, *(b"%d" % number for number in range(3, 15)))
    assert packed(storage, inbox) == [0, 1, 2]  # the block of UIDs 12 to 15 has room for one more
    await storage.copy(inbox, range(1, 15), archive)
    assert packed(storage, archive) == [0, 1, 2]
    await storage.rename(account, "INBOX", "old")
    assert packed(storage, inbox) == []
    await storage.delete(account, "Archive")
    assert packed(storage, archive) == []


async def test_a_block_that_changes_is_packed_again(
    storage: Storage, account: Account, put: Put, all_packed: Callable[[], Awaitable[None]]
) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, *(b"%d" % number for number in range(1, 31)))
    everything = list(range(7))
    assert packed(storage, inbox) == everything
    await storage.store(inbox, [5, 21], Change.ADD, FlagSet(SEEN))
    assert packed(storage, inbox) == [0, 2, 3, 4, 6]
    await all_packed()
    assert packed(storage, inbox) == everything
    await storage.store(inbox, [5, 21], Change.ADD, FlagSet(SEEN))  # changes nothing
    assert packed(storage, inbox) == everything
    await storage.expunge(inbox, [1, 2, 3, 4, 9], only_deleted=False)
    await storage.copy(inbox, [13], archive, move=True)
    assert packed(storage, inbox) == [4, 5, 6]
    await all_packed()
    assert packed(storage, inbox) == everything
    await storage.store(inbox, range(1, 31), Change.REPLACE, FlagSet(FLAGGED))
    assert packed(storage, inbox) == []
    await all_packed()
    assert packed(storage, inbox) == everything
    view = storage.view(inbox)
    assert list(view.uids) == [5, 6, 7, 8, 10, 11, 12, *range(14, 31)]
    assert set(inbox.flags) == {FLAGGED}


async def test_what_is_found_without_a_pack_is_packed(
    storage: Storage, inbox: Mailbox, put: Put, all_packed: Callable[[], Awaitable[None]]
) -> None:
    await put(inbox, *(b"%d" % number for number in range(1, 14)))
    storage._writer._db.execute("DELETE FROM packs WHERE id & 1048575 = 1")
    storage._writer._db.execute("UPDATE packs SET columns = x'00' WHERE id & 1048575 = 2")
    for _ in range(2):
        assert list(storage.view(inbox, claim_recent=False).uids) == list(range(1, 14))
        inbox.views.clear()
        inbox.unload()
    await all_packed()
    assert packed(storage, inbox) == [0, 1, 2]


async def test_a_mailbox_that_has_gone_is_not_packed(
    storage: Storage, account: Account, put: Put, all_packed: Callable[[], Awaitable[None]]
) -> None:
    archive = account.selectable("Archive")
    await put(archive, *(b"%d" % number for number in range(1, 14)))
    await storage.store(archive, [1], Change.ADD, FlagSet(SEEN))
    await storage.delete(account, "Archive")
    await all_packed()
    assert packed(storage, archive) == []


async def test_a_packing_that_fails_is_given_up(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    def refused(_: Pack) -> asyncio.Future[bool]:
        promise: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        promise.set_exception(StorageError("the mail cannot be read or written"))
        promise.add_done_callback(lambda _: failed.set())
        return promise

    await put(inbox, *(b"%d" % number for number in range(1, 14)))
    monkeypatch.setattr(storage._packer, "_submit", refused)
    await storage.store(inbox, [1], Change.ADD, FlagSet(SEEN))
    monkeypatch.setattr(packer, "QUIET", 0.0)
    storage._packer._look()
    await asyncio.wait_for(failed.wait(), 10)
    await asyncio.sleep(0)
    assert "a mailbox could not be packed" in caplog.text
    assert not storage._packer._changed
