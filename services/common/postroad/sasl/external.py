"""EXTERNAL (RFC 4422 appendix A): TLS has verified a certificate of the client, and its name is the login name.

The names are the addresses in the certificate's subjectAltName (RFC 5280 §4.2.1.6). One message: the authorization
identity, or nothing, which is the first name of the certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.sasl.mechanism import Claim, Context, Exchange, MalformedError, text_of
from postroad.sasl.offer import Mechanism, Needs
from postroad.value import value

if TYPE_CHECKING:
    from postroad.world.world import Account


@value
class Certificate:
    """A verified certificate as a proof."""

    logins: tuple[str, ...]  # in the form that all spellings share

    def is_quick(self, _account: Account) -> bool:
        """Return True: TLS has done the work."""
        return True

    def proves(self, account: Account) -> bool:
        """Whether the certificate is the account's."""
        return account.login in self.logins


class External(Exchange):
    """One exchange."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take the authorization identity; the empty challenge asks for it."""
        if response is None:
            return b""
        identity = text_of(response)
        if "\0" in identity:  # RFC 4422 appendix A.1: extern-resp = *( UTF8-char-no-nul )
            raise MalformedError("Response is not as EXTERNAL wants it")
        realm, logins = self._context.realm, self._context.channel.logins
        wanted = realm.find(identity) if identity else None
        if wanted is not None and wanted.login in logins:
            return Claim("EXTERNAL", identity, Certificate(logins))
        return Claim("EXTERNAL", logins[0] if logins else identity, Certificate(logins), identity)


def _has_certificate(needs: Needs) -> bool:
    return bool(needs.channel.logins)


EXTERNAL = Mechanism("EXTERNAL", "RFC 4422 appendix A", External, _has_certificate)
