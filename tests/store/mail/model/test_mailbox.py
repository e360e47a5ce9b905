"""What a mailbox in memory makes of changes, however many messages they are of."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.model.columns import FEW, Columns
from postroad_store.mail.model.contents import Contents, Counts, MailboxRow
from postroad_store.mail.model.flags import DELETED, FIRST_KEYWORD, FLAGGED, SEEN, Change
from postroad_store.mail.model.mailbox import MANY, MAX_FLAG_NAMES, Mailbox, Status
from postroad_store.mail.model.message import UID
from postroad_store.mail.model.view import Changes, View

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = MailboxRow(1, "INBOX", None, selectable=True, uid_validity=7, uid_next=1, modseq=1, recent_uid=0)


def numbered(*uids: int) -> tuple[tuple[int, UID], ...]:
    """Messages whose UIDs are their sequence numbers, as `Changes` has them."""
    return tuple((uid, UID(uid)) for uid in uids)


def mailbox_of(*flags: int, uids: list[int] | None = None) -> Mailbox:
    """Return a loaded mailbox with messages that have these flags."""
    mailbox = Mailbox(ROW)
    mailbox.load(contents_of(*flags, uids=uids))
    return mailbox


def columns_of(uids: Sequence[int], flags: Sequence[int], modseq: int = 1) -> Columns:
    """Return columns with messages of one octet, of the second second of 1970."""
    columns = Columns()
    columns.add([(uid, value, 1, 1) for uid, value in zip(uids, flags, strict=True)], modseq)
    return columns


def contents_of(*flags: int, uids: list[int] | None = None, modseq: int = 1) -> Contents:
    numbers = uids or list(range(1, len(flags) + 1))
    row = MailboxRow(1, "INBOX", None, True, 7, numbers[-1] + 1 if numbers else 1, modseq, 0)
    return Contents(row, [], columns_of(numbers, flags, modseq))


def test_a_change_that_was_loaded_is_not_made_again() -> None:
    mailbox = Mailbox(ROW)
    mailbox.load(contents_of(0, SEEN, modseq=3))
    for modseq in (2, 3):  # committed before the load, shown after it
        mailbox.arrive(modseq, [(3, 0, 1, 1)], [])
        mailbox.reflag(modseq, [(1, 1)], Change.ADD, SEEN, naming=[], by=None)
        mailbox.remove(modseq, [1])
    assert (list(mailbox.uids), list(mailbox.flags), mailbox.modseq) == ([1, 2], [0, SEEN], 3)
    mailbox.remove(4, [1])
    assert (list(mailbox.uids), mailbox.modseq) == ([2], 4)


def test_the_quick_way_for_many_messages_is_the_plain_one() -> None:
    chance = random.Random(7)
    values = [0, SEEN, SEEN | FLAGGED, DELETED, SEEN | 1 << FIRST_KEYWORD, 1 << 300]
    for _ in range(200):
        count = chance.choice([1, FEW, FEW + 1, 40])
        flags = [chance.choice(values) for _ in range(count)]
        change = chance.choice(list(Change))
        bits = chance.choice(values)
        quick, plain = mailbox_of(*flags), mailbox_of(*flags)
        views = [View(mailbox, read_only=True, claim=None) for mailbox in (quick, plain)]
        low = chance.randint(1, count)
        quick.reflag(2, [(low, count)], change, bits, naming=[], by=None)
        plain.reflag(2, [(uid, uid) for uid in range(low, count + 1)], change, bits, naming=[], by=None)
        assert list(quick.flags) == list(plain.flags)
        assert quick.modseqs == plain.modseqs
        assert quick.first_unseen() == plain.first_unseen() == first_unseen(plain)
        assert views[0].take(expunges=True) == views[1].take(expunges=True)


def first_unseen(mailbox: Mailbox) -> int | None:
    return next((at for at, flags in enumerate(mailbox.flags) if not flags & SEEN), None)


@pytest.mark.parametrize("count", [1, MANY, MANY + 1, 3 * MANY])
def test_many_messages_are_taken_out_as_few_are(count: int) -> None:
    mailbox = mailbox_of(*[SEEN, 0, FLAGGED] * 2 * MANY)
    view = View(mailbox, read_only=True, claim=None)
    assert mailbox.first_unseen() == 1
    gone = list(range(2, 2 + count))
    mailbox.remove(2, [*gone, 9999])
    stays = [uid for uid in range(1, 6 * MANY + 1) if uid not in gone]
    assert list(mailbox.uids) == stays
    assert list(mailbox.flags) == [[SEEN, 0, FLAGGED][(uid - 1) % 3] for uid in stays]
    assert len(mailbox.sizes) == len(mailbox.internal_dates) == len(stays)
    assert mailbox.first_unseen() == first_unseen(mailbox)
    assert view.take(expunges=True).expunged == numbered(*reversed(gone))


def test_the_first_unseen_moves_when_those_before_it_go() -> None:
    mailbox = mailbox_of(*[SEEN] * 4 * MANY, 0)
    assert mailbox.first_unseen() == 4 * MANY
    mailbox.remove(2, range(1, 2 * MANY + 1))
    assert mailbox.first_unseen() == 2 * MANY
    mailbox.remove(3, range(2 * MANY + 1, 4 * MANY + 1))
    assert mailbox.first_unseen() == 0


def test_several_ranges_of_many_messages() -> None:
    mailbox = mailbox_of(*[0] * 60)
    view = View(mailbox, read_only=True, claim=None)
    mailbox.reflag(2, [(1, 20), (22, 22), (31, 50)], Change.ADD, SEEN, naming=[], by=None)
    changed = [*range(1, 21), 22, *range(31, 51)]
    assert [uid for uid, flags in zip(mailbox.uids, mailbox.flags, strict=True) if flags] == changed
    assert [uid for _, uid in view.take(expunges=True).flags] == changed


def test_what_a_row_says() -> None:
    mailbox = Mailbox(
        MailboxRow(3, "Sent", "\\Sent", selectable=True, uid_validity=7, uid_next=9, modseq=5, recent_uid=4)
    )
    assert (mailbox.id, mailbox.name, mailbox.special_use, mailbox.selectable) == (3, "Sent", "\\Sent", True)
    assert (mailbox.uid_validity, mailbox.uid_next, mailbox.modseq, mailbox.recent_uid) == (7, 9, 5, 4)
    assert (mailbox.loaded, mailbox.deleted, mailbox.views) == (False, False, set())


def test_the_first_unseen_is_found_wherever_flags_change() -> None:
    mailbox = mailbox_of(*[SEEN] * 20)
    assert mailbox.first_unseen() is None
    modseq = 1

    def change(uid: int, how: Change) -> int | None:
        nonlocal modseq
        modseq += 1
        mailbox.reflag(modseq, [(uid, uid)], how, SEEN, naming=[], by=None)
        return mailbox.first_unseen()

    assert change(15, Change.REMOVE) == 14
    assert change(5, Change.REMOVE) == 4
    assert change(10, Change.REMOVE) == 4
    assert change(5, Change.ADD) == 9
    modseq += 1
    mailbox.reflag(modseq, [(2, 19)], Change.ADD, SEEN, naming=[], by=None)
    assert mailbox.first_unseen() is None
    modseq += 1
    mailbox.reflag(modseq, [(6, 19)], Change.REMOVE, SEEN, naming=[], by=None)
    assert mailbox.first_unseen() == 5
    modseq += 1
    mailbox.reflag(modseq, [(6, 9)], Change.ADD, SEEN, naming=[], by=None)
    assert mailbox.first_unseen() == 9
    mailbox.remove(modseq + 1, [1, 2])
    assert mailbox.first_unseen() == 7
    mailbox.arrive(modseq + 2, [(30, 0, 1, 1)], [])
    assert mailbox.first_unseen() == 7


def test_what_changes_while_a_snapshot_is_read_is_not_lost() -> None:
    mailbox = Mailbox(ROW)
    mailbox.reflag(2, [(1, 1)], Change.ADD, SEEN, naming=[], by=None)  # before: the snapshot has it
    mailbox.announce_load()
    mailbox.arrive(3, [(3, 0, 1, 1)], [])  # committed before the snapshot, shown after
    mailbox.arrive(4, [(4, 1 << FIRST_KEYWORD, 1, 1)], [(0, "new")])
    mailbox.reflag(5, [(1, 4)], Change.ADD, FLAGGED, naming=[], by=None)
    mailbox.remove(6, [2])
    mailbox.rename_keywords(7, [(0, "newer")])
    mailbox.load(contents_of(SEEN, 0, 0, modseq=3))
    assert (list(mailbox.uids), mailbox.uid_next, mailbox.modseq) == ([1, 3, 4], 5, 7)
    assert [mailbox.flag_names(flags) for flags in mailbox.flags] == [
        "\\Flagged \\Seen",
        "\\Flagged",
        "\\Flagged newer",
    ]


def test_emptying_takes_out_what_is_there_when_its_turn_comes() -> None:
    mailbox = Mailbox(ROW)
    mailbox.announce_load()
    mailbox.empty(3)
    mailbox.arrive(4, [(9, 0, 1, 1)], [])
    mailbox.load(contents_of(SEEN, 0, 0, modseq=2))
    assert list(mailbox.uids) == [9]
    mailbox.empty(5)
    assert list(mailbox.uids) == []


def test_a_snapshot_that_comes_too_late_is_not_taken() -> None:
    mailbox = Mailbox(ROW)
    mailbox.announce_load()
    mailbox.load(None)
    assert not mailbox.loaded
    mailbox.announce_load()
    mailbox.load(contents_of(0, modseq=2))
    mailbox.arrive(3, [(2, 0, 1, 1)], [])
    mailbox.load(contents_of(0, modseq=2))  # somebody has loaded it meanwhile
    assert list(mailbox.uids) == [1, 2]
    mailbox.vanish()
    mailbox.load(contents_of(0, modseq=2))
    assert not mailbox.loaded


def test_flags_that_stay_as_they_are_are_told_to_nobody() -> None:
    mailbox = mailbox_of(SEEN, SEEN, 0)
    by, other = (View(mailbox, read_only=False, claim=None) for _ in range(2))
    calls: list[str] = []
    by.on_change, other.on_change = (lambda: calls.append("by")), (lambda: calls.append("other"))
    mailbox.reflag(2, [(1, 2)], Change.ADD, SEEN, naming=[], by=by)
    assert (calls, by.changed, other.changed, mailbox.modseq) == ([], False, False, 2)
    assert (by.known_modseq, other.known_modseq) == (2, 2)
    mailbox.reflag(3, [(1, 3)], Change.ADD, SEEN, naming=[], by=by)
    assert (calls, by.changed, other.changed) == (["other"], False, True)
    assert (by.known_modseq, other.known_modseq) == (3, 2)
    assert other.take(expunges=False) == Changes(flags=numbered(3))
    mailbox.reflag(4, [(2, 2)], Change.REMOVE, SEEN, naming=[], by=None)
    assert sorted(calls) == ["by", "other", "other"]


def test_a_keyword_of_the_first_message_alone_is_used() -> None:
    mailbox = mailbox_of(1 << FIRST_KEYWORD, SEEN)
    mailbox.rename_keywords(2, [(0, "used")])
    assert not mailbox.has_unused_keywords()


def test_who_waits_is_called_when_keywords_are_renamed() -> None:
    mailbox = mailbox_of(SEEN)
    view = View(mailbox, read_only=True, claim=None)
    calls: list[bool] = []
    view.on_change = lambda: calls.append(view.changed)
    mailbox.rename_keywords(2, [(0, "new")])
    mailbox.rename_keywords(3, [(0, "new")])  # it is known
    assert calls == [True]
    assert view.take(expunges=False) == Changes(keywords=True)


def test_unused_keywords() -> None:
    mailbox = mailbox_of(SEEN | FLAGGED, SEEN | 1 << FIRST_KEYWORD)
    mailbox.rename_keywords(2, [(0, "used")])
    assert not mailbox.has_unused_keywords()
    mailbox.rename_keywords(3, [(1, "unused")])
    assert mailbox.has_unused_keywords()
    mailbox.rename_keywords(4, [(1, "unused")])
    mailbox.rename_keywords(4, [(1, None)])  # no news
    view = View(mailbox, read_only=True, claim=None)
    view.on_change = lambda: pytest.fail("there is nothing to tell")
    mailbox.rename_keywords(5, [(1, "unused")])
    assert not view.changed
    assert mailbox.keywords == ["used", "unused"]
    assert (mailbox.keyword_bit("UNUSED"), mailbox.keyword_bit("other")) == (1 << FIRST_KEYWORD + 1, 0)


def test_texts_of_flags_are_remembered_within_bounds() -> None:
    mailbox = mailbox_of()
    mailbox.rename_keywords(2, [(0, "old")])
    assert mailbox.flag_names(SEEN | 1 << FIRST_KEYWORD) == "\\Seen old"
    mailbox.rename_keywords(3, [(0, "new")])
    assert mailbox.flag_names(SEEN | 1 << FIRST_KEYWORD) == "\\Seen new"
    for flags in range(2 * MAX_FLAG_NAMES):
        mailbox.flag_names(flags << FIRST_KEYWORD)
        assert len(mailbox._flag_names) <= MAX_FLAG_NAMES + 1


def test_who_learns_of_what() -> None:
    mailbox = mailbox_of(0, 0, 0)
    mine, other = (View(mailbox, read_only=True, claim=None) for _ in range(2))
    heard: list[str] = []
    mine.on_change = lambda: heard.append("mine")
    other.on_change = lambda: heard.append("other")
    mailbox.reflag(2, [(1, 1)], Change.ADD, SEEN, naming=[], by=mine)
    assert heard == ["other"]
    mailbox.reflag(3, [(1, 1)], Change.ADD, SEEN, naming=[], by=None)  # changes nothing
    assert heard == ["other"]
    mailbox.reflag(4, [], Change.ADD, 1 << FIRST_KEYWORD, naming=[(0, "new")], by=mine)  # a keyword for everybody
    assert sorted(heard) == ["mine", "other", "other"]
    assert mine.take(expunges=True) == Changes(keywords=True)
    assert other.take(expunges=True) == Changes(keywords=True, flags=((1, UID(1)),))
    heard.clear()
    mailbox.rename_keywords(5, [(0, None)])
    assert sorted(heard) == ["mine", "other"]
    assert other.take(expunges=True) == Changes(keywords=True)
    heard.clear()
    mailbox.vanish()
    assert set(heard) == {"mine", "other"}
    assert (list(mailbox.uids), mailbox.loaded) == ([], False)
    assert other.gone
    assert other.take(expunges=True) == Changes(
        expunged=numbered(3, 2, 1), recent=0
    )  # and its keywords are of no interest


def test_messages_arrive_one_by_one_and_many_at_once() -> None:
    entries = [(uid, [0, SEEN, 1 << FIRST_KEYWORD][uid % 3], 10 * uid, 1000 + uid) for uid in range(2, 2 * MANY)]
    one_by_one, at_once = mailbox_of(SEEN), mailbox_of(SEEN)
    views = [View(mailbox, read_only=True, claim=None) for mailbox in (one_by_one, at_once)]
    heard: list[int] = []
    views[1].on_change = lambda: heard.append(len(at_once.uids))
    for modseq, entry in enumerate(entries, 2):
        one_by_one.arrive(modseq, [entry], [(0, "work")])
    at_once.arrive(2, entries, [(0, "work")])
    for mailbox in (one_by_one, at_once):
        assert list(zip(mailbox.uids, mailbox.flags, mailbox.sizes, mailbox.internal_dates, strict=True)) == [
            (1, SEEN, 1, 1),
            *entries,
        ]
        assert (mailbox.uid_next, mailbox.keywords) == (2 * MANY, ["work"])
    assert views[0].take(expunges=True) == views[1].take(expunges=True)
    assert heard == [len(entries) + 1]
    at_once.arrive(2, [(5 * MANY, 0, 1, 1)], [(0, "other")])  # no news but for the next UID
    assert (len(at_once.uids), at_once.uid_next, at_once.keywords) == (len(entries) + 1, 5 * MANY + 1, ["work"])


def test_places() -> None:
    mailbox = mailbox_of(SEEN, 0, 0, uids=[2, 4, 9])
    assert [mailbox.index(uid) for uid in (1, 2, 3, 4, 9, 10)] == [None, 0, None, 1, 2, None]


def test_status() -> None:
    mailbox = mailbox_of(SEEN, 0, 0, uids=[2, 4, 9])
    mailbox.recent_uid = 4
    mailbox.counted(1, Counts(3, 2, 1, 50, recent=3))
    assert mailbox.status() == Status(
        messages=3, recent=1, uid_next=10, uid_validity=7, unseen=2, deleted=1, octets=50, highest_modseq=1
    )
    mailbox.unload()
    assert mailbox.status().recent == 3
    mailbox.counted(2, Counts(7))
    mailbox.rename_keywords(2, [])
    mailbox.counted(1, Counts(6))  # the row that was read is newer
    assert mailbox.status().messages == 7


def test_ranges() -> None:
    mailbox = mailbox_of(0, 0, 0, 0, uids=[2, 3, 5, 9])
    assert mailbox.runs([2, 3, 5]) == [(2, 5)]
    assert mailbox.runs([2, 4, 5]) == [(2, 2), (5, 5)]  # as many as lie between, but others
    assert mailbox.runs(range(2, 9)) == [(2, 8)]  # all that lie between
    assert mailbox.runs(range(3, 3)) == []
    assert mailbox.runs(range(3, 10, 2)) == [(3, 9)]
    assert mailbox.runs([3, 5, 9, 10]) == [(3, 9)]
    assert mailbox.runs([2, 9]) == [(2, 2), (9, 9)]
    mailbox.rename_keywords(2, [(0, "kw")])
    mailbox.unload()
    assert (mailbox.keywords, mailbox.first_unseen()) == ([], None)
    assert mailbox.runs([2, 3, 5]) == [(2, 3), (5, 5)]


def test_numbers_that_need_more_than_32_bits() -> None:
    mailbox = mailbox_of(0, 0, 0)
    first = 1 << 32
    mailbox.arrive(first, [(4, 0, 1, -1), (5, 0, 1, first)], [])
    assert list(mailbox.internal_dates) == [1, 1, 1, -1, first]
    assert list(mailbox.modseqs) == [1, 1, 1, first, first]
    narrow = mailbox_of(*[0] * 20)
    narrow.reflag(first, [(1, 1), (3, 15)], Change.ADD, SEEN, naming=[], by=None)
    assert list(narrow.modseqs) == [first, 1, *[first] * 13, *[1] * 5]


def test_nothing_gets_into_a_mailbox_that_is_not_loaded() -> None:
    mailbox, other = Mailbox(ROW), mailbox_of(0, 0)
    view = View(other, read_only=True, claim=None)
    mailbox.arrive(2, [(1, 0, 1, 1)], [])
    other.vanish()
    view.take(expunges=True)
    other.arrive(2, [(3, 0, 1, 1)], [])
    for unloaded in (mailbox, other, Mailbox(ROW)):
        assert not unloaded.uids
        assert not unloaded.flags
    assert not view.uids
