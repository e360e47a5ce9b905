"""Arguments of commands, by table. The dialogues show the same from the client's side."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad.mail.address import Address
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mail.reply import TOO_LARGE, Reply
from postroad.smtp.extensions import EXTENSIONS
from postroad.smtp.server.commands import (
    COMMAND_NOT_IMPLEMENTED,
    HELLO_SYNTAX,
    HTTP_SPOKEN,
    LINE_TOO_LONG,
    MAIL_SYNTAX,
    NO_ARGUMENT,
    NOT_ASCII,
    NOT_RECOGNIZED,
    PARAMETER_SYNTAX,
    RCPT_SYNTAX,
    RECIPIENT_NOT_ASCII,
    RECIPIENT_NOT_UTF8,
    SENDER_NOT_ASCII,
    SENDER_NOT_UTF8,
    UNKNOWN_PARAMETER,
    CommandError,
    full_mail,
    full_rcpt,
    no_argument,
    parse_hello,
    parse_mail,
    parse_parameters,
    parse_rcpt,
    unknown_command,
)
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.service import Limits, Purpose, Session
from tests.harness.sasl import nobodys

if TYPE_CHECKING:
    from collections.abc import Callable

A = Address("a", "alpha.test")
POSTMASTER = Address("postmaster", "mx.test")


def profile(*, auth: bool = True) -> Profile:
    return Profile(
        hostname="mx.test",
        limits=Limits(message_size=1000),
        postmaster=POSTMASTER,
        extensions=EXTENSIONS,
        starttls=True,
        sasl=nobodys("smtp") if auth else None,
    )


def session(*, extended: bool = True) -> Session:
    return Session(Purpose.SUBMISSION, ip_address("192.0.2.1"), 1, "1", extended=extended)


def mail(argument: bytes, *, extended: bool = True, auth: bool = True) -> Envelope:
    return parse_mail(argument, profile(auth=auth), session(extended=extended))


def rcpt(argument: bytes, *, smtputf8: bool = False) -> Recipient:
    return parse_rcpt(argument, profile(), session(), Envelope(None, smtputf8=smtputf8))


@pytest.mark.parametrize(
    ("argument", "envelope"),
    [
        (b"FROM:<>", Envelope(None)),
        (b"from:<a@alpha.test>", Envelope(A)),
        (b"FROM:<@b.test:a@alpha.test>", Envelope(A)),
        (b'FROM:<"> "@alpha.test>', Envelope(Address("> ", "alpha.test"))),
        (b'FROM:<"\\"> "@alpha.test>', Envelope(Address('"> ', "alpha.test"))),
        (b"FROM:<> SIZE=0", Envelope(None, declared_size=0)),
        (b"FROM:<> SIZE=1000", Envelope(None, declared_size=1000)),
        (b"FROM:<> body=7bit", Envelope(None, body=BodyType.SEVEN_BIT)),
        (b"FROM:<> BODY=8BITMIME SMTPUTF8", Envelope(None, body=BodyType.EIGHT_BIT_MIME, smtputf8=True)),
        ("FROM:<ü@ü.test> SMTPUTF8".encode(), Envelope(Address("ü", "ü.test"), smtputf8=True)),
        (b"FROM:<> AUTH=<>", Envelope(None)),
        (b"FROM:<> AUTH=e+3Dmc2@alpha.test", Envelope(None)),
    ],
)
def test_mail(argument: bytes, envelope: Envelope) -> None:
    assert mail(argument) == envelope


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        (b"", MAIL_SYNTAX),
        (b"FROM", MAIL_SYNTAX),
        (b"FROM:", MAIL_SYNTAX),
        (b"TO:<a@alpha.test>", MAIL_SYNTAX),
        (b"FROM: <a@alpha.test>", MAIL_SYNTAX),
        (b"FROM:<a@alpha.test", MAIL_SYNTAX),
        (b'FROM:<"a@alpha.test>', MAIL_SYNTAX),
        (b'FROM:<"a\\"@alpha.test>', MAIL_SYNTAX),
        (b"FROM:<a@alpha.test>x", MAIL_SYNTAX),
        (b"FROM:<a@alpha.test>> SIZE=1", MAIL_SYNTAX),
        (b"FROM:<\xff@alpha.test>", SENDER_NOT_UTF8),
        ("FROM:<ü@alpha.test>".encode(), SENDER_NOT_ASCII),
        ("FROM:<a@ü.test> SIZE=1".encode(), SENDER_NOT_ASCII),
        (b"FROM:<> SIZE=1001", TOO_LARGE),
        (b"FROM:<> SIZE=99999999999999999999", TOO_LARGE),
        (b"FROM:<> SIZE=999999999999999999999", PARAMETER_SYNTAX),
        (b"FROM:<> SIZE=-1", PARAMETER_SYNTAX),
        (b"FROM:<> SIZE=1\x0b", PARAMETER_SYNTAX),
        ("FROM:<> SIZE=²".encode(), PARAMETER_SYNTAX),
        (b"FROM:<> SIZE=", PARAMETER_SYNTAX),
        (b"FROM:<> SIZE=1=2", PARAMETER_SYNTAX),
        (b"FROM:<> BODY=", PARAMETER_SYNTAX),
        (b"FROM:<> BODY=BINARYMIME", PARAMETER_SYNTAX),
        (b"FROM:<> SMTPUTF8=yes", PARAMETER_SYNTAX),
        (b"FROM:<> AUTH", PARAMETER_SYNTAX),
        (b"FROM:<> AUTH=a+3d@alpha.test", PARAMETER_SYNTAX),
        (b"FROM:<> AUTH=<a@alpha.test>", PARAMETER_SYNTAX),
        (b"FROM:<> AUTH=nobody", PARAMETER_SYNTAX),
        (b"FROM:<> AUTH=a+20b@alpha.test", PARAMETER_SYNTAX),
        (b"FROM:<> RET=FULL", UNKNOWN_PARAMETER),
        (b"FROM:<> X", UNKNOWN_PARAMETER),
        (b"FROM:<>  X", PARAMETER_SYNTAX),
    ],
)
def test_mail_refused(argument: bytes, answer: Reply) -> None:
    with pytest.raises(CommandError) as error:
        mail(argument)
    assert error.value.reply == answer
    assert str(error.value) == str(answer)


def test_parameters_where_they_are_not_offered() -> None:
    with pytest.raises(CommandError) as error:
        mail(b"FROM:<> SIZE=1", extended=False)
    assert error.value.reply == UNKNOWN_PARAMETER
    with pytest.raises(CommandError) as error:
        mail(b"FROM:<> AUTH=<>", auth=False)
    assert error.value.reply == UNKNOWN_PARAMETER


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        (b"TO:<b@beta.test>", Address("b", "beta.test")),
        (b"to:<@a.test,@b.test:b@beta.test>", Address("b", "beta.test")),
        (b"TO:<Postmaster>", POSTMASTER),
        (b"TO:<POSTMASTER>", POSTMASTER),
        (b"TO:<postmaster@beta.test>", Address("postmaster", "beta.test")),
    ],
)
def test_rcpt(argument: bytes, address: Address) -> None:
    assert rcpt(argument) == Recipient(address)


@pytest.mark.parametrize(
    ("path", "local_part", "domain"),
    [("<ann>", "ann", "localhost"), ('<"a b">', "a b", "localhost"), ("<ann@alpha.test>", "ann", "alpha.test")],
)
def test_a_listener_may_have_a_domain_for_addresses_without_one(path: str, local_part: str, domain: str) -> None:
    lenient, address = replace(profile(), missing_domain="localhost"), Address(local_part, domain)
    assert parse_mail(f"FROM:{path}".encode(), lenient, session()) == Envelope(address)
    assert parse_rcpt(f"TO:{path}".encode(), lenient, session(), Envelope(None)) == Recipient(address)


def test_what_a_domain_does_not_mend() -> None:
    lenient = replace(profile(), missing_domain="localhost")
    assert parse_mail(b"FROM:<>", lenient, session()) == Envelope(None)
    assert parse_rcpt(b"TO:<postmaster>", lenient, session(), Envelope(None)) == Recipient(POSTMASTER)
    for argument in (b"TO:<>", b"TO:<a b>", b"TO:<a.>"):
        with pytest.raises(CommandError, match="Bad recipient address"):
            parse_rcpt(argument, lenient, session(), Envelope(None))


def test_rcpt_smtputf8() -> None:
    assert rcpt("TO:<ü@beta.test>".encode(), smtputf8=True) == Recipient(Address("ü", "beta.test"))


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        (b"", RCPT_SYNTAX),
        (b"TO: <b@beta.test>", RCPT_SYNTAX),
        (b"FROM:<b@beta.test>", RCPT_SYNTAX),
        (b"TO:<\xff@beta.test>", RECIPIENT_NOT_UTF8),
        ("TO:<ü@beta.test>".encode(), RECIPIENT_NOT_ASCII),
        (b"TO:<b@beta.test> NOTIFY=NEVER", UNKNOWN_PARAMETER),
        (b"TO:<b@beta.test> A A", PARAMETER_SYNTAX),
    ],
)
def test_rcpt_refused(argument: bytes, answer: Reply) -> None:
    with pytest.raises(CommandError) as error:
        rcpt(argument)
    assert error.value.reply == answer


def test_no_reply_quotes_utf8() -> None:
    with pytest.raises(CommandError) as error:
        rcpt("TO:<a@-ü.test>".encode(), smtputf8=True)
    assert error.value.reply.encode().isascii()


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        (b"client.test", "client.test"),
        (b"client.test.", "client.test."),
        (b"host_1", "host_1"),
        (b"x", "x"),
        (b"[192.0.2.1]", "[192.0.2.1]"),
        (b"[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        (b"[192.0.2.1] and more (so)", "[192.0.2.1]"),
        (b"[ipv6:::1]", "[ipv6:::1]"),
        (b"[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:192.0.2.1]"),
        (b"localhost", "localhost"),
        (b"_x._tcp.test", "_x._tcp.test"),
        (b"192.0.2.1", "192.0.2.1"),
        (b"x" * 63 + b".test", "x" * 63 + ".test"),
    ],
)
def test_hello(argument: bytes, name: str) -> None:
    assert parse_hello(argument) == name


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        (b"", HELLO_SYNTAX),
        (b"a b", HELLO_SYNTAX),
        (b"(comment)", HELLO_SYNTAX),
        (b"-x", HELLO_SYNTAX),
        (b"a;b", HELLO_SYNTAX),
        (b"[192.0.2.1", HELLO_SYNTAX),
        (b"[999.1.1.1]", HELLO_SYNTAX),
        (b"[192.0.2]", HELLO_SYNTAX),
        (b"[192.0.2.1.5]", HELLO_SYNTAX),
        (b"[]", HELLO_SYNTAX),
        (b"[::1]", HELLO_SYNTAX),
        (b"[IPv6:::g]", HELLO_SYNTAX),
        (b"[IPv6:192.0.2.1]", HELLO_SYNTAX),
        (b"[IPv6:fe80::1%eth0]", HELLO_SYNTAX),
        (b"[client.test]", HELLO_SYNTAX),
        (b"a..b", HELLO_SYNTAX),
        (b".a", HELLO_SYNTAX),
        (b"a..", HELLO_SYNTAX),
        (b".", HELLO_SYNTAX),
        (b"a.-b.test", HELLO_SYNTAX),
        (b"a-.test", HELLO_SYNTAX),
        (b"x" * 64 + b".test", HELLO_SYNTAX),
        (b"x." * 128, HELLO_SYNTAX),
        (b"x" * 256, HELLO_SYNTAX),
        (b"a\tb", HELLO_SYNTAX),
        (b"\xff", NOT_ASCII),
    ],
)
def test_hello_refused(argument: bytes, answer: Reply) -> None:
    with pytest.raises(CommandError) as error:
        parse_hello(argument)
    assert error.value.reply == answer


def test_no_argument() -> None:
    no_argument(b"")
    with pytest.raises(CommandError) as error:
        no_argument(b"x")
    assert error.value.reply == NO_ARGUMENT


def test_parameters() -> None:
    assert parse_parameters("a=B C-1 d=<x>") == {"A": "B", "C-1": None, "D": "<x>"}


def test_command_lines() -> None:
    assert profile().verbs[b"RCPT"].line == 512
    assert profile().verbs[b"MAIL"].line == 512 + 26 + 17 + 10 + 500


PATHS = st.text(alphabet='aB1.-_@"\\<> ü[]:,%=', max_size=20) | st.builds(
    "<{}{}@{}{}>".format,
    st.text(alphabet='aB1.-_"', max_size=3),
    st.text(alphabet="x", min_size=58, max_size=66),
    st.text(alphabet="y", min_size=58, max_size=64),
    st.lists(st.text(alphabet="zZ9-", max_size=63), max_size=4).map(
        lambda labels: "".join(f".{label}" for label in labels)
    ),
)


def outcome(parse: Callable[[], object]) -> object:
    """Return what a parser returns, or the reply that it refuses with."""
    try:
        return parse()
    except CommandError as error:
        return error.reply


@given(PATHS, st.sampled_from(["FROM:", "from:", "FROM :", "TO:"]))
@example("<a@b.test>", "FROM:")
@settings(max_examples=500)
def test_mail_in_its_plain_form_means_the_same_as_in_any(path: str, before: str) -> None:
    text = f"{before}{path} SMTPUTF8"
    assert outcome(lambda: mail(text.encode())) == outcome(lambda: Envelope(full_mail(text)[0], smtputf8=True))


@given(PATHS, st.sampled_from(["TO:", "to:", "TO :", "FROM:"]))
@example("<a@b.test>", "TO:")
@settings(max_examples=500)
def test_rcpt_in_its_plain_form_means_the_same_as_in_any(path: str, before: str) -> None:
    text = before + path
    assert outcome(lambda: rcpt(text.encode(), smtputf8=True)) == outcome(
        lambda: Recipient(full_rcpt(text, POSTMASTER)[0])
    )


def test_lines_that_are_no_command() -> None:
    # RFC 5321 §4.5.3.1.4: 512 octets with the CRLF; RFC 9110 §9: methods are case sensitive
    assert unknown_command(b"X", b"X " + b"y" * 508) is NOT_RECOGNIZED
    assert unknown_command(b"X", b"X " + b"y" * 509) is LINE_TOO_LONG
    assert unknown_command(b"X", b"X \xff" + b"y" * 509) is NOT_ASCII
    assert unknown_command(b"GET", b"GET / HTTP/1.1") is HTTP_SPOKEN
    assert unknown_command(b"get", b"get /") is NOT_RECOGNIZED
    for name in (b"BDAT", b"burl", b"ETRN", b"Send", b"SOML", b"SAML", b"TURN", b"ATRN"):
        assert unknown_command(name, name) is COMMAND_NOT_IMPLEMENTED, name
