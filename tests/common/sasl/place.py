"""Accounts for the tests of SASL, and what the mechanisms ask of a service."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from postroad.mail.address import Address
from postroad.sasl.channel import PLAINTEXT, Channel
from postroad.sasl.mechanism import Claim
from postroad.sasl.scram_hash import Salted, ScramHash
from postroad.sasl.token import Grant, digest
from postroad.world.secret import hash_password
from postroad.world.world import Account, World
from tests.harness.sasl import NOW, sasl

if TYPE_CHECKING:
    from postroad.sasl.mechanism import Exchange

SCRAM = str(ScramHash.derive("hashed", "sha256", Salted(b"salt of the test")))
SECRETS = {
    "alice@alpha.test": "wonderland",
    "bob@beta.test": SCRAM,
    "carol@alpha.test": hash_password("rainbow", salt=b"salt of the test"),
    "dan@alpha.test": "",
    "a,b=c@alpha.test": "comma",
    "user": "pencil",
}
ACCOUNTS = {
    login: Account(Address(login.partition("@")[0], login.partition("@")[2] or "alpha.test"), secret)
    for login, secret in SECRETS.items()
}
TOKENS = {
    digest("whole"): Grant("alice@alpha.test"),
    digest("imap"): Grant("alice@alpha.test", frozenset({"imap"})),
    digest("old"): Grant("alice@alpha.test", expires=NOW),
    digest("young"): Grant("alice@alpha.test", expires=NOW + 1),
    digest("bobs"): Grant("bob@beta.test"),
}
WORLD = World(IPv4Network("127.0.0.0/24"), {}, {}, tokens=TOKENS, forms=frozenset({"plain", "scrypt", "sha256"}))


def find(login: str) -> Account | None:
    return ACCOUNTS.get(login.casefold())


def begin(name: str, channel: Channel = PLAINTEXT, *, service: str = "imap", **settings: Any) -> Exchange:
    """Begin an exchange."""
    return sasl(service, find, lambda: WORLD, **({"plaintext_auth": True} | settings)).begin(name, channel)


def claim(answer: bytes | Claim) -> Claim:
    assert isinstance(answer, Claim)
    return answer


def challenge(answer: bytes | Claim) -> bytes:
    assert isinstance(answer, bytes)
    return answer


def proved(answer: bytes | Claim) -> bool:
    """Whether the claim is that of an account."""
    claimed = claim(answer)
    account = find(claimed.login)
    assert account is None or claimed.proof.is_quick(account) or claimed.mechanism in {"PLAIN", "LOGIN"}
    return account is not None and claimed.proof.proves(account)
