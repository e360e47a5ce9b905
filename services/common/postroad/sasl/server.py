"""The mechanisms of one service, as its protocol asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.sasl.cram_md5 import CRAM_MD5, UNCHECKED_CRAM_MD5
from postroad.sasl.external import EXTERNAL
from postroad.sasl.login import LOGIN, UNCHECKED_LOGIN
from postroad.sasl.mechanism import Context
from postroad.sasl.oauth import ERRORS, OAUTHBEARER, XOAUTH2, Errors
from postroad.sasl.offer import Mechanism, Needs, without
from postroad.sasl.plain import PLAIN, UNCHECKED_PLAIN
from postroad.sasl.scram import SCRAM_SHA_1, SCRAM_SHA_1_PLUS, SCRAM_SHA_256, SCRAM_SHA_256_PLUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.sasl.channel import Channel
    from postroad.sasl.mechanism import Exchange, Realm

# In the order in which they are offered. Old clients take the first that they know, so the plainest come first.
CHECKED: tuple[Mechanism, ...] = (
    PLAIN,
    LOGIN,
    CRAM_MD5,
    SCRAM_SHA_1,
    SCRAM_SHA_1_PLUS,
    SCRAM_SHA_256,
    SCRAM_SHA_256_PLUS,
    XOAUTH2,
    OAUTHBEARER,
    EXTERNAL,
)
UNCHECKED: tuple[Mechanism, ...] = (UNCHECKED_PLAIN, UNCHECKED_LOGIN, UNCHECKED_CRAM_MD5)


class Unavailable(Exception):  # noqa: N818 - an answer, and no fault
    """A mechanism is not offered; `private` says that it would be over TLS."""

    def __init__(self, name: str, *, private: bool = False) -> None:
        super().__init__(name)
        self.private = private


class Sasl:
    """What one service offers.

    `nonce` returns a text of letters, digits, "-" and "_" that nobody can foresee. `plaintext_auth`: secrets may be
    sent without TLS. `errors` is how refusals of tokens are worded.
    """

    def __init__(
        self,
        service: str,
        realm: Realm,
        mechanisms: Iterable[Mechanism] = CHECKED,
        *,
        hostname: str,
        nonce: Callable[[], str],
        hidden: Iterable[str] = (),
        plaintext_auth: bool = False,
        errors: Errors = Errors.RFC,
    ) -> None:
        """Offer the mechanisms but those that are hidden; raises `UnknownMechanism`."""
        self.service = service
        self.realm = realm
        self.hostname = hostname
        self._nonce = nonce
        self._mechanisms = without(mechanisms, hidden)
        self._plaintext_auth = plaintext_auth
        self._error = ERRORS[errors]
        self._offered: dict[tuple[bool, bool, bool, frozenset[str]], tuple[str, ...]] = {}

    def offered(self, channel: Channel) -> tuple[str, ...]:
        """Return the names of the mechanisms that can be used now."""
        # Each session asks, and there are few answers: 1 µs instead of 14.
        kind = (channel.secure, channel.binds, bool(channel.logins), self.realm.forms)
        offered = self._offered.get(kind)
        if offered is None:
            needs = Needs(channel.secure or self._plaintext_auth, channel, self.realm.forms)
            offered = tuple(mechanism.name for mechanism in self._mechanisms if mechanism.offered(needs))
            self._offered[kind] = offered
        return offered

    def unique(self) -> str:
        """Return a text in the form of a message ID that no other exchange has (RFC 2195 §2, RFC 1939 §7)."""
        return f"<{self._nonce()}@{self.hostname}>"

    def begin(self, name: str, channel: Channel) -> Exchange:
        """Begin an exchange by a mechanism, named in capitals; raises `Unavailable`."""
        mechanism = next((offered for offered in self._mechanisms if offered.name == name), None)
        offered = self.offered(channel)
        if mechanism is None:
            raise Unavailable(name)
        if name not in offered:
            private = Needs(private=True, channel=channel, secrets=self.realm.forms)
            raise Unavailable(name, private=mechanism.offered(private))
        plus = f"{name}-PLUS" in offered
        unique, nonce = self.unique(), self._nonce()
        return mechanism.begin(Context(self.service, self.realm, channel, unique, nonce, self._error, plus))
