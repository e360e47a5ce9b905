"""XOAUTH2 and OAUTHBEARER, and tokens: those that are listed, and those that the stack has minted."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.clock import Clock
from postroad.sasl.mechanism import MalformedError
from postroad.sasl.oauth import Errors, _OAuth
from postroad.sasl.token import LONGEST, Grant, digest, mint, read, scopes_of
from postroad.world.realm import AccountRealm
from tests.common.sasl.place import ACCOUNTS, WORLD, begin, claim, find, proved
from tests.harness.sasl import KEY, NOW

ALICE = "alice@alpha.test"


def xoauth2(user: str, token: str) -> bytes:
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


def oauthbearer(user: str, token: str) -> bytes:
    return f"n,{f'a={user}' if user else ''},\x01host=mx.test\x01port=993\x01auth=Bearer {token}\x01\x01".encode()


@pytest.mark.parametrize(("name", "message"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
@pytest.mark.parametrize(
    ("service", "user", "token", "right"),
    [
        ("imap", ALICE, "whole", True),
        ("pop", ALICE, "whole", True),
        ("imap", ALICE, "imap", True),
        ("smtp", ALICE, "imap", False),
        ("imap", ALICE, "old", False),
        ("imap", ALICE, "young", True),
        ("imap", ALICE, "unknown", False),
        ("imap", ALICE, "", False),
        ("imap", "bob@beta.test", "unknown", False),
    ],
)
def test_who_is_who(name: str, message: Any, service: str, user: str, token: str, *, right: bool) -> None:
    exchange = begin(name, service=service)
    assert exchange.step(None) == b""
    claimed = claim(exchange.step(message(user, token)))
    assert (claimed.mechanism, claimed.identity) == (name, user)
    assert proved(claimed) is right
    assert exchange.judged(accepted=True) is None
    assert token not in repr(claimed) or not token


def test_the_token_says_who() -> None:
    claimed = claim(begin("OAUTHBEARER").step(oauthbearer("", "whole")))
    assert (claimed.login, claimed.identity, proved(claimed)) == (ALICE, "", True)
    claimed = claim(begin("OAUTHBEARER").step(oauthbearer("", "unknown")))
    assert (claimed.login, claimed.identity) == ("", "")
    claimed = claim(begin("XOAUTH2").step(xoauth2(ALICE, "bobs")))  # who may act for alice is asked next
    assert (claimed.login, claimed.identity, proved(claimed)) == ("bob@beta.test", ALICE, True)
    claimed = claim(begin("OAUTHBEARER").step(oauthbearer("a=2Cb=3Dc@alpha.test", "whole")))
    assert claimed.identity == "a,b=c@alpha.test"


def test_a_token_is_not_that_of_another_account() -> None:
    claimed = claim(begin("XOAUTH2").step(xoauth2(ALICE, "bobs")))
    assert not claimed.proof.proves(ACCOUNTS[ALICE])


# RFC 7628 §4: "Bearer" is case-insensitive; §4.3: an empty auth asks for the scope
@pytest.mark.parametrize(
    ("auth", "right"), [("bEARER whole", True), ("", False), ("Basic whole", False), ("Bearer", False)]
)
def test_schemes(auth: str, right: bool) -> None:
    answer = begin("OAUTHBEARER").step(f"n,a={ALICE},\x01auth={auth}\x01\x01".encode())
    assert proved(answer) is right


@pytest.mark.parametrize(
    ("token", "service", "errors", "expected"),
    [
        ("unknown", "imap", Errors.RFC, {"status": "invalid_token", "scope": "imap"}),
        ("old", "imap", Errors.RFC, {"status": "invalid_token", "scope": "imap"}),
        ("imap", "smtp", Errors.RFC, {"status": "insufficient_scope", "scope": "smtp"}),
        ("old", "imap", Errors.GMAIL, {"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}),
        ("old", "imap", Errors.EXCHANGE, None),
    ],
)
def test_errors(token: str, service: str, errors: Errors, expected: object) -> None:
    for name, message, dummy in (("XOAUTH2", xoauth2, b""), ("OAUTHBEARER", oauthbearer, b"\x01")):
        exchange = begin(name, service=service, errors=errors)
        assert exchange.judged(accepted=False) is None
        assert not proved(exchange.step(message(ALICE, token)))
        said = exchange.judged(accepted=False)
        assert (None if said is None else json.loads(said)) == expected
        exchange.end(dummy)


def test_gmail_word_for_word() -> None:
    exchange = begin("XOAUTH2", errors=Errors.GMAIL)
    exchange.step(xoauth2(ALICE, "x"))
    said = base64.b64encode(exchange.judged(accepted=False) or b"")
    assert said == b"eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ=="


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("XOAUTH2", b""),
        ("XOAUTH2", b"\x01"),
        ("XOAUTH2", b"user=a\x01auth=Bearer x\x01"),
        ("XOAUTH2", b"user=a\x01\x01"),
        ("XOAUTH2", b"user=\x01auth=Bearer x\x01\x01"),
        ("XOAUTH2", b"auth=Bearer x\x01x=y\x01\x01"),
        ("XOAUTH2", b"user=a\x01other=Bearer x\x01\x01"),
        ("XOAUTH2", b"user=\xff\x01auth=Bearer x\x01\x01"),
        ("OAUTHBEARER", b""),
        ("OAUTHBEARER", b"\x01"),
        ("OAUTHBEARER", b"n,a=x,\x01"),
        ("OAUTHBEARER", b"n,a=x,\x01auth=Bearer x\x01"),
        ("OAUTHBEARER", b"p=tls-exporter,a=x,\x01auth=Bearer x\x01\x01"),
        ("OAUTHBEARER", b"n,x,\x01auth=Bearer x\x01\x01"),
        ("OAUTHBEARER", b"n,a=a=41b,\x01auth=Bearer x\x01\x01"),
        ("OAUTHBEARER", b"n,a=x,\x01noequals\x01\x01"),
        ("OAUTHBEARER", b"n,a=x,\x01auth=Bearer \x7f\x01\x01"),
    ],
)
def test_messages_of_another_form(name: str, message: bytes) -> None:
    with pytest.raises(MalformedError):
        begin(name).step(message)


def test_each_has_its_own_form() -> None:
    exchange = _OAuth("X", begin("XOAUTH2")._context)  # type: ignore[attr-defined]
    with pytest.raises(NotImplementedError):
        exchange.step(b"")


class TestTokens:
    GRANT = Grant(ALICE, frozenset({"imap", "smtp"}), NOW + 60.0)

    def test_minted_and_read(self) -> None:
        token = mint(KEY, self.GRANT, now=NOW, unique="1")
        head = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        assert head == {"typ": "at+jwt", "alg": "HS256"}  # RFC 9068 §2.1
        assert read(KEY, token) == self.GRANT
        assert token == mint(KEY, self.GRANT, now=NOW, unique="1")
        assert token != mint(KEY, self.GRANT, now=NOW, unique="2")
        payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert payload == {
            "iss": "postroad",
            "sub": ALICE,
            "scope": "imap smtp",
            "iat": NOW,
            "jti": "1",
            "exp": NOW + 60,
        }
        forever = Grant(ALICE)
        assert read(KEY, mint(KEY, forever, now=NOW, unique="1")) == forever

    def test_it_logs_in(self) -> None:
        token = mint(KEY, self.GRANT, now=NOW, unique="1")
        assert proved(begin("XOAUTH2").step(xoauth2(ALICE, token)))
        assert not proved(begin("XOAUTH2", service="pop").step(xoauth2(ALICE, token)))

    def test_of_another_key(self) -> None:
        assert read(b"another", mint(KEY, self.GRANT, now=NOW, unique="1")) is None

    @given(st.integers(0, 400), st.sampled_from("aZ0-_."))
    def test_changed_in_one_place(self, at: int, character: str) -> None:
        token = mint(KEY, self.GRANT, now=NOW, unique="1")
        at %= len(token)
        changed = token[:at] + character + token[at + 1 :]
        assert read(KEY, changed) is None or changed == token

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b", "ä.b.c", "." * 10])
    def test_other_texts(self, token: str) -> None:
        assert read(KEY, token) is None

    @pytest.mark.parametrize(
        "signed",
        [
            "e30.e30",  # {} and {}
            "eyJhbGciOiJub25lIn0.e30",  # another algorithm
            "eyJhbGciOiJIUzI1NiJ9.W10",  # a list
            "eyJhbGciOiJIUzI1NiJ9.e30",
            "x.x",
            "e30",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwic2NvcGUiOiJhIiwiZXhwIjoieCJ9",  # exp: "x"
        ],
    )
    def test_signed_by_another_version(self, signed: str) -> None:
        signature = base64.urlsafe_b64encode(hmac.digest(KEY, signed.encode(), "sha256")).decode().rstrip("=")
        assert read(KEY, f"{signed}.{signature}") is None

    def test_scopes(self) -> None:
        assert scopes_of(["imap", "smtp"]) == {"imap", "smtp"}
        with pytest.raises(ValueError, match="there is no scope 'x'; there are imap, pop, smtp, sieve, mail"):
            scopes_of(["x"])
        with pytest.raises(ValueError, match="a token needs a scope"):
            scopes_of([])

    def test_the_realm_looks_at_no_long_text(self) -> None:
        realm = AccountRealm(find, lambda: WORLD, key=KEY, clock=Clock())
        assert realm.grant("") is None
        assert realm.grant("a" * (LONGEST + 1)) is None
        assert realm.grant("whole") == Grant(ALICE)
        assert digest("whole") in WORLD.tokens
        assert realm.administrators == frozenset()
