"""Changes of many messages: in steps in the mailbox, and in pieces to the views, always as one whole would be."""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING

import pytest

from postroad_store.mail.model import columns as columns_module
from postroad_store.mail.model import mailbox as mailbox_module
from postroad_store.mail.model import view as view_module
from postroad_store.mail.model.flags import DELETED, FLAGGED, SEEN, Change
from postroad_store.mail.model.message import UID
from postroad_store.mail.model.view import Changes, View
from tests.store.mail.model.test_mailbox import mailbox_of, numbered

if TYPE_CHECKING:
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.ranges import Runs

COUNT = 30


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "PIECE", 4)
    monkeypatch.setattr(mailbox_module, "STEP", 4)
    monkeypatch.setattr(mailbox_module, "MANY", 2)
    monkeypatch.setattr(columns_module, "CHUNK", 3)


class Client:
    """A client's knowledge of a mailbox, from the responses that it gets."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.uids = list(view.uids)
        self.flags = dict(zip(view.uids, view.mailbox.flags, strict=True))
        self.recent = len(view.recent)
        self.keywords = view.mailbox.keywords

    def hear(self, news: Changes) -> None:
        for number, gone in news.expunged:
            assert self.uids.pop(number - 1) == gone
        if news.exists is not None:
            self.uids = list(self.view.uids[: news.exists])
            mailbox = self.view.mailbox
            self.flags |= {uid: mailbox.flags[at] for uid in self.uids if (at := mailbox.index(uid)) is not None}
        if news.recent is not None:
            self.recent = news.recent
        if news.keywords:
            self.keywords = self.view.mailbox.keywords
        for number, uid in news.flags:
            assert self.uids[number - 1] == uid
            at = self.view.mailbox.index(uid)
            assert at is not None
            self.flags[uid] = self.view.mailbox.flags[at]
        assert self.uids == list(self.view.uids)

    def knows_all(self) -> bool:
        mailbox = self.view.mailbox
        known = [self.flags[uid] for uid in self.uids]
        return (
            (self.uids, known, self.keywords) == (list(mailbox.uids), list(mailbox.flags), mailbox.keywords)
            and self.recent == len(self.view.recent)
            and not self.view.changed
        )


def change_something(mailbox: Mailbox, chance: random.Random, modseq: int) -> None:
    """Let another session do something."""
    some = sorted(chance.sample(mailbox.uids, chance.randint(0, len(mailbox.uids) // 2)))
    match chance.randrange(4):
        case 0:
            mailbox.remove(modseq, some)
        case 1:
            naming = [(modseq, f"kw{modseq}")] if chance.random() < 0.3 else []
            runs: Runs = [(uid, uid) for uid in some]
            mailbox.reflag(modseq, runs, Change.ADD, chance.choice([SEEN, FLAGGED]), naming=list(naming), by=None)
        case 2:
            first = mailbox.uid_next
            mailbox.arrive(modseq, [(uid, 0, 1, 1) for uid in range(first, first + chance.randint(1, 9))], [])
        case _:
            mailbox.reflag(modseq, [(1, 1 << 32)], Change.REPLACE, DELETED, naming=[], by=None)


def test_a_client_that_is_told_in_pieces_is_never_wrong() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        mailbox = mailbox_of(*[0] * COUNT)
        view = View(mailbox, read_only=True, claim=None)
        client = Client(view)
        modseqs = count(2)
        for _ in range(5):
            for _ in range(chance.randint(1, 4)):
                change_something(mailbox, chance, next(modseqs))
            for news in view.pieces(expunges=chance.random() < 0.7):
                assert len(news.expunged) <= view_module.PIECE
                assert len(news.flags) <= view_module.PIECE
                client.hear(news)
                if chance.random() < 0.3:
                    change_something(mailbox, chance, next(modseqs))
        for news in view.pieces(expunges=True):
            client.hear(news)
        assert client.knows_all()


def test_pieces_tell_what_one_answer_tells() -> None:
    mailbox = mailbox_of(*[0] * COUNT)
    views = [View(mailbox, read_only=True, claim=None) for _ in range(2)]
    mailbox.reflag(2, [(1, COUNT)], Change.ADD, SEEN, naming=[(0, "kw")], by=None)
    mailbox.remove(3, [1, *range(8, 20)])
    mailbox.arrive(4, [(50, 0, 1, 1)], [])
    whole = views[0].take(expunges=True)
    pieces = list(views[1].pieces(expunges=True))
    assert tuple(number for news in pieces for number in news.expunged) == whole.expunged
    assert tuple(pair for news in pieces for pair in news.flags) == whole.flags
    assert [(news.exists, news.recent) for news in pieces if news.exists] == [(whole.exists, whole.recent)]
    assert [at for at, news in enumerate(pieces) if news.keywords] == [0]
    assert views[0].uids == views[1].uids
    assert set(views[0].recent) == set(views[1].recent)


def test_what_was_not_heard_is_told_the_next_time() -> None:
    mailbox = mailbox_of(*[0] * COUNT)
    view = View(mailbox, read_only=True, claim=None)
    client = Client(view)
    mailbox.remove(2, list(range(1, COUNT)))
    client.hear(next(view.pieces(expunges=True)))  # then the client has ended its IDLE
    assert len(view.uids) == COUNT - 3
    assert view.changed
    client.hear(view.take(expunges=True))
    assert client.knows_all()


def test_how_much_is_much() -> None:
    mailbox = mailbox_of(*[0] * COUNT)
    view = View(mailbox, read_only=True, claim=None)
    mailbox.remove(2, [1, 2, 3, 4])
    assert not view.much(expunges=True)
    mailbox.reflag(3, [(5, 5)], Change.ADD, SEEN, naming=[], by=None)
    assert view.much(expunges=True)
    assert not view.much(expunges=False)
    mailbox.reflag(4, [(6, 9)], Change.ADD, SEEN, naming=[], by=None)
    assert view.much(expunges=False)
    assert view.take(expunges=False, flags=False) == Changes()
    assert view.much(expunges=False)


def test_whether_a_range_has_lost_a_message() -> None:
    view = View(mailbox := mailbox_of(*[0] * 5), read_only=True, claim=None)
    assert not view.has_lost(1, 5)
    mailbox.remove(2, [3])
    ranges = [(first, last) for first in range(1, 6) for last in range(first, 6)]
    assert [span for span in ranges if view.has_lost(*span)] == [span for span in ranges if span[0] <= 3 <= span[1]]


@pytest.mark.parametrize("seed", range(20))
def test_lists_and_views_agree_after_each_step(seed: int) -> None:
    chance = random.Random(seed)
    flags = [chance.choice([0, SEEN, FLAGGED]) for _ in range(COUNT)]
    mailbox = mailbox_of(*flags)
    view = View(mailbox, read_only=True, claim=None)
    mailbox.first_unseen()
    gone = sorted(chance.sample(range(1, COUNT + 1), 20))
    heard: list[int] = []
    view.on_change = lambda: heard.append(len(mailbox.uids))
    steps = mailbox.remove_in_steps(2, gone)
    while True:
        ended = next(steps, "ended") == "ended"
        assert mailbox.changing is not ended
        left = [uid for uid in range(1, COUNT + 1) if uid not in gone or uid in mailbox.uids]
        assert list(mailbox.uids) == left
        assert list(mailbox.flags) == [flags[uid - 1] for uid in left]
        assert len(mailbox.sizes) == len(mailbox.internal_dates) == len(left)
        at = mailbox.first_unseen()
        assert at == next((at for at, value in enumerate(mailbox.flags) if not value & SEEN), None)
        assert [value == -1 for value in view.pick(mailbox.flags, 1, COUNT)] == [
            uid not in left for uid in range(1, COUNT + 1)
        ]
        if ended:
            break
    assert len(heard) > 4
    assert len(mailbox.uids) == COUNT - 20


def test_flags_change_in_steps() -> None:
    mailbox = mailbox_of(*[0] * COUNT)
    view, mine = (View(mailbox, read_only=True, claim=None) for _ in range(2))
    steps = mailbox.reflag_in_steps(2, [(1, 2), (3, 20), (25, COUNT)], Change.ADD, SEEN, naming=[], by=mine)
    told: list[int] = []
    for _ in steps:
        told += [uid for _, uid in view.take(expunges=True).flags]
        assert told == [uid for uid, flags in zip(mailbox.uids, mailbox.flags, strict=True) if flags]
    told += [uid for _, uid in view.take(expunges=True).flags]
    assert told == [*range(1, 21), *range(25, COUNT + 1)]
    assert not mine.changed
    assert not mailbox.changing


def test_messages_arrive_and_leave_in_steps() -> None:
    mailbox = mailbox_of()
    view = View(mailbox, read_only=True, claim=None)
    steps = mailbox.arrive_in_steps(2, [(uid, 0, 1, 1) for uid in range(1, 11)], [])
    counts = [view.take(expunges=True).exists for _ in steps]
    counts.append(view.take(expunges=True).exists)
    assert counts == [4, 8, 10]
    left = [len(mailbox.uids) for _ in mailbox.empty_in_steps(3)]
    assert (left, list(mailbox.uids)) == ([6, 2], [])
    assert view.take(expunges=True).expunged == numbered(*range(10, 0, -1))
    mailbox.arrive(4, [(uid, 0, 1, 1) for uid in range(11, 21)], [])
    mailbox.empty(5)
    assert list(mailbox.uids) == []


def test_what_is_not_loaded_has_no_steps() -> None:
    mailbox = mailbox_of(*[0] * COUNT)
    mailbox.unload()
    entries = [(uid, 0, 1, 1) for uid in range(40, 60)]
    assert list(mailbox.arrive_in_steps(2, entries, [])) == []
    assert list(mailbox.reflag_in_steps(3, [(1, COUNT)], Change.ADD, SEEN, naming=[], by=None)) == []
    assert list(mailbox.remove_in_steps(4, list(range(1, COUNT)))) == []
    assert list(mailbox.empty_in_steps(5)) == []
    assert (mailbox.uid_next, mailbox.modseq) == (60, 5)


def test_ranges_of_many_uids() -> None:
    assert mailbox_of().runs([]) == []
    mailbox = mailbox_of(*[0] * 12, uids=[1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 15, 17])
    assert mailbox.runs([1, 2, 3, 5, 6, 10, 11, 12, 14, 15]) == [(1, 3), (5, 12), (15, 15)]
    assert mailbox.runs([1, 3, 4, 5, 6, 7, 10]) == [(1, 1), (3, 10)]
    assert mailbox.runs([2, 3, 4, 10, 11, 12]) == [(2, 4), (10, 12)]
    assert mailbox.runs([UID(1), UID(2), UID(3), UID(18), UID(19), UID(20)]) == [(1, 3)]


def test_what_has_changed_is_found_piece_by_piece() -> None:
    mailbox = mailbox_of(*[0] * COUNT)
    view = View(mailbox, read_only=True, claim=None)
    mailbox.reflag(2, [(1, 2), (9, 16)], Change.ADD, SEEN, naming=[], by=None)
    mailbox.remove(3, [10])
    changed = [1, 2, 9, *range(11, 17)]  # by the numbers of the view, which has the tenth message still
    for recent in (mailbox.recent_changes, None):  # by what is known of the last changes, and by the mod-sequences
        mailbox.recent_changes = recent
        assert view.changed_since(1) == changed
        assert view.changed_since(2) == []
        assert view.changed_since(0) == [number for number in range(1, COUNT + 1) if number != 10]
    view.take(expunges=True)
    assert view.changed_since(1) == [number - (number > 10) for number in changed]
