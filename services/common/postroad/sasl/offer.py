"""Which mechanisms are offered: one rule a mechanism, the same for SMTP, IMAP and POP3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.sasl.channel import Channel
    from postroad.sasl.mechanism import Context, Exchange


@value
class Needs:
    """What a mechanism may need."""

    private: bool  # what is sent can be read by nobody else: TLS is in use, or the settings do without
    channel: Channel
    secrets: frozenset[str]  # the forms of the accounts' secrets (`secret.form_of`)


def secret_is_safe(needs: Needs) -> bool:
    """Offer a mechanism that sends what anybody could use who reads it (RFC 4954 §4, RFC 4616 §6)."""
    return needs.private


def plain_secrets(needs: Needs) -> bool:
    """Offer a mechanism for which the server has to know the password, where it knows any."""
    return "plain" in needs.secrets


@value
class Mechanism:
    """One mechanism: all that the protocols know of it."""

    name: str
    rfc: str
    begin: Callable[[Context], Exchange]
    offered: Callable[[Needs], bool] = lambda _needs: True


class UnknownMechanism(ValueError):  # noqa: N818 - what the operator reads
    """There is no such mechanism to be hidden; the message says which ones there are."""


def without(mechanisms: Iterable[Mechanism], hidden: Iterable[str]) -> tuple[Mechanism, ...]:
    """Return the mechanisms but those that are named, in any case; raises `UnknownMechanism`."""
    known = tuple(mechanisms)
    names = {name.upper() for name in hidden}
    if unknown := names - {mechanism.name for mechanism in known}:
        choices = ", ".join(mechanism.name for mechanism in known)
        raise UnknownMechanism(f"there is no SASL mechanism {min(unknown)}; there are {choices}")
    return tuple(mechanism for mechanism in known if mechanism.name not in names)
