"""The relay's policy: who may relay which mail. Pure: the world and the settings come in, replies go out.

    port               who                  may send as           to
    app door (1025)    anyone               anything              anywhere, and nothing is refused but what would leave
    587, 465           an account of ours   an own address, null  anywhere
    25                 a trusted network    anything              anywhere
    25                 anyone               anything              addresses of the world's domains

Anything else is refused, so these ports are open to nobody (RFC 5321 §7.9, RFC 6409 §4.3). The app door is for software
under test: an unknown user of a known domain is accepted there, and its mail comes back in a DSN.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from postroad.config import UnknownUsers
from postroad.mail.reply import (
    AUTH_REQUIRED,
    NO_SUCH_USER,
    NOT_YOUR_ADDRESS,
    RECIPIENT_OK,
    RELAY_DENIED,
    SENDER_OK,
    Reply,
    reply,
)
from postroad.smtp.server.service import Purpose
from postroad.value import value

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from postroad.mail.address import Address
    from postroad.smtp.server.service import Session
    from postroad.world.world import World

_TRANSFER = Purpose.TRANSFER
_WITHOUT_LOGIN = frozenset({_TRANSFER, Purpose.APP})
OUTSIDE_LITERAL = reply(550, "5.7.1", "Nothing leaves the private network")


@value
class Policy:
    """The rules for one world; a changed world gets a new Policy."""

    world: World
    sender_check: bool = True
    unknown_users: UnknownUsers = UnknownUsers.REJECT
    trusted_networks: tuple[IPv4Network, ...] = ()

    def mail(self, session: Session, reverse_path: Address | None) -> Reply:
        """Answer MAIL (RFC 6409 §4.3, §6.1)."""
        if session.purpose in _WITHOUT_LOGIN:
            return SENDER_OK
        account = session.account
        if account is None:
            return AUTH_REQUIRED
        # The null reverse-path is nobody's address, and mail clients need it for receipts (RFC 8098 §3).
        if reverse_path is None or not self.sender_check or self.world.may_send_as(account, reverse_path):
            return SENDER_OK
        return NOT_YOUR_ADDRESS

    def rcpt(self, session: Session, recipient: Address) -> Reply:
        """Answer RCPT."""
        if session.purpose is _TRANSFER:
            # An unknown user of a known domain is refused while the client is connected, so that no DSN has to be sent
            # to a reverse-path that may be forged.
            domain = self.world.domain_of(recipient)
            if domain is not None:
                step = domain.next_step(recipient.local_part.casefold())
                known = self.unknown_users is UnknownUsers.CREATE or self.world.reached(step)
                return RECIPIENT_OK if known else NO_SUCH_USER
            if not self._trusts(session.peer):
                return RELAY_DENIED
        elif session.account is None and session.purpose is not Purpose.APP:
            return AUTH_REQUIRED
        if recipient.is_literal and _literal_address(recipient.domain) not in self.world.network:
            return OUTSIDE_LITERAL
        return RECIPIENT_OK

    def _trusts(self, peer: IPv4Address | IPv6Address) -> bool:
        return any(peer in network for network in self.trusted_networks)


def _literal_address(domain: str) -> IPv4Address | IPv6Address:
    text = domain[1:-1]
    return ip_address(text[5:] if text[:5].lower() == "ipv6:" else text)
