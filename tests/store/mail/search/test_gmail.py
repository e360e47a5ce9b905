"""Gmail's search language."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.model.flags import FLAGGED, SEEN
from postroad_store.mail.search.dates import InternalDate, When
from postroad_store.mail.search.gmail import GmailId, Label, Structure, label_key, query_key
from postroad_store.mail.search.keys import (
    And,
    Flag,
    Keyword,
    Larger,
    Not,
    Or,
    Smaller,
)
from postroad_store.mail.search.strings import Addresses, Header, Text
from postroad_store.mail.search.within import Within

if TYPE_CHECKING:
    from postroad_store.mail.search.key import Key

A, B, C = Text("a"), Text("b"), Text("c")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", ()),
        ("a", (A,)),
        ("a b", (A, B)),
        ("a AND b", (A, B)),
        ('"a b" c', (Text("a b"), C)),
        ('"a b', (Text("a b"),)),
        ("a OR b c", (Or(A, B), C)),
        ("OR a", (A,)),
        ("a OR", (A,)),
        ("-a", (Not(A),)),
        ("{a b} c", (Or(A, B), C)),
        ("(a b) c", (And((A, B)), C)),
        ("-(a b)", (Not(And((A, B))),)),
        ("-{a b}", (Not(Or(A, B)),)),
        ("(a", (And((A,)),)),
        ("a)", (A,)),
        ("()", ()),
        ("-", ()),
        ("from:a", (Addresses("FROM", "a"),)),
        ('to:"a b" cc:c BCC:d', (Addresses("TO", "a b"), Addresses("CC", "c"), Addresses("BCC", "d"))),
        ("subject:(a b)", (And((Header("SUBJECT", "a"), Header("SUBJECT", "b"))),)),
        ("-subject:{a b}", (Not(Or(Header("SUBJECT", "a"), Header("SUBJECT", "b"))),)),
        ("rfc822msgid:<a@b>", (Header("MESSAGE-ID", "<a@b>"),)),
        ("label:foo in:inbox in:Sent", (Label("foo"), Label("\\Inbox"), Label("\\Sent"))),
        ("in:spam in:drafts in:anywhere", (Label("\\Spam"), Label("\\Draft"), And(()))),
        ("is:unread is:read", (Not(Flag(SEEN)), Flag(SEEN))),
        ("is:starred is:important", (Flag(FLAGGED), Keyword("$Important"))),
        ("is:odd", (Text("is:odd"),)),
        ("has:attachment filename:A.pdf", (Structure(b'("attachment"'), Structure(b"a.pdf"))),
        ("has:odd", (Text("has:odd"),)),
        ("larger:2M size:5 smaller:1kb", (Larger(2 << 20), Larger(5), Smaller(1 << 10))),
        ("larger:x", (Text("larger:x"),)),
        (
            "after:2026/3/1 before:2026-04-02",
            (InternalDate(When.SINCE, date(2026, 3, 1)), InternalDate(When.BEFORE, date(2026, 4, 2))),
        ),
        ("newer:2026/2/30", (Text("newer:2026/2/30"),)),
        ("older_than:1y newer_than:2d", (Within(False, 365 * 86400), Within(True, 2 * 86400))),
        ("http://a", (Text("http://a"),)),
        ("a:b", (Text("a:b"),)),
    ],
)
def test_queries(query: str, keys: tuple[Key, ...]) -> None:
    assert query_key(query) == And(keys)


def test_labels() -> None:
    assert label_key("\\starred") == Flag(FLAGGED)
    assert label_key("\\Important") == Keyword("$Important")
    assert label_key("\\JUNK") == Label("\\Spam")
    assert label_key("foo") == Label("foo")
    assert label_key("\\odd") == Label("\\odd")


@given(st.text("ab:-(){}\"' ORANDfrom/") | st.text())
def test_any_query(query: str) -> None:
    assert isinstance(query_key(query), And)


def test_deep_queries() -> None:
    assert isinstance(query_key("(" * 20000 + "a" + ")" * 20000), And)


async def test_what_has_no_word() -> None:
    assert Structure.words() == ()
    with pytest.raises(NotImplementedError):
        await GmailId().among([], None)  # type: ignore[arg-type]
