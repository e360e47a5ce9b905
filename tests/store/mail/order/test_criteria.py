"""What each criterion of SORT compares (RFC 5256 §3, RFC 5957 §3), of one ENVELOPE."""

from __future__ import annotations

import pytest

from postroad.mime.envelope import envelope
from postroad_store.mail.order.criteria import CRITERIA, SENT, SUBJECT

WORDS = {criterion.word: criterion for criterion in CRITERIA}


def compared(word: str, field: bytes | None) -> object:
    """Return what is compared of a message whose only field is the one that the criterion looks at."""
    name = word.removeprefix("DISPLAY").lower().encode()
    derived = WORDS[word].derived  # type: ignore[attr-defined]
    return derived.make(envelope([] if field is None else [(name, field)]))


@pytest.mark.parametrize("word", ["FROM", "TO", "CC"])
@pytest.mark.parametrize(
    ("field", "key"),
    [
        (b"Zed <joe@host>", b"JOE"),  # the mailbox, and neither name nor host
        (b"<@relay:joe@host>", b"JOE"),
        (b"joe@host, ann@host", b"JOE"),
        (b"team: ann@host;", b"TEAM"),  # RFC 5256 §3 takes the group's name, as ENVELOPE has it
        (b'"J\xc3\xb6 x" <a@host>', b"A"),
        (b"", b""),
        (None, b""),
    ],
)
def test_the_mailbox_name_of_the_first_address(word: str, field: bytes | None, key: bytes) -> None:
    assert compared(word, field) == key


@pytest.mark.parametrize("word", ["DISPLAYFROM", "DISPLAYTO"])
@pytest.mark.parametrize(
    ("field", "key"),
    [
        (b"Zed <joe@host>, ann@host", b"ZED"),
        (b"=?utf-8?q?Z=C3=A9d?= <joe@host>", "ZE\u0301D".encode()),
        (b"joe@host", b"JOE@HOST"),  # RFC 5957 §3: without a name, mailbox and host
        (b'"" <joe@host>', b"JOE@HOST"),
        (b"team: ann@host;", b"TEAM"),  # without a host, the mailbox alone
        (b"", b""),
        (None, b""),
    ],
)
def test_an_address_as_it_is_shown(word: str, field: bytes | None, key: bytes) -> None:
    assert compared(word, field) == key


def test_a_subject_is_compared_by_its_base_and_a_date_by_its_moment() -> None:
    assert SUBJECT.make(envelope([(b"subject", b"Re: [x] =?utf-8?q?H=C3=A9?= (fwd)")])) == "HE\u0301".encode()
    assert SUBJECT.make(envelope([])) == b""
    assert SUBJECT.make(envelope([(b"subject", b"x" * 9_999 + b"yz")])) == b"X" * 9_999 + b"Y"
    assert SENT.make(envelope([(b"date", b"Thu, 1 Jan 1970 01:00:05 +0100")])) == 5
    assert SENT.make(envelope([(b"date", b"never")])) is None
    assert SENT.make(envelope([])) is None


def test_each_criterion_has_its_own_key_which_never_changes_but_for_relevancy() -> None:
    assert {word for word, criterion in WORDS.items() if not criterion.lasting} == {"RELEVANCY"}
    derived = [criterion.derived for criterion in CRITERIA if hasattr(criterion, "derived")]
    assert len({criterion.name for criterion in derived}) == len(derived) == 6
    assert {word for word, criterion in WORDS.items() if criterion.extension == "SORT=DISPLAY"} == {
        "DISPLAYFROM",
        "DISPLAYTO",
    }
