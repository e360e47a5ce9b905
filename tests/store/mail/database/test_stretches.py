"""Stretches: flags of many messages in one row, whatever changes among them later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.database import stretches
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.database.invariants import check
from postroad_store.mail.database.listing import Listing
from postroad_store.mail.database.reader import Reader
from postroad_store.mail.database.schema import NARROW_KEYWORDS
from postroad_store.mail.database.stretches import Stretch, parts
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import ANSWERED, DELETED, FLAGGED, NO_FLAGS, SEEN, Change, FlagSet
from postroad_store.mail.model.ranges import following

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage

LONG = 10  # UIDs that a stretch has at least, here


@pytest.fixture(autouse=True)
def short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "LEAST", LONG)


@pytest.fixture
async def full(storage: Storage, inbox: Mailbox) -> Mailbox:
    """INBOX with the UIDs 1 to 100, in memory."""
    await storage.append([Arrival((inbox,), b"a: b\r\n\r\nc", 0, NO_FLAGS) for _ in range(100)])
    storage.view(inbox)
    return inbox


def kept(storage: Storage) -> list[tuple[int, int, int]]:
    """The stretches that there are: UIDs and flags."""
    rows = storage._reader.rows("SELECT uid_low, uid_high, flags FROM stretches ORDER BY mailbox, uid_low", ())
    return [(low, high, flags) for low, high, flags in rows]


async def store(storage: Storage, mailbox: Mailbox, uids: Iterable[int], change: Change, flags: int) -> None:
    """Change flags. What the database says then is what memory says, and it is sound."""
    await storage.store(mailbox, list(uids), change, FlagSet(flags))
    assert_same(storage, mailbox)


def assert_same(storage: Storage, mailbox: Mailbox) -> None:
    contents = storage._reader.contents(mailbox)
    assert contents is not None
    columns = contents.columns
    told = [list(column) for column in (mailbox.uids, mailbox.flags, mailbox.modseqs)]
    assert [list(column) for column in (columns.uids, columns.flags, columns.modseqs)] == told
    assert contents.row.counts == mailbox.counts
    assert list(check(storage._reader._db)) == []


async def test_many_messages_take_one_row(storage: Storage, full: Mailbox) -> None:
    rows = "SELECT uid, flags, modseq FROM entries"
    before = storage._reader.rows(rows, ())
    for change, flags in ((Change.ADD, FLAGGED), (Change.ADD, SEEN | DELETED), (Change.REPLACE, ANSWERED)):
        await store(storage, full, range(1, 101), change, flags)
        assert len(kept(storage)) == 1
    assert kept(storage) == [(1, 100, ANSWERED)]
    assert set(full.flags) == {ANSWERED}
    assert storage._reader.rows(rows, ()) == before


async def test_what_changes_nothing_gives_no_mod_sequence(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    before = list(full.modseqs)
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    await store(storage, full, range(20, 40), Change.REMOVE, FLAGGED)
    assert (kept(storage), list(full.modseqs)) == ([(1, 100, SEEN)], before)


async def test_one_message_leaves_a_stretch_on_each_side(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    await store(storage, full, [50], Change.ADD, FLAGGED)
    assert kept(storage) == [(1, 49, SEEN), (51, 100, SEEN)]
    await store(storage, full, [51], Change.ADD, FLAGGED)
    assert kept(storage) == [(1, 49, SEEN), (52, 100, SEEN)]
    await store(storage, full, [5], Change.REMOVE, SEEN)  # what is left on the one side is too short
    assert kept(storage) == [(6, 49, SEEN), (52, 100, SEEN)]
    await store(storage, full, range(10, 30), Change.ADD, ANSWERED)
    assert kept(storage) == [(10, 29, SEEN | ANSWERED), (30, 49, SEEN), (52, 100, SEEN)]


async def test_one_that_would_fall_to_pieces_is_none(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, range(1, 51), Change.ADD, SEEN)
    await store(storage, full, range(51, 101), Change.ADD, ANSWERED)
    await store(storage, full, range(1, 50, 2), Change.ADD, FLAGGED)
    assert kept(storage) == [(51, 100, ANSWERED)]


async def test_messages_that_are_not_alike(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, [*range(1, 40, 3), 70], Change.ADD, FLAGGED)
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    assert kept(storage) == [(41, 69, SEEN), (80, 100, SEEN)]  # none was looked for within 10 of 70
    await store(storage, full, range(1, 101), Change.ADD, FLAGGED)
    assert kept(storage) == [(41, 69, SEEN | FLAGGED), (80, 100, SEEN | FLAGGED)]
    await store(storage, full, range(1, 101), Change.REPLACE, 0)
    await store(storage, full, range(1, 101), Change.ADD, DELETED)
    assert kept(storage) == [(1, 40, DELETED), (41, 69, DELETED), (70, 79, DELETED), (80, 100, DELETED)]


async def test_flags_that_are_too_many_for_a_stretch(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    many = FlagSet(0, tuple(f"k{number}" for number in range(NARROW_KEYWORDS + 1)))
    await storage.store(full, [5], Change.ADD, many)
    assert_same(storage, full)
    assert kept(storage) == []
    last = FlagSet(0, (f"k{NARROW_KEYWORDS}",))
    await storage.store(full, list(range(1, 51)), Change.REPLACE, last)
    assert_same(storage, full)
    await store(storage, full, range(1, 101), Change.ADD, FLAGGED)
    assert kept(storage) == [(51, 100, SEEN | FLAGGED)]
    assert full.flag_names(full.flags[0]) == f"\\Flagged k{NARROW_KEYWORDS}"


async def test_messages_come_go_and_are_copied(storage: Storage, account: Account, full: Mailbox) -> None:
    archive = account.selectable("Archive")
    storage.view(archive)
    await store(storage, full, range(1, 101), Change.ADD, DELETED)
    assert storage.deleted_octets(full) == 900
    await storage.copy(full, list(range(1, 31)), archive)
    await storage.copy(full, list(range(1, 21)), archive, move=True)
    await storage.append([Arrival((full,), b"a: b\r\n\r\nc", 0, NO_FLAGS)])
    for mailbox in (full, archive):
        assert_same(storage, mailbox)
    assert (set(archive.flags), full.flags[-1]) == ({DELETED}, 0)
    assert kept(storage) == [(1, 100, DELETED)]
    assert storage.deleted_octets(full) == 720
    assert len(await storage.expunge(full)) == 80
    assert_same(storage, full)
    assert (kept(storage), list(full.uids)) == ([], [101])


async def test_a_stretch_goes_with_its_last_message(storage: Storage, account: Account, full: Mailbox) -> None:
    await store(storage, full, range(20, 40), Change.ADD, SEEN)
    await storage.copy(full, list(range(20, 30)), account.selectable("Archive"), move=True)
    assert kept(storage) == [(20, 39, SEEN)]
    await storage.expunge(full, list(range(31, 40)), only_deleted=False)
    await storage.expunge(full, list(range(1, 101)), only_deleted=True)
    assert kept(storage) == [(20, 39, SEEN)]
    await store(storage, full, range(1, 101), Change.ADD, DELETED)
    await storage.copy(full, [30], account.selectable("Archive"), move=True)
    assert kept(storage) == [(1, 19, DELETED), (40, 100, DELETED)]


async def test_what_is_left_of_a_stretch_may_have_no_message(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    await storage.expunge(full, [*range(1, 40), *range(60, 101)], only_deleted=False)
    await store(storage, full, range(40, 60), Change.ADD, FLAGGED)
    assert kept(storage) == [(40, 59, SEEN | FLAGGED)]


async def test_a_stretch_goes_where_its_messages_go(storage: Storage, account: Account, full: Mailbox) -> None:
    await store(storage, full, range(1, 101), Change.ADD, SEEN)
    await storage.rename(account, "INBOX", "old")
    old = account.selectable("old")
    storage.view(old)
    await storage.append([Arrival((full,), b"a: b\r\n\r\nc", 0, NO_FLAGS)])
    for mailbox in (full, old):
        assert_same(storage, mailbox)
    assert (set(old.flags), list(full.flags)) == ({SEEN}, [0])
    await storage.delete(account, "old")
    assert kept(storage) == []


async def test_keywords_of_a_stretch_are_in_use(storage: Storage, full: Mailbox, tmp_path: Path) -> None:
    await storage.store(full, list(range(1, 101)), Change.ADD, FlagSet(0, ("mine",)))
    for number in range(2 * NARROW_KEYWORDS):  # so many that numbers are taken back
        await storage.store(full, [1], Change.REPLACE, FlagSet(0, (f"k{number}",)))
    assert len(full.keywords) <= NARROW_KEYWORDS
    assert_same(storage, full)
    listing = Listing(Reader(tmp_path / "mail" / FILE))
    listed = listing.messages("alice@alpha.test", "INBOX", after=98, limit=9)
    assert listed is not None
    assert [message.flags for message in listed] == [["mine"], ["mine"]]
    listing.close()


async def test_who_has_seen_no_change_is_refused(storage: Storage, full: Mailbox) -> None:
    await store(storage, full, range(1, 51), Change.ADD, SEEN)
    before = full.modseq
    await store(storage, full, range(51, 101), Change.ADD, SEEN)
    stored = await storage.store(full, list(range(1, 101)), Change.REPLACE, FlagSet(FLAGGED), unchanged_since=before)
    assert stored.failed == list(range(51, 101))
    assert kept(storage) == [(1, 50, FLAGGED), (51, 100, SEEN)]
    assert_same(storage, full)


SOME = st.sets(st.integers(1, 30)).map(sorted).map(following)


@given(SOME, SOME)
def test_ranges_are_cut_where_stretches_are(runs: list[tuple[int, int]], there: list[tuple[int, int]]) -> None:
    known = [Stretch(low, high, number, 1) for number, (low, high) in enumerate(there)]
    cut = list(parts(known, runs))
    uids = [(uid, stretch) for low, high, stretch in cut for uid in range(low, high + 1)]
    assert [uid for uid, _ in uids] == [uid for low, high in runs for uid in range(low, high + 1)]
    for uid, stretch in uids:
        assert stretch == next((each for each in known if each.low <= uid <= each.high), None)
