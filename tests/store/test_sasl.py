"""SASL PLAIN on one line."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.sasl import Credentials, SaslError, decode_plain


def encode(text: str) -> bytes:
    return base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("line", "credentials"),
    [
        (b"AGFsaWNlAHNlY3JldA==", Credentials("alice", "secret")),
        (encode("alice\0alice\0secret"), Credentials("alice", "secret")),
        (encode("ALICE\0alice\0secret"), Credentials("alice", "secret")),
        (encode("\0älice\0pä sswörd"), Credentials("älice", "pä sswörd")),
    ],
)
def test_good(line: bytes, credentials: Credentials) -> None:
    assert decode_plain(line) == credentials


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"*", "Authentication cancelled"),
        (b"", "Response is not as PLAIN wants it"),
        (b"=AAA", "Response is not BASE64"),
        (b"AAA=BBB=", "Response is not BASE64"),
        (b"AGFsaWNl AHNlY3JldA==", "Response is not BASE64"),
        (b"AGE", "Response is not BASE64"),
        (b"AGFs\n", "Response is not BASE64"),
        (base64.b64encode(b"\0\xff\0x"), "Response is not UTF-8"),
        (encode("alice\0secret"), "Response is not as PLAIN wants it"),
        (encode("\0alice\0"), "Response is not as PLAIN wants it"),
        (encode("\0\0secret"), "Response is not as PLAIN wants it"),
        (encode("\0a\0b\0c"), "Response is not as PLAIN wants it"),
        (encode("bob\0alice\0secret"), "Nobody may act for another"),
    ],
)
def test_bad(line: bytes, why: str) -> None:
    with pytest.raises(SaslError, match=why):
        decode_plain(line)


def test_the_password_is_in_no_repr() -> None:
    assert "secret" not in repr(Credentials("alice", "secret"))


@given(st.binary(max_size=100))
def test_never_fails_otherwise(line: bytes) -> None:
    with contextlib.suppress(SaslError):
        decode_plain(line)
