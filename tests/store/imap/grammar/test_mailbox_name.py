from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.mailbox_name import NameInvalid, decode, decode_utf8, encode, is_normal


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"a", "a"),
        (b"inBox", "INBOX"),
        (b"INBOX/x", "INBOX/x"),
        (b"&-", "&"),
        (b"a&-b", "a&b"),
        (b"&AOQ-", "ä"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 §5.1.3
        (b"&Jjo-!", "☺!"),
        (b"&U,BTF2XlZyyKng-", "台北日本語"),
        (b"&2D3eAA-", "😀"),
    ],
)
def test_names(octets: bytes, name: str) -> None:
    assert decode(octets) == name
    if name != "INBOX":
        assert encode(name) == octets


@pytest.mark.parametrize(
    "octets",
    [
        b"&Jjo!",  # no shift back (RFC 3501 §5.1.3)
        b"&U,BTFw-&ZeVnLIqe-",  # a superfluous shift (ibid.)
        b"a&b",
        b"&",
        b"&AGE-",  # "a" can stand as itself
        b"&AOR-",  # bits left over
        b"&A-",
        b"&AO-",
        b"&2D0-",  # a lone surrogate
        b"&AOQ=-",
        b"\xc3\xa4",
        b"a\x01b",
        b"a\x7fb",
    ],
)
def test_refused(octets: bytes) -> None:
    with pytest.raises(NameInvalid):
        decode(octets)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_round_trip(name: str) -> None:
    assert decode(encode(name)) == ("INBOX" if name.isascii() and name.upper() == "INBOX" else name)


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"iNbox", "INBOX"),
        (b"a&b/&AOQ-", "a&b/&AOQ-"),  # nothing is shifted in UTF-8
        ("台北/日本語".encode(), "台北/日本語"),
        ("\u0131nbox".encode(), "\u0131nbox"),  # its capitals are INBOX in Unicode, but it is another name
        ("u\u0308".encode(), "u\u0308"),
    ],
)
def test_names_in_utf_8(octets: bytes, name: str) -> None:
    assert decode_utf8(octets) == name


@pytest.mark.parametrize(
    "octets", [b"\xff", b"\xed\xa0\x80", b"a\x01", b"a\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9"]
)
def test_no_names_in_utf_8(octets: bytes) -> None:
    with pytest.raises(NameInvalid):
        decode_utf8(octets)


def test_normal_names() -> None:
    assert is_normal("\u00fc")
    assert not is_normal("u\u0308")
