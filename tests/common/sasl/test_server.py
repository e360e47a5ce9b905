"""Which mechanisms are offered, and by which rules."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from postroad.config import ConfigError, Settings
from postroad.sasl.channel import END_POINT, EXPORTER, PLAINTEXT, UNIQUE, Channel, Encrypted
from postroad.sasl.offer import UnknownMechanism
from postroad.sasl.server import CHECKED, UNCHECKED, Sasl, Unavailable
from postroad.sasl.settings import asks_for_certificates, nonce, sasl_of
from tests.common.sasl.place import WORLD, claim, find
from tests.harness.sasl import TLS, nobodys, sasl

SENT = ("PLAIN", "LOGIN")
PROVED = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
SHOWN = ("XOAUTH2", "OAUTHBEARER")


def service(*forms: str, **settings: object) -> Sasl:
    world = replace(WORLD, forms=frozenset(forms))
    return sasl("imap", find, lambda: world, **settings)


@pytest.mark.parametrize(
    ("forms", "channel", "plaintext_auth", "expected"),
    [
        (["plain"], PLAINTEXT, False, PROVED),
        (["plain"], PLAINTEXT, True, (*SENT, *PROVED, *SHOWN)),
        (["plain"], Encrypted({}), False, (*SENT, *PROVED, *SHOWN)),
        (["scrypt"], PLAINTEXT, False, ()),
        (["scrypt"], Encrypted({}), False, (*SENT, *SHOWN)),
        (["sha256"], PLAINTEXT, False, ("SCRAM-SHA-256",)),
        (["sha1", "scrypt"], PLAINTEXT, False, ("SCRAM-SHA-1",)),
        (["sha256"], Encrypted({UNIQUE: b"x"}), False, (*SENT, "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", *SHOWN)),
        (["sha256"], Encrypted({EXPORTER: b"x"}), False, (*SENT, "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", *SHOWN)),
        (["sha256"], Encrypted({END_POINT: b"x"}), False, (*SENT, "SCRAM-SHA-256", *SHOWN)),  # RFC 9266 §3
        (["scrypt"], Encrypted({}, ("a@alpha.test",)), False, (*SENT, *SHOWN, "EXTERNAL")),
    ],
)
def test_offered(forms: list[str], channel: Channel, plaintext_auth: bool, expected: tuple[str, ...]) -> None:
    assert service(*forms, plaintext_auth=plaintext_auth).offered(channel) == expected


def test_hidden() -> None:
    offered = service("plain", hidden=["cram-md5", "XOAUTH2", "SCRAM-SHA-256-PLUS"]).offered(TLS)
    assert offered == ("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "OAUTHBEARER")
    with pytest.raises(UnknownMechanism, match="there is no SASL mechanism NTLM; there are PLAIN, LOGIN, CRAM-MD5"):
        service("plain", hidden=["NTLM"])


@pytest.mark.parametrize(
    ("name", "channel", "private"),
    [
        ("PLAIN", PLAINTEXT, True),
        ("XOAUTH2", PLAINTEXT, True),
        ("NTLM", TLS, False),
        ("EXTERNAL", TLS, False),
        ("CRAM-MD5", TLS, False),
        ("SCRAM-SHA-256-PLUS", PLAINTEXT, False),
    ],
)
def test_unavailable(name: str, channel: Channel, private: bool) -> None:
    with pytest.raises(Unavailable) as unavailable:
        service("scrypt").begin(name, channel)
    assert unavailable.value.private is private


def test_where_names_are_taken_at_their_word() -> None:
    server = nobodys("smtp", UNCHECKED)
    assert claim(server.begin("PLAIN", PLAINTEXT).step(b"bob\0alice\0")).login == "alice"
    assert server.offered(PLAINTEXT) == ("PLAIN", "LOGIN", "CRAM-MD5")
    assert [server.begin(name, PLAINTEXT).step(None) for name in server.offered(PLAINTEXT)] == [
        b"",
        b"Username:",
        b"<1@mx.test>",
    ]


def test_a_plaintext_channel_knows_nothing() -> None:
    assert not PLAINTEXT.secure
    assert not PLAINTEXT.binds
    assert PLAINTEXT.logins == ()
    assert PLAINTEXT.binding(EXPORTER) is None


def test_settings() -> None:
    realm = service("plain").realm
    settings = Settings.from_environ({"POSTROAD_SASL_WITHOUT": "external,LOGIN"})
    assert not asks_for_certificates(settings)
    assert asks_for_certificates(Settings.from_environ({}))
    assert sasl_of(settings, "imap", realm, "mx.test").offered(Encrypted({}))[0:2] == ("PLAIN", "CRAM-MD5")
    assert nonce() != nonce()
    with pytest.raises(ConfigError, match="POSTROAD_SASL_WITHOUT=NTLM: there is no SASL mechanism NTLM"):
        sasl_of(Settings.from_environ({"POSTROAD_SASL_WITHOUT": "NTLM"}), "imap", realm, "mx.test")


def test_every_mechanism_names_its_source() -> None:
    sources = [mechanism.rfc for mechanism in (*CHECKED, *UNCHECKED)]
    assert [source for source in sources if not re.fullmatch(r"RFC \d{4}( appendix A)?", source)] == [
        "draft-murchison-sasl-login",
        "Google's XOAUTH2",
        "draft-murchison-sasl-login",
    ]
