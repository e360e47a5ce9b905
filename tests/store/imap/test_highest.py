"""HIGHESTMODSEQ: the client never believes more than it has been told (RFC 7162 §3.2, §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.highest import Highest
from postroad_store.mail.model.flags import SEEN, Change
from postroad_store.mail.model.message import UID
from tests.store.imap.test_updates import opened

if TYPE_CHECKING:
    import pytest

    from postroad_store.mail.model.view import View


def flag(view: View, uid: int) -> None:
    mailbox = view.mailbox
    change = Change.REMOVE if mailbox.flags[mailbox.uids.index(UID(uid))] & SEEN else Change.ADD
    mailbox.reflag(mailbox.modseq + 1, [(uid, uid)], change, SEEN, naming=[], by=None)


def test_select_tells_it() -> None:
    view = opened(10, 20)
    highest = Highest()
    assert highest.selected(view, aware=True) == b"* OK [HIGHESTMODSEQ 1] Highest\r\n"
    assert highest.due(view) is None


def test_a_client_that_comes_to_take_modseqs_is_told() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=False)
    assert highest.completed(view, b"OK Done.", coded=False) == (b"* OK [HIGHESTMODSEQ 1] Highest\r\n", b"OK Done.")
    assert highest.completed(view, b"OK Done.", coded=False) == (b"", b"OK Done.")
    assert highest.response(view) == b""


def test_a_tagged_ok_has_it_if_there_is_room() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=True)
    code = b"* OK [HIGHESTMODSEQ %d] Highest\r\n"
    view.mailbox.arrive(2, [(30, 0, 1, 1)], [])
    assert highest.completed(view, b"OK Done.", coded=False) == (b"", b"OK [HIGHESTMODSEQ 2] Done.")
    view.mailbox.arrive(3, [(40, 0, 1, 1)], [])
    assert highest.completed(view, b"OK [X] Done.", coded=False) == (code % 3, b"OK [X] Done.")
    view.mailbox.arrive(4, [(50, 0, 1, 1)], [])
    assert highest.completed(view, b"NO Not so.", coded=False) == (code % 4, b"NO Not so.")
    view.mailbox.arrive(5, [(60, 0, 1, 1)], [])
    assert highest.response(view) == code % 5


def test_what_the_client_finds_by_itself_is_not_told() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=True)
    flag(view, 10)
    view.take(expunges=True)
    highest.fetched(2)
    assert highest.due(view) is None
    view.mailbox.arrive(3, [(30, 0, 1, 1)], [])
    view.take(expunges=True)
    assert highest.due(view) == 3  # EXISTS has no mod-sequence


def test_an_expunge_that_waits_holds_it_back() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=True)
    view.mailbox.remove(2, [10])
    flag(view, 20)
    view.take(expunges=False)
    highest.fetched(3)
    assert (highest.due(view), highest.due(view)) == (1, None)
    highest.fetched_any()
    assert highest.due(view) == 1
    view.take(expunges=True)
    assert highest.completed(view, b"OK Expunge.", coded=True) == (b"", b"OK [HIGHESTMODSEQ 3] Expunge.")
    highest.fetched_any()
    assert highest.due(view) is None


def test_a_code_that_is_due_is_in_the_answer_also_of_a_client_that_has_just_come_to_take_them() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=False)
    assert highest.completed(view, b"OK Expunge.", coded=True) == (b"", b"OK [HIGHESTMODSEQ 1] Expunge.")


def test_a_code_counts_more_than_what_is_seen_after_it() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=True)
    view.mailbox.arrive(2, [(30, 0, 1, 1)], [])
    view.take(expunges=True)
    assert highest.due(view, tagged=False) == 2
    assert highest.due(view, tagged=False) is None
    flag(view, 10)
    view.take(expunges=True)
    highest.fetched(3)
    assert highest.due(view, tagged=False) == 3
    assert highest.due(view) is None


def test_flags_that_wait_hold_it_back() -> None:
    view = opened(10, 20)
    highest = Highest()
    highest.selected(view, aware=True)
    flag(view, 10)
    view.take(expunges=True, flags=False)
    assert view.known_modseq == 1
    view.take(expunges=True)
    assert (view.known_modseq, highest.due(view)) == (2, 2)


def test_a_change_that_is_shown_in_steps_holds_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.mail.model.mailbox.STEP", 1)
    view = opened(10, 20)
    steps = view.mailbox.reflag_in_steps(2, [(1, 99)], Change.ADD, SEEN, naming=[], by=None)
    next(steps)
    assert [uid for _, uid in view.take(expunges=True).flags] == [10]
    assert view.known_modseq == 1
    assert list(steps) == []
    view.take(expunges=True)
    assert view.known_modseq == 2


EVENTS = st.lists(
    st.sampled_from(["flag", "expunge", "arrive", "take", "take some", "fetch", "untagged", "tagged"]), max_size=30
)


@given(EVENTS)
def test_a_client_that_comes_back_misses_nothing(events: list[str]) -> None:
    """The client follows RFC 7162 §6; at each tagged response all changes up to what it has have been told."""
    view = opened(*range(1, 9))
    mailbox = view.mailbox
    highest = Highest()
    highest.selected(view, aware=True)
    cached, seen = 1, 0
    code: int | None = None
    untold: dict[int, int] = {}  # by UID, the modseq of the last change that the client does not know
    for event in (*events, "tagged"):
        uids = list(mailbox.uids)
        if event in {"flag", "expunge"} and uids:
            uid = uids[mailbox.modseq % len(uids)]
            if event == "flag":
                flag(view, uid)
            else:
                mailbox.remove(mailbox.modseq + 1, [uid])
            if uid in view.uids:  # else the client finds it, or not, as a new message
                untold[uid] = mailbox.modseq
        elif event == "arrive":
            mailbox.arrive(mailbox.modseq + 1, [(mailbox.uid_next, 0, 1, 1)], [])
        elif event in {"take", "take some"}:
            news = view.take(expunges=event == "take")
            for _, uid in news.expunged:
                del untold[uid]
            for _, uid in news.flags:
                modseq = mailbox.modseqs[mailbox.uids.index(uid)]
                highest.fetched(modseq)
                seen = max(seen, modseq)
                del untold[uid]
        elif event == "fetch" and uids:
            seen = max(seen, *mailbox.modseqs)
            highest.fetched_any()
        elif event == "untagged":
            due = highest.due(view, tagged=False)
            code = code if due is None else due
        elif event == "tagged":
            due = highest.due(view)
            code = code if due is None else due
            cached = max(cached, seen) if code is None else code
            seen, code = 0, None
            missed = [uid for uid, modseq in untold.items() if modseq <= cached]
            assert missed == []
            assert cached == view.known_modseq
