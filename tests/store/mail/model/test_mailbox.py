"""What a mailbox in memory makes of changes, however many messages they are of."""

from __future__ import annotations

import random
from array import array

import pytest

from postroad_store.mail.model.flags import DELETED, FIRST_KEYWORD, FLAGGED, SEEN, Change
from postroad_store.mail.model.mailbox import FEW, MANY, Contents, Mailbox, MailboxRow, count_unseen
from postroad_store.mail.model.message import UID
from postroad_store.mail.model.view import View

ROW = MailboxRow(1, "INBOX", None, selectable=True, uid_validity=7, uid_next=1, modseq=1, recent_uid=0)


def mailbox_of(*flags: int, uids: list[int] | None = None) -> Mailbox:
    """Return a loaded mailbox with messages that have these flags."""
    mailbox = Mailbox(ROW)
    mailbox.load(contents_of(*flags, uids=uids))
    return mailbox


def contents_of(*flags: int, uids: list[int] | None = None, modseq: int = 1) -> Contents:
    numbers = uids or list(range(1, len(flags) + 1))
    row = MailboxRow(1, "INBOX", None, True, 7, numbers[-1] + 1 if numbers else 1, modseq, 0)
    ones = array("q", [1] * len(flags))
    return Contents(row, [], list(map(UID, numbers)), list(flags), ones, ones[:], count_unseen(list(flags)), 0)


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
        assert quick.flags == plain.flags
        assert quick.unseen == plain.unseen == count_unseen(plain.flags) == sum(not flag & SEEN for flag in plain.flags)
        assert quick.first_unseen() == plain.first_unseen() == first_unseen(plain)
        assert views[0].take(expunges=True) == views[1].take(expunges=True)


def first_unseen(mailbox: Mailbox) -> int | None:
    return next((at for at, flags in enumerate(mailbox.flags) if not flags & SEEN), None)


def test_many_values_are_counted_as_few_are() -> None:
    flags = [number << FIRST_KEYWORD | number % 2 for number in range(4 * FEW)]
    assert count_unseen(flags) == 2 * FEW
    assert count_unseen(flags[:4]) == 2
    assert count_unseen([]) == 0


@pytest.mark.parametrize("count", [1, MANY, MANY + 1, 3 * MANY])
def test_many_messages_are_taken_out_as_few_are(count: int) -> None:
    mailbox = mailbox_of(*[SEEN, 0, FLAGGED] * 2 * MANY)
    view = View(mailbox, read_only=True, claim=None)
    assert mailbox.first_unseen() == 1
    gone = list(range(2, 2 + count))
    mailbox.remove(2, [*gone, 9999])
    stays = [uid for uid in range(1, 6 * MANY + 1) if uid not in gone]
    assert mailbox.uids == stays
    assert mailbox.flags == [[SEEN, 0, FLAGGED][(uid - 1) % 3] for uid in stays]
    assert len(mailbox.sizes) == len(mailbox.internal_dates) == len(stays)
    assert mailbox.unseen == count_unseen(mailbox.flags)
    assert mailbox.first_unseen() == first_unseen(mailbox)
    assert view.take(expunges=True).expunged == tuple(reversed(gone))


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
    assert (mailbox.uids, mailbox.uid_next, mailbox.modseq) == ([1, 3, 4], 5, 7)
    assert [mailbox.flag_names(flags) for flags in mailbox.flags] == [
        "\\Flagged \\Seen",
        "\\Flagged",
        "\\Flagged newer",
    ]
    assert mailbox.unseen == 2


def test_emptying_takes_out_what_is_there_when_its_turn_comes() -> None:
    mailbox = Mailbox(ROW)
    mailbox.announce_load()
    mailbox.empty(3)
    mailbox.arrive(4, [(9, 0, 1, 1)], [])
    mailbox.load(contents_of(SEEN, 0, 0, modseq=2))
    assert mailbox.uids == [9]
    mailbox.empty(5)
    assert mailbox.uids == []


def test_a_snapshot_that_comes_too_late_is_not_taken() -> None:
    mailbox = Mailbox(ROW)
    mailbox.announce_load()
    mailbox.load(None)
    assert not mailbox.loaded
    mailbox.announce_load()
    mailbox.load(contents_of(0, modseq=2))
    mailbox.arrive(3, [(2, 0, 1, 1)], [])
    mailbox.load(contents_of(0, modseq=2))  # somebody has loaded it meanwhile
    assert mailbox.uids == [1, 2]
    mailbox.vanish()
    mailbox.load(contents_of(0, modseq=2))
    assert not mailbox.loaded


def test_unused_keywords() -> None:
    mailbox = mailbox_of(0, 1 << FIRST_KEYWORD)
    mailbox.rename_keywords(2, [(0, "used")])
    assert not mailbox.has_unused_keywords()
    mailbox.rename_keywords(3, [(1, "unused")])
    assert mailbox.has_unused_keywords()
    mailbox.rename_keywords(4, [(1, "unused")])
    mailbox.rename_keywords(4, [(1, None)])  # no news
    assert mailbox.keywords == ["used", "unused"]
