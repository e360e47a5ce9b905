"""The store's accounts: who may log in, and to whose mailboxes an address leads.

The world decides; two settings add to it. With `unknown_users=create`, every address of a known domain that leads
nowhere in the world is an account. Its mailboxes are made at the first delivery or login, and its password is
`unknown_password`; only its address is known, so there is no list of these accounts. With `outside=capture`, mail for
unknown domains goes to the world's capture account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.config import Outside, UnknownUsers
from postroad.mail.address import Address, AddressError, parse_address
from postroad.world.quota import UNLIMITED
from postroad.world.world import SUBADDRESS_SEPARATOR, Account

if TYPE_CHECKING:
    from postroad.config import Settings
    from postroad.sasl.mechanism import Claim
    from postroad.world.guesses import Guesses
    from postroad.world.quota import Quota
    from postroad.world.world import World


class Accounts:
    """The accounts of the world as it is now; `world` is replaced when the file changes."""

    def __init__(self, world: World, settings: Settings, guesses: Guesses) -> None:
        self.world = world
        self._settings = settings
        self._guesses = guesses
        self._limits: tuple[World | None, bool] = (None, False)  # whether the world limits an account

    def is_local(self, address: Address) -> bool:
        """Whether the world knows the address's domain."""
        return self.world.domain_of(address) is not None

    def administers(self, login: str) -> bool:
        """Whether an account may change what belongs to others, or to all."""
        return login in self.world.administrators

    def has_quotas(self) -> bool:
        """Whether any account is limited."""
        world, limits = self._limits
        if world is not self.world:
            domains = self.world.domains.values()
            limits = any(account.quota is not None for domain in domains for account in domain.accounts.values())
            self._limits = self.world, limits
        return limits or self._settings.quota != UNLIMITED

    def quota(self, login: str) -> Quota:
        """Return how much mail an account may have, as the world or else the settings have it."""
        account = self.world.account(login)
        quota = None if account is None else account.quota
        return self._settings.quota if quota is None else quota

    def reached_by(self, address: Address) -> tuple[Account, ...]:
        """Return the accounts that get the mail for an address; empty if the address does not exist."""
        if not self.is_local(address):
            capture = self.world.capture
            if self._settings.outside is Outside.CAPTURE and capture is not None:
                return self.world.resolve(capture)
            return ()
        return self.world.resolve(address) or self._created(address)

    def _created(self, address: Address) -> tuple[Account, ...]:
        if self._settings.unknown_users is not UnknownUsers.CREATE:
            return ()
        # The subaddress belongs to the same user (RFC 5233 §1).
        local_part = address.local_part.partition(SUBADDRESS_SEPARATOR)[0] or address.local_part
        domain = self.world.domain_of(address)
        hidden = domain.imap_without if domain is not None else frozenset()
        return (Account(Address(local_part, address.domain), self._settings.unknown_password, hidden),)

    def find(self, login: str) -> Account | None:
        """Return the account with this login name, in any spelling, or None."""
        account = self.world.account(login)
        if account is not None:
            return account
        try:
            address = parse_address(login)
        except AddressError:
            return None
        if not self.is_local(address) or self.world.resolve(address):
            return None  # an alias has no password of its own
        created = self._created(address)
        return created[0] if created and created[0].address == address else None

    def hidden(self, login: str) -> frozenset[str]:
        """Return the capabilities of IMAP that the world hides from this account, in capitals."""
        account = self.find(login)
        return frozenset() if account is None else account.imap_without

    async def authenticate(self, claim: Claim, address: str) -> Account | None:
        """Return the account that the client may act as by its claim, or None; `address` is the client's.

        Raises `TooManyGuesses` if the claim was not checked, `NotAllowed` if the client may not act for another.
        """
        return await self._guesses.log_in(self.find, claim, address, self.world.administrators)
