"""EXPUNGEs of sessions that share a mailbox: one may do what others ask for, and no message is forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from postroad.errand import Errand
from postroad_store.mail.database.commits.messages import Expunge
from postroad_store.mail.model import columns
from postroad_store.mail.model.errors import NoSuchMailbox
from postroad_store.mail.model.flags import DELETED, Change, FlagSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

MARKED = FlagSet(DELETED)
ALL = range(1, 6)


@pytest.fixture
async def full(storage: Storage, inbox: Mailbox, put: Put) -> Mailbox:
    """INBOX with five messages, of which all but the last are marked."""
    await put(inbox, b"a", b"b", b"c", b"d", b"e")
    storage.view(inbox)
    await storage.store(inbox, ALL[:4], Change.ADD, MARKED)
    return inbox


def begun(storage: Storage, mailbox: Mailbox, uids: range) -> asyncio.Future[list[UID]]:
    """Begin an EXPUNGE at once, as a session does: nothing is shown before."""
    removed: asyncio.Future[list[UID]] = asyncio.get_running_loop().create_future()

    async def remove() -> None:
        try:
            removed.set_result(await storage.expunger.remove(mailbox, uids))
        except NoSuchMailbox as error:
            removed.set_exception(error)

    Errand(remove(), lambda _: None).step()
    return removed


async def test_where_no_message_is_marked_nothing_is_committed(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"a")
    storage.view(inbox)
    before = storage.commit_times.count
    assert await storage.expunger.remove(inbox, ALL) == []
    assert storage.commit_times.count == before


async def test_one_commit_is_enough_for_all_that_come_meanwhile(
    storage: Storage, full: Mailbox, stand_still: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(storage, full, ALL)
    stand_still()  # it is on disk, and nobody knows
    commits = storage._writer._commits
    submit = commits.submit
    handed_over = []

    def note(work: Any, *rest: Any, **manner: Any) -> None:
        handed_over.append(work)
        submit(work, *rest, **manner)

    monkeypatch.setattr(commits, "submit", note)
    others = [begun(storage, full, uids) for uids in (ALL, range(2, 3))]
    assert await asyncio.gather(first, *others) == [[1, 2, 3, 4], [], []]
    assert not [work for work in handed_over if isinstance(work, Expunge)]
    assert list(full.uids) == [5]
    await storage.store(full, [5], Change.ADD, MARKED)
    assert await storage.expunger.remove(full, ALL) == [5]
    assert len([work for work in handed_over if isinstance(work, Expunge)]) == 1


async def test_what_the_one_before_leaves_is_removed_by_the_next(
    storage: Storage, full: Mailbox, stand_still: Callable[[], None]
) -> None:
    first = begun(storage, full, range(1, 3))
    stand_still()
    others = [begun(storage, full, ALL) for _ in range(2)]
    assert sorted(await asyncio.gather(first, *others)) == [[], [1, 2], [3, 4]]
    assert list(full.uids) == [5]
    await storage.store(full, [5], Change.ADD, MARKED)
    assert await storage.expunger.remove(full, ALL) == [5]


async def test_a_message_that_is_marked_meanwhile_may_stay(
    storage: Storage, full: Mailbox, stand_still: Callable[[], None]
) -> None:
    first = begun(storage, full, ALL)
    marking = storage.store(full, [5], Change.ADD, MARKED)
    stand_still()
    second = begun(storage, full, ALL)
    await marking
    assert [await first, await second] == [[1, 2, 3, 4], []]
    assert await storage.expunger.remove(full, ALL) == [5]


async def test_more_than_are_looked_for(
    storage: Storage, full: Mailbox, stand_still: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "FIND", 3)
    first = begun(storage, full, range(1, 3))
    stand_still()
    second = begun(storage, full, ALL)
    assert [await first, await second] == [[1, 2], [3, 4]]


async def test_one_that_fails_takes_no_other_with_it(storage: Storage, account: Account, put: Put) -> None:
    work = await storage.create(account, "work")
    await put(work, b"a", flags=MARKED)
    storage.view(work)
    gone = storage.delete(account, "work")
    tasks = [begun(storage, work, ALL) for _ in range(2)]
    await gone
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NoSuchMailbox, list]
    await put(account.inbox, b"a", flags=MARKED)
    storage.view(account.inbox)
    assert await storage.expunger.remove(account.inbox, ALL) == [1]
