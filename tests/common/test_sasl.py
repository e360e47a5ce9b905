"""SASL's mechanisms, step by step, and the BASE64 that carries them."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sasl import (
    CHECKED,
    UNCHECKED,
    Base64Error,
    CancelledError,
    CramMd5,
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
    assert [make("<1@x>").step(None) for make in CHECKED.values()] == [b"", b"Username:"]
    assert [(name, make("<1@x>").step(None)) for name, make in UNCHECKED.items()] == [
        ("PLAIN", b""),
        ("LOGIN", b"Username:"),
        ("CRAM-MD5", b"<1@x>"),
    ]


@pytest.mark.parametrize(
    ("message", "login"),
    [(b"\0alice\0secret", "alice"), (b"bob\0alice\0", "alice"), (b"\0\0", ""), (b"\0key\0x", "key")],
)
def test_unchecked_plain_takes_any_name(message: bytes, login: str) -> None:
    credentials = Plain(unchecked=True).step(message)
    assert isinstance(credentials, Credentials)
    assert credentials.login == login


@pytest.mark.parametrize("message", [b"", b"alice", b"a\0b", b"a\0b\0c\0d", b"\0\xff\0x"])
def test_unchecked_plain_still_has_its_form(message: bytes) -> None:
    with pytest.raises(MalformedError):
        Plain(unchecked=True).step(message)


# RFC 2195 §2: the example
def test_cram_md5() -> None:
    mechanism = CramMd5("<1896.697170952@postoffice.reston.mci.net>")
    assert mechanism.step(None) == b"<1896.697170952@postoffice.reston.mci.net>"
    assert mechanism.step(b"tim b913a602c7eda7a495b4e6e7334d3890") == Credentials("tim", "")


def test_the_name_of_cram_md5_may_have_spaces_and_may_be_empty() -> None:
    assert CramMd5("<1@x>").step(b"a b B913A602C7EDA7A495B4E6E7334D3890") == Credentials("a b", "")
    assert CramMd5("<1@x>").step(b" b913a602c7eda7a495b4e6e7334d3890") == Credentials("", "")


@pytest.mark.parametrize(
    "response",
    [b"", b"tim", b"tim b913", b"b913a602c7eda7a495b4e6e7334d3890", b"\xff b913a602c7eda7a495b4e6e7334d3890"],
)
def test_a_proof_of_another_form_is_refused(response: bytes) -> None:
    with pytest.raises(MalformedError):
        CramMd5("<1@x>").step(response)


def test_the_password_is_in_no_repr() -> None:
    assert "secret" not in repr(Credentials("alice", "secret"))


@given(st.binary(max_size=100))
def test_never_fails_otherwise(line: bytes) -> None:
    with contextlib.suppress(SaslError):
        plain(line)
