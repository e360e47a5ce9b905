"""SASL's mechanisms, step by step, and the BASE64 that carries them."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sasl import (
    MECHANISMS,
    Base64Error,
    CancelledError,
    Credentials,
    Login,
    MalformedError,
    NotAuthorizedError,
    Plain,
    SaslError,
    decode_response,
)


def plain(line: bytes) -> bytes | Credentials:
    """Take PLAIN's one response as it stands on its line."""
    return Plain().step(decode_response(line))


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
    assert plain(line) == credentials


@pytest.mark.parametrize(
    ("line", "error", "why"),
    [
        (b"*", CancelledError, "Authentication cancelled"),
        (b"", MalformedError, "Response is not as PLAIN wants it"),
        (b"=AAA", Base64Error, "Response is not BASE64"),
        (b"AAA=BBB=", Base64Error, "Response is not BASE64"),
        (b"AGFsaWNl AHNlY3JldA==", Base64Error, "Response is not BASE64"),
        (b"AGE", Base64Error, "Response is not BASE64"),
        (b"AGFs\n", Base64Error, "Response is not BASE64"),
        (base64.b64encode(b"\0\xff\0x"), MalformedError, "Response is not UTF-8"),
        (encode("alice\0secret"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("\0alice\0"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("\0\0secret"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("\0a\0b\0c"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("bob\0alice\0secret"), NotAuthorizedError, "Nobody may act for another"),
    ],
)
def test_bad(line: bytes, error: type[SaslError], why: str) -> None:
    with pytest.raises(error, match=why):
        plain(line)


def test_plain_asks_for_its_message() -> None:
    assert Plain().step(None) == b""


def test_login_asks_twice() -> None:
    mechanism = Login()
    assert mechanism.step(None) == b"Username:"
    assert mechanism.step(b"alice") == b"Password:"
    assert mechanism.step("gehéim".encode()) == Credentials("alice", "gehéim")


def test_mechanisms_by_name() -> None:
    assert [make().step(None) for make in MECHANISMS.values()] == [b"", b"Username:"]


def test_the_password_is_in_no_repr() -> None:
    assert "secret" not in repr(Credentials("alice", "secret"))


@given(st.binary(max_size=100))
def test_never_fails_otherwise(line: bytes) -> None:
    with contextlib.suppress(SaslError):
        plain(line)
