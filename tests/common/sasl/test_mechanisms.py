"""PLAIN, LOGIN, CRAM-MD5 and EXTERNAL, step by step, and the BASE64 that carries them."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mail.address import parse_address
from postroad.sasl.channel import Encrypted
from postroad.sasl.cram_md5 import CramMd5
from postroad.sasl.digest import Digest, apop, cram_md5
from postroad.sasl.mechanism import (
    LONGEST_NAME,
    MAX_RESPONSE,
    NO_PROOF,
    Base64Error,
    CancelledError,
    Claim,
    Exchange,
    MalformedError,
    SaslError,
    decode_response,
    identities,
)
from postroad.sasl.password import Password
from postroad.sasl.plain import Plain
from postroad.world.world import Account
from tests.common.sasl.place import ACCOUNTS, begin, challenge, claim, find, proved
from tests.harness.sasl import TLS


def plain(line: bytes) -> bytes | Claim:
    """Take PLAIN's one response as it stands on its line."""
    return Plain().step(decode_response(line))


def encode(text: str) -> bytes:
    return base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"AGFsaWNlAHNlY3JldA==", Claim("PLAIN", "alice", Password("secret"))),
        (encode("alice\0alice\0secret"), Claim("PLAIN", "alice", Password("secret"), "alice")),
        (encode("bob\0alice\0secret"), Claim("PLAIN", "alice", Password("secret"), "bob")),
        (encode("\0älice\0pä sswörd"), Claim("PLAIN", "älice", Password("pä sswörd"))),
    ],
)
def test_good(line: bytes, expected: Claim) -> None:
    assert plain(line) == expected


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
        (b"A" * (MAX_RESPONSE + 4), MalformedError, "Response is too long"),
        (base64.b64encode(b"\0\xff\0x"), MalformedError, "Response is not UTF-8"),
        (encode("alice\0secret"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("\0alice\0"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("\0\0secret"), MalformedError, "Response is not as PLAIN wants it"),
        (encode("\0a\0b\0c"), MalformedError, "Response is not as PLAIN wants it"),
    ],
)
def test_bad(line: bytes, error: type[SaslError], why: str) -> None:
    with pytest.raises(error, match=why):
        plain(line)


def test_plain_asks_for_its_message() -> None:
    assert begin("PLAIN").step(None) == b""
    assert proved(begin("PLAIN").step(b"\0alice@alpha.test\0wonderland"))
    assert not proved(begin("PLAIN").step(b"\0alice@alpha.test\0wunderland"))


def test_login_asks_twice() -> None:
    exchange = begin("LOGIN")
    assert exchange.step(None) == b"Username:"
    assert exchange.step(b"alice") == b"Password:"
    assert exchange.step("gehéim".encode()) == Claim("LOGIN", "alice", Password("gehéim"))


@pytest.mark.parametrize(
    ("message", "login"),
    [(b"\0alice\0secret", "alice"), (b"bob\0alice\0", "alice"), (b"\0\0", ""), (b"\0key\0x", "key")],
)
def test_unchecked_plain_takes_any_name(message: bytes, login: str) -> None:
    assert claim(Plain(unchecked=True).step(message)).login == login


@pytest.mark.parametrize("message", [b"", b"alice", b"a\0b", b"a\0b\0c\0d", b"\0\xff\0x"])
def test_unchecked_plain_still_has_its_form(message: bytes) -> None:
    with pytest.raises(MalformedError):
        Plain(unchecked=True).step(message)


# RFC 2195 §2: the example
def test_cram_md5() -> None:
    mechanism = CramMd5("<1896.697170952@postoffice.reston.mci.net>")
    assert mechanism.step(None) == b"<1896.697170952@postoffice.reston.mci.net>"
    claimed = claim(mechanism.step(b"tim b913a602c7eda7a495b4e6e7334d3890"))
    assert claimed.login == "tim"
    assert claimed.proof.proves(Account(parse_address("tim@alpha.test"), "tanstaaftanstaaf"))
    assert "b913" not in repr(claimed)


# RFC 1939 §7: the example
def test_apop() -> None:
    assert apop(b"<1896.697170952@dbc.mtview.ca.us>", b"tanstaaf") == "c4c9334bac560ecc979e58001b3e22fb"


def test_cram_md5_of_an_account() -> None:
    exchange = begin("CRAM-MD5")
    asked = challenge(exchange.step(None))
    assert proved(exchange.step(b"alice@alpha.test " + cram_md5(asked, b"wonderland").encode()))
    assert proved(exchange.step(b"alice@alpha.test " + cram_md5(asked, b"wonderland").upper().encode()))
    assert not proved(exchange.step(b"alice@alpha.test " + cram_md5(asked, b"wunderland").encode()))


@pytest.mark.parametrize("login", ["bob@beta.test", "carol@alpha.test", "dan@alpha.test"])
def test_a_digest_proves_nothing_where_the_password_is_not_known(login: str) -> None:
    account = ACCOUNTS[login]
    assert not Digest(cram_md5, b"<1@x>", cram_md5(b"<1@x>", account.secret.encode())).proves(account)


@pytest.mark.parametrize(
    ("secret", "typed"), [("I\u00adX", "IX"), ("I\u00adX", "I\u00adX"), ("\u0627\u0031", "\u06271")]
)
def test_a_digest_is_that_of_the_password_prepared_or_as_it_is(secret: str, typed: str) -> None:
    account = Account(parse_address("a@alpha.test"), secret)
    assert Digest(apop, b"<1@x>", apop(b"<1@x>", typed.encode())).proves(account)


def test_the_name_of_cram_md5_may_have_spaces_and_may_be_empty() -> None:
    for response, login in (
        (b"a b B913A602C7EDA7A495B4E6E7334D3890", "a b"),
        (b" b913a602c7eda7a495b4e6e7334d3890", ""),
    ):
        exchange = CramMd5("<1@x>")
        exchange.step(None)
        assert claim(exchange.step(response)).login == login


@pytest.mark.parametrize(
    "response",
    [b"", b"tim", b"tim b913", b"b913a602c7eda7a495b4e6e7334d3890", b"\xff b913a602c7eda7a495b4e6e7334d3890"],
)
def test_a_proof_of_another_form_is_refused(response: bytes) -> None:
    exchange = CramMd5("<1@x>")
    exchange.step(None)
    with pytest.raises(MalformedError):
        exchange.step(response)


def test_cram_md5_takes_no_initial_response() -> None:
    with pytest.raises(MalformedError, match="no initial response"):
        begin("CRAM-MD5").step(b"tim b913a602c7eda7a495b4e6e7334d3890")


ALICES = Encrypted({}, ("alice@alpha.test", "info@alpha.test"))


@pytest.mark.parametrize(
    ("identity", "login", "wanted", "right"),
    [
        (b"", "alice@alpha.test", "", True),
        (b"alice@alpha.test", "alice@alpha.test", "", True),
        (b"ALICE@alpha.test", "ALICE@alpha.test", "", True),
        (
            b"bob@beta.test",
            "alice@alpha.test",
            "bob@beta.test",
            True,
        ),  # she is alice; whether she may act for bob is asked next
        (b"nobody@alpha.test", "alice@alpha.test", "nobody@alpha.test", True),
    ],
)
def test_external(identity: bytes, login: str, wanted: str, right: bool) -> None:
    exchange = begin("EXTERNAL", ALICES)
    assert exchange.step(None) == b""
    claimed = claim(exchange.step(identity))
    assert (claimed.mechanism, claimed.login, claimed.identity, proved(claimed)) == ("EXTERNAL", login, wanted, right)


def test_a_certificate_of_somebody_else_proves_nothing() -> None:
    exchange = begin("EXTERNAL", Encrypted({}, ("nobody@alpha.test",)))
    claimed = claim(exchange.step(b""))
    assert not claimed.proof.proves(ACCOUNTS["alice@alpha.test"])


def test_external_takes_no_nul() -> None:
    with pytest.raises(MalformedError):
        begin("EXTERNAL", ALICES).step(b"a\0b")


def test_nothing_proves_nobody() -> None:
    assert NO_PROOF.is_quick(ACCOUNTS["alice@alpha.test"])
    assert not NO_PROOF.proves(ACCOUNTS["alice@alpha.test"])


def test_the_last_response_is_empty() -> None:
    exchange = begin("PLAIN")
    assert exchange.judged(accepted=True) is None
    exchange.end(b"")
    with pytest.raises(MalformedError):
        exchange.end(b"x")
    with pytest.raises(NotImplementedError):
        Exchange().step(None)


@pytest.mark.parametrize(
    ("login", "identity", "expected"),
    [
        ("alice", "", ("alice", "")),
        ("alice", "bob", ("alice", "bob")),
        ("bob@beta.test*postmaster@postroad.test", "", ("postmaster@postroad.test", "bob@beta.test")),
        ("bob@beta.test*postmaster@postroad.test", "x", ("bob@beta.test*postmaster@postroad.test", "x")),
        ("a*b@beta.test", "", ("a*b@beta.test", "")),
        ("bob@beta.test*postmaster", "", ("bob@beta.test*postmaster", "")),
    ],
)
def test_identities(login: str, identity: str, expected: tuple[str, str]) -> None:
    assert identities(login, identity) == expected


def test_what_is_noted_of_a_claim() -> None:
    assert Claim("PLAIN", "a", Password("secret"), "b").facts == {"login": "a", "mechanism": "PLAIN", "identity": "b"}
    assert len(Claim("PLAIN", "a" * 1000, NO_PROOF).facts["login"]) == LONGEST_NAME
    assert "secret" not in repr(Claim("PLAIN", "a", Password("secret")))


@given(st.binary(max_size=100))
def test_never_fails_otherwise(line: bytes) -> None:
    with contextlib.suppress(SaslError):
        plain(line)


@given(
    st.sampled_from(["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"]),
    st.lists(st.binary(max_size=60) | st.text("npy,=arc\x01 \0user@", max_size=40).map(str.encode), max_size=4),
)
def test_no_response_does_more_than_the_contract_says(name: str, responses: list[bytes]) -> None:
    channel = Encrypted({"tls-exporter": b"x"}, ("alice@alpha.test",)) if name != "EXTERNAL" else ALICES
    exchange = begin(name, channel)
    with contextlib.suppress(SaslError):
        for response in responses:
            answer = exchange.step(response)
            if isinstance(answer, Claim):
                account = find(answer.login)
                if account is not None:
                    assert not answer.proof.proves(account) or name == "EXTERNAL"
                exchange.judged(accepted=False)
                break


def test_tls_is_a_channel() -> None:
    assert TLS.secure
    assert TLS.binds
    assert TLS.logins == ()
