"""Base subjects: the table, and a slow reading of RFC 5256 §2.1 that Hypothesis compares."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.order.subject import base_subject

TABLE = [
    ("hello", "hello", False),
    ("  hello \t ", "hello", False),
    ("a\tb  c\r\n d", "a b c d", False),
    ("Re: hello", "hello", True),
    ("RE:hello", "hello", True),
    ("re : hello", "hello", True),
    ("Fw: hello", "hello", True),
    ("fwd: hello", "hello", True),
    ("fwd hello", "fwd hello", False),
    ("rebar: hello", "rebar: hello", False),
    ("re[2]: hello", "hello", True),
    ("re [2] : hello", "hello", True),
    ("[list] hello", "hello", False),
    ("[list] Re: hello", "hello", True),
    ("[a][b] [c] Re: hello", "hello", True),
    ("Re: [list] Re: hello", "hello", True),
    ("[a] [b]", "[b]", False),
    ("[a]", "[a]", False),
    ("Re: [a]", "[a]", True),
    ("[a] Re:", "", True),
    ("[a] (fwd)", "[a]", True),
    ("[a [b] c", "[a [b] c", False),
    ("a] b", "a] b", False),
    ("hello (fwd)", "hello", True),
    ("hello (FWD) (fwd) ", "hello", True),
    ("hello (fwd) there", "hello (fwd) there", False),
    ("[fwd: hello]", "hello", True),
    ("[FWD: re: [x] hello (fwd)]", "hello", True),
    ("[fwd: [fwd: hello]]", "hello", True),
    ("[fwd: hello] there", "there", False),
    ("re: [fwd: hello] (fwd)", "hello", True),
    ("[fwd:]", "", True),
    ("[fwd:", "[fwd:", False),
    ("Re: ", "", True),
    ("(fwd)", "", True),
    ("", "", False),
    ("   ", "", False),
    ("Ré: x", "Ré: x", False),
]


@pytest.mark.parametrize(("subject", "base", "reply"), TABLE)
def test_base_subject(subject: str, base: str, reply: bool) -> None:
    assert base_subject(subject) == (base, reply)


BLOB = r"\[[^\[\]]*\] *"
REFWD = rf"(?:re|fwd?) *(?:{BLOB})?:"
TRAILER = re.compile(r"(?:\(fwd\)| )\Z", re.IGNORECASE)
LEADER = re.compile(rf"(?:(?:{BLOB})*{REFWD}| )", re.IGNORECASE)


def slowly(subject: str) -> str:
    """Follow the steps of RFC 5256 §2.1 one by one."""
    text = re.sub(r"[ \t\r\n]+", " ", subject)
    while True:
        while match := TRAILER.search(text):
            text = text[: match.start()]
        while True:
            before = text
            if match := LEADER.match(text):
                text = text[match.end() :]
            if (match := re.match(BLOB, text)) and text[match.end() :]:
                text = text[match.end() :]
            if text == before:
                break
        if not (text.lower().startswith("[fwd:") and text.endswith("]")):
            return text
        text = text[5:-1]


PIECES = st.sampled_from(["re", "Fw", "fwd", ":", " ", "  ", "[", "]", "[x]", "(fwd)", "[fwd:", "a", "hello", "\t"])


@given(st.lists(PIECES, max_size=14).map("".join))
def test_it_is_what_the_steps_give(subject: str) -> None:
    assert base_subject(subject).text == slowly(subject)


@pytest.mark.parametrize("piece", ["[a]", "(fwd)", "re:", "[fwd:", "[", "]", " ", "re [a] "])
def test_a_subject_of_a_megabyte(piece: str) -> None:
    base_subject(piece * 200_000)
    base_subject(piece * 100_000 + "]" * 100_000)
