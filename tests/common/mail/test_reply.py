"""Replies and enhanced status codes on the wire."""

from __future__ import annotations

import pytest

from postroad.mail import reply as replies
from postroad.mail.reply import OK, EnhancedStatus, Reply, reply


@pytest.mark.parametrize(
    ("answer", "octets"),
    [
        (reply(250, "2.0.0", "OK"), b"250 2.0.0 OK\r\n"),
        (reply(354, None, "Go"), b"354 Go\r\n"),
        (reply(250, "2.0.0"), b"250 2.0.0 \r\n"),
        (reply(214, "2.0.0", "one", "two"), b"214-2.0.0 one\r\n214 2.0.0 two\r\n"),
        (reply(250, None, "mx.test", "SIZE 1", "HELP"), b"250-mx.test\r\n250-SIZE 1\r\n250 HELP\r\n"),
    ],
)
def test_encode(answer: Reply, octets: bytes) -> None:
    assert answer.encode() == octets
    assert answer.encode() is answer.encode()


@pytest.mark.parametrize("text", ["2.0.0", "5.7.11", "4.999.999"])
def test_status(text: str) -> None:
    status = EnhancedStatus.parse(text)
    assert status is not None
    assert str(status) == text


@pytest.mark.parametrize("text", ["", "2.0", "3.0.0", "2.0.0.0", "2.x.0", "2.0.1000", "2..0", "2.².0", "-2.0.0"])
def test_no_status(text: str) -> None:
    assert EnhancedStatus.parse(text) is None


@pytest.mark.parametrize("line", ["a\r\n250 OK", "a\n", "\r"])
def test_no_line_end_gets_into_a_reply(line: str) -> None:
    with pytest.raises(ValueError, match="CR or LF"):
        reply(550, "5.0.0", line)


def test_equality_ignores_what_was_encoded() -> None:
    OK.encode()
    assert reply(250, "2.0.0", "OK") == OK
    assert hash(reply(250, "2.0.0", "OK")) == hash(OK)
    assert "_octets" not in repr(OK)


def test_severity() -> None:
    assert OK.is_success
    assert reply(354, None).is_success
    assert not reply(450, None).is_success
    assert reply(450, None).is_transient
    assert not reply(550, None).is_transient
    assert not OK.is_transient


def test_str() -> None:
    assert str(reply(550, "5.1.1", "No", "user")) == "550 5.1.1 No user"
    assert str(reply(220, None, "hi")) == "220 hi"


def test_named_replies_agree_with_themselves() -> None:
    named = [value for value in vars(replies).values() if isinstance(value, Reply)]
    assert len(named) > 10
    for answer in named:
        # RFC 2034 §4: the class of the status is the first digit of the code
        assert answer.status is None or answer.status.klass == answer.code // 100
        assert all(len(line) <= 512 for line in answer.encode().split(b"\r\n"))


@pytest.mark.parametrize(
    ("code", "success", "transient"),
    [(250, True, False), (399, True, False), (400, False, True), (499, False, True), (500, False, False)],
)
def test_what_the_first_digit_says(code: int, success: bool, transient: bool) -> None:
    answer = reply(code, None, "text")
    assert (answer.is_success, answer.is_transient) == (success, transient)
