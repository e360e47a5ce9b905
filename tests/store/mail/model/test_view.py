from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.contents import Contents, MailboxRow
from postroad_store.mail.model.flags import DELETED, SEEN, Change, FlagSet
from postroad_store.mail.model.mailbox import Mailbox
from postroad_store.mail.model.message import UID
from postroad_store.mail.model.rights import ALL
from postroad_store.mail.model.uidset import UidSet
from postroad_store.mail.model.view import PIECE, Changes, View
from tests.store.mail.model.test_mailbox import columns_of, numbered

if TYPE_CHECKING:
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put


async def test_a_view_lags_until_it_is_told(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1", b"2", b"3")
    view = storage.view(inbox)
    assert view.take(expunges=True) == Changes()
    await put(inbox, b"4")
    await storage.expunge(inbox, [2], only_deleted=False)
    await storage.store(inbox, [3, 4], Change.ADD, FlagSet(SEEN))
    assert view.changed
    assert list(view.uids) == [1, 2, 3]
    assert view.pick(inbox.flags, 1, 3) == [0, -1, SEEN]
    # RFC 3501 §7.4.1: no EXPUNGE while a FETCH runs, but new messages and flags may be told
    assert view.take(expunges=False) == Changes(exists=4, recent=4, flags=((3, UID(3)),))
    assert list(view.uids) == [1, 2, 3, 4]
    assert view.take(expunges=False) == Changes()
    assert view.take(expunges=True) == Changes(expunged=numbered(2), recent=3)
    assert view.pick(inbox.flags, 1, 3) == [0, SEEN, SEEN]
    assert view.take(expunges=True) == Changes()


async def test_a_message_that_came_and_went_is_never_told(storage: Storage, inbox: Mailbox, put: Put) -> None:
    view = storage.view(inbox)
    await put(inbox, b"1", b"2")
    await storage.store(inbox, [1], Change.ADD, FlagSet(DELETED))
    await storage.expunge(inbox)
    assert view.take(expunges=True) == Changes(exists=1, recent=1)
    assert list(view.uids) == [2]


async def test_flags_of_a_message_that_is_gone_are_not_told(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1", b"2")
    view = storage.view(inbox)
    await storage.store(inbox, [1], Change.ADD, FlagSet(DELETED))
    await storage.expunge(inbox)
    assert view.take(expunges=False) == Changes()
    assert view.take(expunges=True) == Changes(expunged=numbered(1), recent=1)
    await storage.store(inbox, [2], Change.ADD, FlagSet(DELETED))
    await storage.expunge(inbox)
    assert view.take(expunges=True, flags=False) == Changes(expunged=((1, UID(2)),), recent=0)
    assert not view.changed


async def test_sessions_that_wait_are_called(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1")
    mine, other = storage.view(inbox), storage.view(inbox)
    heard: list[str] = []
    mine.on_change = lambda: heard.append("mine")
    other.on_change = lambda: heard.append("other")
    await storage.store(inbox, [1], Change.ADD, FlagSet(SEEN), view=mine)
    assert heard == ["other"]
    await storage.store(inbox, [1], Change.ADD, FlagSet(SEEN))  # nothing changes
    assert heard == ["other"]
    await put(inbox, b"2")
    assert heard.count("mine") == heard.count("other") - 1 == 1
    mine.take(expunges=True)
    mine.close()
    mine.close()
    heard.clear()
    await storage.expunge(inbox, [1], only_deleted=False)
    assert heard == ["other"]
    assert (mine.changed, other.changed) == (False, True)


def test_a_session_that_leaves_while_others_are_called_is_not_called() -> None:
    mailbox = mailbox_of(1)
    views = [View(mailbox, read_only=False, claim=None) for _ in range(2)]
    heard: list[int] = []

    def leave(number: int) -> None:
        heard.append(number)
        for view in views:
            view.close()

    views[0].on_change = lambda: leave(0)
    views[1].on_change = lambda: leave(1)
    mailbox.arrive(2, [(2, 0, 1, 1)], [])
    assert len(heard) == 1


def test_a_view_says_whether_it_is_for_reading_alone() -> None:
    assert [View(mailbox_of(1), read_only=read_only, claim=None).read_only for read_only in (False, True)] == [
        False,
        True,
    ]


async def test_numbers(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"1", b"2", b"3", b"4")
    await storage.expunge(inbox, [2], only_deleted=False)
    view = storage.view(inbox)
    assert [view.number(uid) for uid in range(6)] == [None, 1, None, 2, 3, None]
    assert [view.position(uid) for uid in range(6)] == [0, 0, 1, 1, 2, 3]
    assert inbox.index(2) is None
    assert inbox.index(9) is None


async def test_first_unseen(storage: Storage, inbox: Mailbox, put: Put) -> None:
    view = storage.view(inbox)
    assert view.first_unseen() is None
    await put(inbox, b"1", b"2", flags=FlagSet(SEEN))
    view.take(expunges=True)
    assert view.first_unseen() is None
    await put(inbox, b"3")
    assert view.first_unseen() is None  # not in this view yet
    view.take(expunges=True)
    assert view.first_unseen() == 3


async def test_ranges_of_uids(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *[b"x"] * 6)
    await storage.expunge(inbox, [3], only_deleted=False)
    assert inbox.runs([1, 2, 5]) == [(1, 2), (5, 5)]
    assert inbox.runs([]) == []
    storage.view(inbox)
    assert inbox.runs([1, 2, 4, 5, 6]) == [(1, 6)]
    assert inbox.runs([1, 2, 3, 4]) == [(1, 4)]
    assert inbox.runs([1, 4, 5, 9]) == [(1, 1), (4, 5)]
    assert inbox.runs([9, 10]) == []


def mailbox_of(count: int) -> Mailbox:
    """Return a loaded mailbox with messages 1 to `count`, of which none has been seen as \\Recent."""
    row = MailboxRow(1, "INBOX", None, selectable=True, uid_validity=7, uid_next=count + 1, modseq=1, recent_uid=0)
    mailbox = Mailbox(row)
    mailbox.load(Contents(row, [], columns_of(range(1, count + 1), [0] * count)))
    return mailbox


@pytest.mark.parametrize("gone", [[1], [3], [2, 5], [1, 2, 3, 4, 5, 6], list(range(2, 60)), list(range(1, 101))])
def test_what_is_expunged_leaves_the_view_from_the_end(gone: list[int]) -> None:
    mailbox = mailbox_of(100)
    view = View(mailbox, read_only=True, claim=None)
    mailbox.remove(2, gone)
    assert view.changed
    numbers = list(range(1, 101))
    told = view.take(expunges=True).expunged
    for number, uid in told:
        assert numbers.pop(number - 1) == uid
    assert list(view.uids) == numbers == list(mailbox.uids)
    assert len(told) == len(gone)
    assert set(view.recent) == set(numbers)
    assert not view.changed


def test_a_view_claims_what_is_recent_once() -> None:
    mailbox = mailbox_of(3)
    claims: list[int] = []

    def claim(claimed: Mailbox) -> None:
        claims.append(claimed.recent_uid)

    first = View(mailbox, read_only=False, claim=claim)
    assert (set(first.recent), claims) == ({1, 2, 3}, [3])
    second = View(mailbox, read_only=False, claim=claim)
    assert (set(second.recent), claims) == (set(), [3])
    assert not second.changed
    mailbox.arrive(2, [(7, 0, 1, 1)], [])
    assert (first.changed, second.changed) == (True, True)
    assert second.take(expunges=False) == Changes(exists=4, recent=1)
    assert first.take(expunges=False) == Changes(exists=4)
    assert (set(first.recent), set(second.recent), claims) == ({1, 2, 3}, {7}, [3, 7])
    mailbox.remove(3, [7])
    mailbox.arrive(4, [(8, 0, 1, 1)], [])
    reading = View(mailbox, read_only=True, claim=None)
    assert (set(reading.recent), claims) == ({8}, [3, 7])


def test_a_view_that_knows_no_recent_claims_nothing() -> None:
    mailbox = mailbox_of(3)
    claims: list[Mailbox] = []
    for _ in range(2):  # RFC 9051 §2.3.2: the flag is no more
        view = View(mailbox, read_only=False, claim=claims.append, recent=False)
        assert (set(view.recent), mailbox.recent_uid, claims) == (set(), 0, [])
    mailbox.arrive(2, [(7, 0, 1, 1)], [])
    assert view.take(expunges=False) == Changes(exists=4)
    assert (mailbox.recent_uid, claims) == (0, [])
    assert set(View(mailbox, read_only=False, claim=claims.append).recent) == {1, 2, 3, 7}


def test_a_new_view_is_the_owners_with_all_rights() -> None:
    view = View(mailbox_of(1), read_only=False, claim=None)
    assert (view.foreign, view.rights, view.gone, view.saved, view.on_change) == (False, ALL, False, (), None)


@pytest.mark.parametrize(("flagged", "expunged"), [(PIECE, 0), (0, PIECE), (PIECE - 5, 5)])
def test_more_than_a_piece_is_much(flagged: int, expunged: int) -> None:
    def news(more: int) -> View:
        mailbox = mailbox_of(PIECE + 2)
        view = View(mailbox, read_only=True, claim=None)
        view.flagged(UidSet(range(1, 1 + flagged + more * bool(flagged))))
        mailbox.remove(2, list(range(PIECE + 3 - expunged - more * bool(expunged), PIECE + 3)))
        return view

    assert not news(0).much(expunges=True)
    assert news(1).much(expunges=True)
    assert news(1).much(expunges=False) is (flagged >= PIECE)
    assert news(1).much(expunges=True, flags=False) is (expunged >= PIECE)
    assert not news(0).much(expunges=True, flags=False)
    assert not news(0).much(expunges=False)
    assert not news(1).much(expunges=False, flags=False)


def test_entries_far_apart_are_picked_as_others_are() -> None:
    mailbox = mailbox_of(9)
    view = View(mailbox, read_only=True, claim=None)
    values = mailbox.uids
    assert view.pick_each(values, [1, 5, 9]) == [1, 5, 9]
    mailbox.remove(2, [5, 7])
    assert view.pick_each(mailbox.uids, [1, 5, 6, 7, 9]) == [1, -1, 6, -1, 9]
    assert list(view.pick(mailbox.uids, 4, 8)) == [4, -1, 6, -1, 8]
    view.take(expunges=True)
    assert view.pick_each(mailbox.uids, [1, 5, 7]) == [1, 6, 9]


def test_a_view_knows_all_changes_up_to_the_first_that_was_not_told() -> None:
    """RFC 7162 §3.1.2.1: a client that asks for what is newer misses nothing."""
    mailbox = mailbox_of(9)
    view = View(mailbox, read_only=True, claim=None)
    assert view.known_modseq == mailbox.modseq == 1
    mailbox.reflag(5, [(3, 3)], Change.ADD, SEEN, naming=[], by=None)
    mailbox.reflag(6, [(4, 4)], Change.ADD, SEEN, naming=[], by=None)
    assert view.known_modseq == 4
    mailbox.remove(8, [9])
    mailbox.remove(9, [8])
    assert view.known_modseq == 4
    assert len(view.take(expunges=False).flags) == 2
    assert view.known_modseq == 7
    mailbox.reflag(12, [(3, 3)], Change.REMOVE, SEEN, naming=[], by=None)
    assert view.known_modseq == 7
    assert len(view.take(expunges=True, flags=False).expunged) == 2
    assert view.known_modseq == 11
    view.take(expunges=True)
    assert view.known_modseq == 12


def test_a_view_that_is_abandoned_has_no_news() -> None:
    mailbox = mailbox_of(5)
    view = View(mailbox, read_only=True, claim=None)
    mailbox.remove(2, [2])
    view.flagged(UidSet([3]))
    assert view.changed
    view.abandon()
    assert (view.changed, view.waiting_to_go) == (False, [])
    assert view.take(expunges=True) == Changes()


def test_few_and_many_changed_flags_are_numbered_alike() -> None:
    for changed in ([5], [1, 100], list(range(1, 101)), [101]):
        mailbox = mailbox_of(100)
        view = View(mailbox, read_only=True, claim=None)
        mailbox.remove(2, [50])
        view.take(expunges=False)
        view.flagged(UidSet(changed))
        expected = tuple((uid, uid) for uid in changed if uid <= 100 and uid != 50)
        assert view.take(expunges=False).flags == expected
        view.flagged(UidSet(changed))
        expected = tuple((uid - (uid > 50), uid) for uid in changed if uid <= 100 and uid != 50)
        assert view.take(expunges=True).flags == expected


def test_flags_alone_are_a_change() -> None:
    view = View(mailbox_of(3), read_only=True, claim=None)
    changed = [view.changed]
    view.flagged(UidSet([2]))
    changed.append(view.changed)
    assert view.take(expunges=False) == Changes(flags=((2, UID(2)),))
    assert [*changed, view.changed] == [False, True, False]


CHANGES = st.tuples(st.sampled_from(["flag", "expunge", "arrive"]), st.sets(st.integers(1, 40), min_size=1, max_size=9))


@given(st.lists(CHANGES, max_size=9), st.integers(1, 9))
def test_what_has_changed_is_found_alike_with_and_without_the_last_changes(
    changes: list[tuple[str, set[int]]], told: int
) -> None:
    mailbox = mailbox_of(30)
    view = View(mailbox, read_only=True, claim=None)
    for modseq, (kind, uids) in enumerate(changes, 2):
        if kind == "arrive":
            first = mailbox.uid_next
            mailbox.arrive(modseq, [(first + place, 0, 1, 1) for place in range(len(uids))], [])
        elif kind == "flag":
            mailbox.reflag(modseq, [(uid, uid) for uid in sorted(uids)], Change.ADD, 1 << modseq, naming=[], by=None)
        else:
            mailbox.remove(modseq, sorted(uids))
        if modseq == told:
            view.take(expunges=True)
    recent = mailbox.recent_changes
    changed = [view.changed_since(since) for since in range(len(changes) + 3)]
    mailbox.recent_changes = None
    assert changed == [view.changed_since(since) for since in range(len(changes) + 3)]
    assert recent is not None
    assert recent.after(1) is not None
