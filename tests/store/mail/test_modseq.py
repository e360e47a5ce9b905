"""Mod-sequences, conditional STORE, the expunge log and save dates (RFC 7162, RFC 8514), through `Storage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad_store.mail.database import expunged
from postroad_store.mail.model.arrival import FlagsStored
from postroad_store.mail.model.flags import DELETED, FLAGGED, SEEN, Change, FlagSet
from postroad_store.mail.model.message import UID, Column
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from pathlib import Path

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from tests.store.mail.conftest import Put


def modseqs(mailbox: Mailbox) -> list[int]:
    return list(mailbox.modseqs)


async def test_each_change_has_the_next_modseq(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    assert inbox.modseq == 1
    await put(inbox, b"1", b"2", b"3")
    storage.view(inbox)
    assert (modseqs(inbox), inbox.modseq) == ([2, 3, 4], 4)
    assert await storage.store(inbox, [1, 2], Change.ADD, FlagSet(SEEN)) == FlagsStored(5, [])
    assert modseqs(inbox) == [5, 5, 4]
    await storage.store(inbox, [1, 2, 3], Change.ADD, FlagSet(SEEN))
    assert modseqs(inbox) == [5, 5, 6]  # RFC 7162 §3.1.11: a message whose flags stay keeps its own
    await storage.expunge(inbox, [2], only_deleted=False)
    assert (modseqs(inbox), inbox.modseq) == ([5, 6], 7)
    await storage.copy(inbox, [1], archive, move=True)
    storage.view(archive)
    assert (modseqs(inbox), inbox.modseq, modseqs(archive)) == ([6], 8, [2])


async def test_what_changes_nothing_has_no_modseq(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1")
    storage.view(inbox)
    before = inbox.modseq
    assert await storage.store(inbox, [1], Change.REMOVE, FlagSet(SEEN)) == FlagsStored(before, [])
    assert await storage.store(inbox, [1], Change.REPLACE, FlagSet()) == FlagsStored(before, [])
    assert await storage.expunge(inbox) == []
    assert await storage.expunge(inbox, [7], only_deleted=False) == []
    assert (inbox.modseq, storage.status(inbox).highest_modseq) == (before, before)


@pytest.mark.parametrize("uids", [range(1, 6), [1, 2, 4, 5]])
async def test_a_conditional_store_leaves_what_has_changed(
    storage: Storage, inbox: Mailbox, put: Put, uids: list[int]
) -> None:
    await put(inbox, *(b"%d" % uid for uid in range(1, 6)))
    storage.view(inbox)
    since = inbox.modseq
    await storage.store(inbox, [2, 5], Change.ADD, FlagSet(FLAGGED))
    stored = await storage.store(inbox, uids, Change.REPLACE, FlagSet(SEEN), unchanged_since=since)
    assert stored == FlagsStored(since + 2, [UID(2), UID(5)])
    expected = {uid: SEEN for uid in uids if uid not in {2, 5}} | {2: FLAGGED, 5: FLAGGED}
    assert list(inbox.flags) == [expected.get(uid, 0) for uid in range(1, 6)]
    # RFC 7162 §3.1.3: "Use of UNCHANGEDSINCE with a modification sequence of 0 always fails"
    stored = await storage.store(inbox, uids, Change.REPLACE, FlagSet(), unchanged_since=0)
    assert stored == FlagsStored(since + 2, [UID(uid) for uid in uids])


@pytest.mark.parametrize(
    ("change", "flags", "since_0", "passes"),
    [
        (Change.ADD, FlagSet(SEEN), False, True),  # RFC 7162 §3.1.12: it is another flag that has changed
        (Change.ADD, FlagSet(FLAGGED), False, False),
        (Change.ADD, FlagSet(FLAGGED | SEEN), False, False),
        (Change.REMOVE, FlagSet(FLAGGED), False, True),
        (Change.REMOVE, FlagSet(SEEN), False, False),
        (Change.REMOVE, FlagSet(FLAGGED | SEEN), False, False),
        (Change.REPLACE, FlagSet(SEEN), False, False),
        (Change.ADD, FlagSet(), False, False),
        (Change.ADD, FlagSet(0, ("$Done",)), False, True),
        (Change.ADD, FlagSet(SEEN), True, False),  # RFC 7162 §3.1.3: "MUST always be considered existent"
        (Change.ADD, FlagSet(0, ("$Done",)), True, True),
    ],
)
async def test_a_change_of_other_flags_is_no_reason_to_fail(
    storage: Storage, account: Account, put: Put, *, change: Change, flags: FlagSet, since_0: bool, passes: bool
) -> None:
    inbox = account.inbox
    await put(inbox, b"1")
    storage.view(inbox)
    since = 0 if since_0 else inbox.modseq
    await storage.store(inbox, [1], Change.ADD, FlagSet(FLAGGED))
    stored = await storage.store(inbox, [1], change, flags, unchanged_since=since)
    assert (stored.failed, stored.overruled) == (([], True) if passes else ([UID(1)], False))


async def test_what_has_changed_since(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1", b"2", b"3", b"4")
    view = storage.view(inbox)
    since = inbox.modseq
    assert storage.changed_since(view, since) == []
    await storage.store(inbox, [2, 4], Change.ADD, FlagSet(SEEN))
    await storage.expunge(inbox, [1, 2], only_deleted=False)
    assert storage.changed_since(view, since) == [4]  # by the numbers of the view, which has 1 and 2 still
    view.take(expunges=True)
    assert storage.changed_since(view, since) == [2]
    assert storage.changed_since(view, 0) == [1, 2]


async def test_what_has_vanished(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, *(b"%d" % uid for uid in range(1, 11)))
    storage.view(inbox)
    first = inbox.modseq
    assert storage.vanished(inbox, 0) == []
    await storage.expunge(inbox, [1, 2, 4], only_deleted=False)
    second = inbox.modseq
    await storage.store(inbox, [5], Change.ADD, FlagSet(DELETED))
    await storage.expunge(inbox)
    await storage.copy(inbox, [9], archive, move=True)
    assert storage.vanished(inbox, first) == [(1, 2), (4, 5), (9, 9)]
    assert storage.vanished(inbox, second) == [(5, 5), (9, 9)]
    assert storage.vanished(inbox, inbox.modseq) == []
    assert storage.vanished(inbox, first, [(2, 4), (9, 20)]) == [(2, 2), (4, 4), (9, 9)]
    assert storage.vanished(archive, 0) == []
    third = inbox.modseq
    await storage.rename(account, "INBOX", "old")
    assert storage.vanished(inbox, third) == [(3, 10)]
    assert storage.vanished(inbox, 0) == [(1, 10)]
    old = account.selectable("old")
    storage.view(old)
    # Another mailbox, where nothing has gone yet. What INBOX knew of its UIDs is not carried over.
    assert storage.vanished(old, old.modseq) == []


async def test_what_has_not_been_shown_yet_has_not_vanished(
    storage: Storage, inbox: Mailbox, put: Put, stand_still: object
) -> None:
    await put(inbox, b"1", b"2")
    storage.view(inbox)
    assert callable(stand_still)
    removal = storage.expunge(inbox, [1], only_deleted=False)
    stand_still()
    assert storage.vanished(inbox, 0) == []  # the view has it: it will be told as expunged
    await removal
    assert storage.vanished(inbox, 0) == [(1, 1)]


async def test_the_log_of_an_old_database_begins_with_its_migration(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1", b"2", b"3", b"4")
    await storage.expunge(inbox, [2], only_deleted=False)
    known = inbox.modseq
    db = storage._writer._db
    db.execute("UPDATE mailboxes SET lowest_known = ?", (known,))
    db.execute("DELETE FROM expunged")
    await storage.expunge(inbox, [3], only_deleted=False)
    storage.view(inbox)
    assert storage.vanished(inbox, known) == [(3, 3)]
    assert storage.vanished(inbox, known - 1) == [(2, 3)]  # all UIDs without a message (RFC 7162 §3.2.6)
    assert storage.vanished(inbox, 0, [(3, 9)]) == [(3, 3)]


def log(storage: Storage) -> list[tuple[int, int]]:
    return storage._reader.rows("SELECT uid_low, uid_high FROM expunged ORDER BY modseq, uid_low", ())


async def test_the_log_is_bounded(storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expunged, "MAX_RANGES", 8)
    monkeypatch.setattr(expunged, "KEPT", 2)
    await put(inbox, *(b"%d" % uid for uid in range(1, 41)))
    storage.view(inbox)
    begin = inbox.modseq
    for uid in range(1, 10):  # one after the other: the oldest become one range
        await storage.expunge(inbox, [uid], only_deleted=False)
    assert log(storage) == [(1, 7), (8, 8), (9, 9)]
    assert storage.vanished(inbox, begin) == [(1, 9)]
    assert storage.vanished(inbox, begin + 3) == [(1, 9)]  # more than has gone since: nothing is missing
    assert storage.vanished(inbox, begin + 8) == [(9, 9)]
    for uid in range(11, 23, 2):  # apart from each other: the oldest are forgotten
        await storage.expunge(inbox, [uid], only_deleted=False)
    assert log(storage) == [(19, 19), (21, 21)]
    gone = [(1, 9), *((uid, uid) for uid in range(11, 23, 2))]
    assert storage.vanished(inbox, begin) == gone
    assert storage.vanished(inbox, inbox.modseq - 1) == [(21, 21)]
    await storage.expunge(inbox, range(24, 42, 2), only_deleted=False)  # too many at once
    assert log(storage) == []
    assert storage.vanished(inbox, inbox.modseq - 1) == [*gone, *((uid, uid) for uid in range(24, 42, 2))]
    assert storage.vanished(inbox, inbox.modseq) == []


async def test_save_dates(storage: Storage, account: Account, put: Put, tmp_path: Path) -> None:
    await put(account.inbox, b"1", b"2", date=7)
    storage.close()
    later = Storage(tmp_path / "mail", clock=Clock(wall=lambda: 2000.0))
    again = await later.account(account.login)
    inbox, archive = again.inbox, again.selectable("Archive")
    await later.copy(inbox, [1, 2], archive)
    await later.store(inbox, [1], Change.ADD, FlagSet(SEEN))
    assert later.columns(inbox, [1, 2, 9], [Column.SAVE_DATE]) == ((1, 2), [(1000, 1000)])
    assert later.columns(archive, [2], [Column.SAVE_DATE]) == ([2], [(2000,)])
    assert list(later.view(archive).pick(archive.internal_dates, 1, 2)) == [7, 7]
    later.close()
