"""Commits of many messages: shown in steps, in their order, while the event loop goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail import loader as loader_module
from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.model.errors import NoSuchMailbox
from postroad_store.mail.model.flags import FLAGGED, NO_FLAGS, SEEN, Change, FlagSet
from postroad_store.mail.model.mailbox import STEP
from tests.store.mail.model.test_mailbox import numbered

if TYPE_CHECKING:
    from collections.abc import Generator
    from sqlite3 import Connection

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

STEPS = 4
COUNT = STEPS * STEP


class Turns:
    """Counts the turns of the event loop, and notes in which of them a view heard something."""

    def __init__(self, view: View) -> None:
        self.heard: list[int] = []
        self._now = 0
        self._counting = asyncio.ensure_future(self._count())
        view.on_change = lambda: self.heard.append(self._now)

    async def _count(self) -> None:
        while True:
            self._now += 1
            await asyncio.sleep(0)

    def stop(self) -> int:
        """Return in how many turns something was heard."""
        self._counting.cancel()
        return len(set(self.heard))


async def fill(storage: Storage, mailbox: Mailbox, put: Put) -> None:
    """Put `COUNT` messages into a mailbox."""
    await put(mailbox, b"1")
    view = storage.view(mailbox)
    while len(mailbox.uids) < COUNT:
        uids = mailbox.uids[: COUNT - len(mailbox.uids)]
        await storage.copy(mailbox, uids, mailbox)
    view.close()


async def test_others_run_while_many_messages_change(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await fill(storage, inbox, put)
    here, there = storage.view(inbox), storage.view(archive)
    turns = Turns(here)
    await storage.store(inbox, inbox.uids, Change.ADD, FlagSet(SEEN))
    assert turns.stop() == STEPS
    assert inbox.counts.unseen == 0
    turns = Turns(there)
    copied = await storage.copy(inbox, inbox.uids, archive)
    assert turns.stop() == STEPS
    assert copied.source == tuple(inbox.uids)
    assert copied.target == tuple(archive.uids) == tuple(range(1, COUNT + 1))
    turns = Turns(here)
    await storage.copy(inbox, inbox.uids, archive, move=True)
    assert turns.stop() == STEPS
    assert list(inbox.uids) == []
    turns = Turns(there)
    gone = await storage.expunge(archive, only_deleted=False)
    assert turns.stop() == 2 * STEPS
    assert gone == list(range(1, 2 * COUNT + 1))
    assert not there.changed  # its client had never heard of them


async def test_an_inbox_of_many_messages_is_renamed(storage: Storage, account: Account, put: Put) -> None:
    await fill(storage, account.inbox, put)
    turns = Turns(storage.view(account.inbox))
    await storage.rename(account, "INBOX", "old")
    assert turns.stop() == STEPS
    assert list(account.inbox.uids) == []


async def test_what_is_committed_behind_is_shown_behind(storage: Storage, account: Account, put: Put) -> None:
    inbox = account.inbox
    await fill(storage, inbox, put)
    view = storage.view(inbox)
    ended: list[str] = []
    works = {
        "flags": storage.store(inbox, inbox.uids, Change.ADD, FlagSet(SEEN)),
        "one": storage.store(inbox, [1], Change.REMOVE, FlagSet(SEEN)),
        "refused": storage.rename(account, "nothing", "new"),
        "gone": storage.expunge(inbox, inbox.uids[2:], only_deleted=False),
        "none": storage.store(inbox, [3, 4], Change.ADD, FlagSet(FLAGGED)),
        "made": storage.create(account, "made"),
    }
    for name, work in works.items():
        asyncio.ensure_future(work).add_done_callback(lambda _, name=name: ended.append(name))  # type: ignore[misc]
    with pytest.raises(NoSuchMailbox):
        await works["refused"]
    await works["made"]
    await asyncio.sleep(0)
    assert ended == list(works)
    assert (list(inbox.uids), list(inbox.flags), inbox.counts.unseen) == ([1, 2], [0, SEEN], 1)
    assert view.take(expunges=True).expunged == numbered(*range(COUNT, 2, -1))


async def test_nothing_is_forgotten_between_two_steps(
    storage: Storage, account: Account, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = account.inbox
    await fill(storage, inbox, put)
    storage.view(inbox).close()
    monkeypatch.setattr(loader_module, "MAX_LOADED", 0)
    view = storage.view(inbox)
    changing = asyncio.Event()
    view.on_change = changing.set
    work = storage.store(inbox, inbox.uids, Change.ADD, FlagSet(SEEN))
    await changing.wait()
    view.close()
    assert inbox.changing
    storage.view(account.selectable("Archive")).close()
    assert inbox.loaded
    await work
    storage.view(account.selectable("Archive")).close()
    assert storage.is_large(inbox)
    assert storage.status(inbox).unseen == 0


async def test_a_bug_in_a_step_is_told_to_the_caller(storage: Storage, inbox: Mailbox, put: Put) -> None:
    class Plain(Commit[None, None]):
        def write(self, db: Connection) -> None:
            pass

        def show(self, written: None) -> Generator[None, None, None]:
            yield

    class Broken(Plain):
        def show(self, written: None) -> Generator[None, None, None]:
            yield from super().show(written)
            raise ZeroDivisionError

    works = [storage._submit(kind()) for kind in (Broken, Broken, Plain, Plain)]
    works[1].cancel()
    works[2].cancel()
    await put(inbox, b"1", flags=NO_FLAGS)
    with pytest.raises(ZeroDivisionError):
        await works[0]
    await works[3]
