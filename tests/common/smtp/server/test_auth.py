"""SASL as SMTP carries it: AUTH's argument, challenges, and the reply to each refusal."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from postroad.sasl.login import Login
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.sasl.plain import Plain
from postroad.smtp.server.auth import (
    AUTH_SYNTAX,
    CANCELLED,
    MALFORMED,
    NOT_BASE64,
    decode_initial,
    decode_response,
    encode_challenge,
    parse_auth,
    step,
)
from postroad.smtp.server.commands import CommandError

if TYPE_CHECKING:
    from postroad.mail.reply import Reply


def refusal(error: pytest.ExceptionInfo[CommandError]) -> Reply:
    return error.value.reply


@pytest.mark.parametrize(
    ("message", "login", "password"),
    [
        (b"\0alice\0secret", "alice", "secret"),
        (b"alice\0alice\0secret", "alice", "secret"),
        (b"Alice\0alice\0secret", "alice", "secret"),
        ("\0jürgen\0geheimß".encode(), "jürgen", "geheimß"),
    ],
)
def test_plain(message: bytes, login: str, password: str) -> None:
    mechanism = Plain()
    assert step(mechanism, None) == b""
    identity = message.split(b"\0")[0].decode()
    assert step(mechanism, message) == Claim("PLAIN", login, Password(password), identity)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (b"", MALFORMED),
        (b"alice", MALFORMED),
        (b"\0alice", MALFORMED),
        (b"\0\0secret", MALFORMED),
        (b"\0alice\0", MALFORMED),
        (b"\0alice\0secret\0more", MALFORMED),
        (b"\0\xff\0secret", MALFORMED),
    ],
)
def test_plain_refused(message: bytes, answer: Reply) -> None:
    with pytest.raises(CommandError) as error:
        step(Plain(), message)
    assert refusal(error) == answer


def test_login() -> None:
    mechanism = Login()
    assert step(mechanism, None) == b"Username:"
    assert step(mechanism, b"alice") == b"Password:"
    assert step(mechanism, "gehéim".encode()) == Claim("LOGIN", "alice", Password("gehéim"))


def test_login_with_initial_response() -> None:
    mechanism = Login()
    assert step(mechanism, b"alice") == b"Password:"
    assert step(mechanism, b"") == Claim("LOGIN", "alice", Password(""))


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Claim("PLAIN", "alice", Password("secret")))


@pytest.mark.parametrize(
    ("argument", "parsed"),
    [
        (b"PLAIN", ("PLAIN", None)),
        (b"plain", ("PLAIN", None)),
        (b"LOGIN =", ("LOGIN", b"")),
        (b"PLAIN AGEAYg==", ("PLAIN", b"\0a\0b")),
    ],
)
def test_parse(argument: bytes, parsed: tuple[str, bytes | None]) -> None:
    name, initial = parse_auth(argument)
    assert (name, decode_initial(initial)) == parsed


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        (b"", AUTH_SYNTAX),
        (b" PLAIN", AUTH_SYNTAX),
        (b"PLAIN ", AUTH_SYNTAX),
        (b"PLAIN AA== AA==", NOT_BASE64),
        (b"PLAIN *", CANCELLED),
    ],
)
def test_parse_refused(argument: bytes, answer: Reply) -> None:
    with pytest.raises(CommandError) as error:
        decode_initial(parse_auth(argument)[1])
    assert refusal(error) == answer


# RFC 4954 §4: "=AAA" and "AAA=BBB" are not allowed
@pytest.mark.parametrize(
    "line", [b"=AAA", b"AAA=BBB", b"AAA", b"AA=", b"A===", b"AA==AA==", b"AA A", b"AA\n", b"AAA-", b"="]
)
def test_not_base64(line: bytes) -> None:
    with pytest.raises(CommandError) as error:
        decode_response(line)
    assert refusal(error) == NOT_BASE64


@pytest.mark.parametrize("octets", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_base64(octets: bytes) -> None:
    assert decode_response(base64.b64encode(octets)) == octets


def test_challenge() -> None:
    assert encode_challenge(b"") == b"334 \r\n"
    assert encode_challenge(b"Username:") == b"334 VXNlcm5hbWU6\r\n"
