from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.grammar.mailbox_name import NameInvalid, decode, encode


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
    assert decode(encode(name)) == ("INBOX" if name.upper() == "INBOX" else name)
