"""Threads: the tables, and what holds for whatever messages refer to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.commands import thread
from postroad_store.mail.model.errors import LimitReached
from postroad_store.mail.threads import forest
from postroad_store.mail.threads.orderedsubject import ordered_subject
from postroad_store.mail.threads.references import references, refs

if TYPE_CHECKING:
    from postroad_store.mail.threads.forest import Forest


def shown(trees: Forest) -> str:
    return b"".join(thread.written(trees, range(1, trees.messages + 1))).decode()


def ids_of(text: str) -> list[tuple[bytes, ...]]:
    """`a b<a c<a,b` are messages with a Message ID and what they refer to."""
    ids = []
    for word in text.split():
        own, _, above = word.partition("<")
        ids.append((own.strip("-").encode(), *(name.encode() for name in above.split(",") if name)))
    return ids


TABLE = [
    ("a b c", "(1)(2)(3)"),
    ("a b<a c<a,b", "(1 2 3)"),
    ("a b<a c<a", "(1 (2)(3))"),
    ("a b<a c<b d<b e<a", "(1 (2 (3)(4))(5))"),
    ("- -<a -<a", "(1)((2)(3))"),  # the parent is missing: RFC 5256 section 4, ((3)(5))
    ("- -<a", "(1)(2)"),
    ("b<x,y c<x,z", "((1)(2))"),  # dummies are pruned, but for the one at the top
    ("b<x,y c<x,y", "((1)(2))"),
    ("b<x c<x,y,z d<z", "((1)(2)(3))"),
    ("a a<b", "(1)(2)"),  # the second with the same Message ID has one of its own
    ("a a<a b<a", "(1 (2)(3))"),
    ("a<a", "(1)"),  # no loops
    ("a<b b<a", "(2 1)"),
    ("a<b b<c c<a", "(3 2 1)"),
    ("a b<a,b", "(1)(2)"),  # the link to itself cannot be made, and the one before is broken
    ("c<a,b b<a a", "(3 2 1)"),
    ("a c<a b<a,c", "(1 2 3)"),
    ("c<a,b b", "(2 1)"),  # a message that refers to nothing has no parent, whatever others say
    ("c<a,b b<x a", "(2 1)(3)"),
    ("d<a,b,c a b<a c<x", "(2 3)(4 1)"),
    ("d<b,c e<a,c c<b", "(3 (1)(2))"),
]


@pytest.mark.parametrize(("messages", "threads"), TABLE)
def test_references_link_messages(messages: str, threads: str) -> None:
    ids = ids_of(messages)
    assert shown(references(ids, [(b"", False)] * len(ids), range(len(ids)))) == threads


@pytest.mark.parametrize(
    ("messages", "subjects", "threads"),
    [
        ("a b", "x x", "((1)(2))"),  # neither is a reply: a dummy above both
        ("a b", "x re:x", "(1 2)"),
        ("a b", "re:x x", "(2 1)"),
        ("a b", "re:x re:x", "((1)(2))"),
        ("a b c", "x x x", "((1)(2)(3))"),
        ("a b c", "x re:x re:x", "(1 (2)(3))"),
        ("a b c", "x x re:x", "((1)(2)(3))"),
        ("a b c", "- - re:-", "(1)(2)(3)"),  # no subject, no merging
        ("-<p -<p c", "x x x", "((1)(2)(3))"),  # a dummy and a message
        ("a -<p -<p", "x x x", "((1)(2)(3))"),
        ("-<p -<p -<q -<q", "x x x x", "((1)(2)(3)(4))"),  # two dummies
        ("-<p -<p c<q d<q e", "x y y x re:y", "((1)(2))((3)(4)(5))"),
        ("a b", "x y", "(1)(2)"),
    ],
)
def test_subjects_merge_threads(messages: str, subjects: str, threads: str) -> None:
    read = [(word.removeprefix("re:").strip("-").encode(), word.startswith("re:")) for word in subjects.split()]
    assert shown(references(ids_of(messages), read, range(len(read)))) == threads


def test_a_thread_that_an_older_message_joins_by_its_subject_comes_where_that_one_was() -> None:
    """RFC 5256 §3 REFERENCES (6): the top level is sorted after step 5, too."""
    ids = ids_of("-<p -<p c d")
    read = [(b"x", False), (b"x", False), (b"x", False), (b"y", False)]
    assert shown(references(ids, read, [3, 4, 1, 2])) == "((3)(1)(2))(4)"


def test_siblings_are_sorted_by_date() -> None:
    ids = ids_of("a b<a c<a d e<d -<p -<p")
    nothing = [(b"", False)] * 7
    assert shown(references(ids, nothing, [9, 3, 2, 1, 8, 5, 4])) == "(4 5)((7)(6))(1 (3)(2))"
    assert shown(references(ids, nothing, [9, 2, 2, 9, 1, 4, 4])) == "((6)(7))(1 (2)(3))(4 5)"


def test_refs_sorts_threads_by_their_newest_message() -> None:
    ids = ids_of("a b<a c d<c -<p -<p e")
    assert shown(refs(ids, [1, 9, 2, 3, 5, 4, 8])) == "(3 4)((6)(5))(7)(1 2)"
    assert shown(refs([], [])) == ""


def test_ordered_subject() -> None:
    assert shown(ordered_subject([b"x", b"y", b"x", b"y", b"x"], [5, 1, 3, 4, 3])) == "(2 4)(3 (5)(1))"
    assert shown(ordered_subject([], [])) == ""


@pytest.mark.parametrize(
    ("messages", "threads"),
    [
        ("a b<a c<b d<c", "(1 2 3 4)"),
        ("a b<a c<b d<b", "(1 2 (3)(4))"),
        ("b<a c<a d<b e<b f<c", "((1 (3)(4))(2 5))"),
    ],
)
def test_threads_are_written(messages: str, threads: str) -> None:
    ids = ids_of(messages)
    assert shown(refs(ids, [0] * len(ids))) == threads


def test_threads_are_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "PIECE", 2)
    trees = refs(ids_of("a b c<b d e f<a"), range(6))
    assert list(thread.written(trees, range(1, 7))) == [b"(2 3)", b"(4)", b"(5)(1 6)", b""]


def test_a_thread_as_deep_as_a_mailbox_is_long() -> None:
    ids = [(b"0",)] + [(b"%d" % number, b"%d" % (number - 1)) for number in range(1, 50_000)]
    for messages in (ids, ids[::-1]):
        text = shown(references(messages, [(b"", False)] * 50_000, range(50_000)))
        assert text.count("(") == 1
        assert len(text.split()) == 50_000


def test_threads_that_take_too_many_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "MAX_STEPS", 1000)
    deep = ids_of("0 " + " ".join(f"{number}<{number - 1}" for number in range(1, 500)))
    busy = ids_of(" ".join(f"x{number}<y{number}" for number in range(10)))
    again = ids_of(" ".join(f"y{number}<499" for number in range(10)))
    with pytest.raises(LimitReached):
        references(deep + busy + again, [(b"", False)] * 520, range(520))


NAMES = st.sampled_from([b"", *(b"%d" % number for number in range(8))])
IDS = st.lists(st.tuples(NAMES, st.lists(NAMES.filter(bool), max_size=4)), max_size=14)


@given(IDS, st.randoms(use_true_random=False))
def test_every_message_is_there_once(read: list[tuple[bytes, list[bytes]]], dice: object) -> None:
    ids = [(own, *above) for own, above in read]
    subjects = [(dice.choice([b"", b"x", b"y"]), dice.random() < 0.5) for _ in ids]  # type: ignore[attr-defined]
    dates = [dice.randrange(4) for _ in ids]  # type: ignore[attr-defined]
    for trees in (references(ids, subjects, dates), refs(ids, dates), ordered_subject([b for b, _ in subjects], dates)):
        text = shown(trees)
        numbers = text.replace("(", " ").replace(")", " ").split()
        assert sorted(map(int, numbers)) == list(range(1, len(ids) + 1))
        assert text.count("(") == text.count(")")
        for node in range(trees.messages):  # siblings are in order, and dummies are at the top alone
            below = trees.below(node)
            assert not any(map(trees.is_dummy, below))
            assert [dates[child] for child in below] == sorted(dates[child] for child in below)
        for root in trees.roots:
            assert not trees.is_dummy(root) or len(trees.below(root)) > 1
