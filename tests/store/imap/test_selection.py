"""Which messages of a view a set of numbers means (RFC 3501 §9, RFC 5182 §2.1), and what is left of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import SAVED, SequenceSet, parse_sequence_set
from postroad_store.imap.selection import known, require, some_gone, spans_of, uids_of, without
from postroad_store.mail.model.errors import NotPermitted
from postroad_store.mail.model.view import View
from postroad_store.mail.search.keys import InSet
from tests.store.mail.model.test_mailbox import mailbox_of

if TYPE_CHECKING:
    from collections.abc import Sequence

UIDS = [10, 11, 12, 20, 21, 30, 31, 32, 40]


@pytest.fixture
def view() -> View:
    return View(mailbox_of(*[0] * len(UIDS), uids=UIDS), read_only=True, claim=None)


def numbers(spans: Sequence[range]) -> list[list[int]]:
    return [list(span) for span in spans]


@pytest.mark.parametrize(
    ("text", "uid", "expected"),
    [
        (b"1", False, [[1]]),
        (b"9", False, [[9]]),
        (b"*", False, [[9]]),
        (b"3:1,7:*", False, [[1, 2, 3], [7, 8, 9]]),
        (b"10", True, [[1]]),
        (b"1:9", True, []),
        (b"12:30", True, [[3, 4, 5, 6]]),
        (b"11,13:19,31:35", True, [[2], [7, 8]]),
        (b"*", True, [[9]]),
        (b"99:*", True, [[9]]),
        (b"40:41,10:11", True, [[1, 2], [9]]),
    ],
)
def test_what_a_set_means(view: View, text: bytes, uid: bool, expected: list[list[int]]) -> None:
    assert numbers(spans_of(view, parse_sequence_set(text), uid=uid)) == expected


@pytest.mark.parametrize("text", [b"10", b"1:10", b"1,10,2", b"4294967295"])
def test_a_number_that_no_message_has_is_refused(view: View, text: bytes) -> None:
    with pytest.raises(SyntaxFault, match="Invalid messageset"):
        spans_of(view, parse_sequence_set(text), uid=False)


def test_an_empty_mailbox_has_no_last_message() -> None:
    view = View(mailbox_of(), read_only=True, claim=None)
    for text in (b"*", b"1", b"1:*"):
        with pytest.raises(SyntaxFault, match="Invalid messageset"):
            spans_of(view, parse_sequence_set(text), uid=False)
        assert spans_of(view, parse_sequence_set(text), uid=True) == []
    assert (known(view), uids_of(view, [])) == ((), [])


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        ((), []),
        ((10, 11), [[1, 2]]),
        ((10, 11, 20, 21, 31, 32), [[1, 2], [4, 5], [7, 8]]),
        ((11, 12, 20, 20, 32, 40, 99, 99), [[2, 3], [4], [8, 9]]),
        ((1, 9, 13, 19), []),
    ],
)
@pytest.mark.parametrize("uid", [False, True])
async def test_a_saved_result_is_what_is_left_of_its_messages(
    view: View, saved: tuple[int, ...], expected: list[list[int]], uid: bool
) -> None:
    view.saved = saved
    assert numbers(spans_of(view, SAVED, uid=uid)) == expected
    search: Any = SimpleNamespace(view=view, pace=pace)
    wanted = [number for span in expected for number in span]
    assert list(await InSet(uid=uid, messages=SAVED).among(list(range(1, 10)), search)) == wanted
    even = [number for number in wanted if number % 2 == 0]
    assert list(await InSet(uid=uid, messages=SAVED).among([2, 4, 6, 8], search)) == even


async def pace() -> None:
    """Go on at once."""


def test_a_saved_result_and_other_messages_are_taken_together(view: View) -> None:
    view.saved = (11, 12, 30, 31)
    both = SequenceSet(parse_sequence_set(b"4,8:9").ranges, saved=True)
    assert numbers(spans_of(view, both, uid=False)) == [[2, 3, 4], [6, 7, 8, 9]]
    both = SequenceSet(parse_sequence_set(b"10,40").ranges, saved=True)
    assert numbers(spans_of(view, both, uid=True)) == [[1, 2, 3], [6, 7], [9]]


def test_uids_of_spans(view: View) -> None:
    assert list(uids_of(view, [range(2, 5)])) == [11, 12, 20]
    assert list(uids_of(view, [range(1, 2), range(4, 6), range(9, 10)])) == [10, 20, 21, 40]
    assert list(known(view)) == list(range(10, 41))


def test_messages_that_have_gone_are_noticed_and_left_out(view: View) -> None:
    spans = [range(1, 4), range(5, 6), range(8, 10)]
    assert not some_gone(view, spans)
    view.mailbox.remove(2, [20])
    assert not some_gone(view, spans)
    assert some_gone(view, [range(1, 4), range(3, 5)])
    assert some_gone(view, [range(4, 6), range(8, 10)])
    assert numbers(without(view, spans, [11, 21, 32, 77])) == [[1], [3], [9]]
    assert numbers(without(view, spans, [])) == numbers(spans)


@pytest.mark.parametrize(("needs", "allowed"), [("", True), ("l", True), ("lr", True), ("lrs", False), ("x", False)])
def test_rights_that_are_needed(view: View, needs: str, allowed: bool) -> None:
    view.rights = frozenset("lr")
    if allowed:
        require(view, needs)
    else:
        with pytest.raises(NotPermitted, match="permission denied"):
            require(view, needs)
