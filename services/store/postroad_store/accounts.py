"""The store's accounts: who may log in, and to whose mailboxes an address leads.

The worlds decide, each about its own domains; two settings add to it. With `unknown_users=create`, every address of a
known domain that leads nowhere in its world is an account. Its mailboxes are made at the first delivery or login, and
its password is `unknown_password`; only its address is known, so there is no list of these accounts. With
`outside=capture`, mail for unknown domains goes to the world's capture account; for mail of an overlay all domains of
other worlds are unknown. Beside the world file's accounts there are users as GreenMail has them (`greenmail.users`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.config import Outside, UnknownUsers
from postroad.mail.address import Address, AddressError, parse_address
from postroad.world.layers import Layers
from postroad.world.quota import UNLIMITED
from postroad.world.world import DEFAULT_WORLD, SUBADDRESS_SEPARATOR, Account, Redirect
from postroad_store.greenmail.users import Users

if TYPE_CHECKING:
    from postroad.config import Settings
    from postroad.sasl.mechanism import Claim
    from postroad.world.guesses import Guesses
    from postroad.world.quota import Quota
    from postroad.world.world import World


class Accounts:
    """The accounts of the worlds as they are now: that of the file, and the overlays."""

    def __init__(self, world: World | Layers, settings: Settings, guesses: Guesses, users: Users | None = None) -> None:
        self.layers = world if isinstance(world, Layers) else Layers(world)
        self.users = users or Users(None)
        self._settings = settings
        self._guesses = guesses
        self._limited = settings.quota != UNLIMITED  # all accounts are
        self._limits: tuple[World | None, bool] = (None, False)  # whether the world limits an account
        self._append_limits: tuple[World | None, bool] = (None, False)  # the same of a mailbox, of the last one asked

    @property
    def world(self) -> World:
        """The world of the file."""
        return self.layers.base

    @world.setter
    def world(self, world: World) -> None:
        self.layers.adopt(world)

    def world_of(self, address: Address, ident: str | None) -> World | None:
        """Return the world with an ID, or that of an address's domain; None if it has gone."""
        return self.layers.world_of(address) if ident is None else self.layers.world(ident)

    @property
    def creates(self) -> bool:
        """Whether deliveries and logins make accounts that no world lists."""
        return self._settings.unknown_users is UnknownUsers.CREATE

    def world_id(self, login: str) -> str:
        """Return the ID of the world of an account."""
        return self.layers.world_of_login(login).id

    def is_local(self, address: Address, ident: str | None = None) -> bool:
        """Whether the world with this ID knows the address's domain, or any world does."""
        world = self.world_of(address, ident)
        return world is not None and world.domain_of(address) is not None

    def named(self, login: str) -> Account | None:
        """Return the account of a world, or of a user beside it, with this login."""
        world = self.layers.world_of_login(login)
        return world.account(login) or (self.users.account(login) if _has_users(world) else None)

    def may_exist(self, login: str) -> bool:
        """Whether an account may be made: a world has its domain, or it is a user's."""
        domain = login.rpartition("@")[2]
        world = self.layers.world_of_domain(domain)
        return domain in world.domains or (_has_users(world) and self.users.owns(login))

    def hears_of_server(self, login: str) -> bool:
        """Whether what administrators tell all users is for this account: it is of their world, the file's."""
        return self.layers.world_of_login(login) is self.world

    def administers(self, login: str) -> bool:
        """Whether an account may change what belongs to others, or to all."""
        return login in self.world.administrators

    def has_quotas(self) -> bool:
        """Whether any account is limited."""
        world, limits = self._limits
        base = self.layers.base
        if world is not base:
            domains = base.domains.values()
            limits = any(account.quota is not None for domain in domains for account in domain.accounts.values())
            self._limits = base, limits
        return limits or self.layers.limits or self._limited

    def quota(self, login: str) -> Quota:
        """Return how much mail an account may have, as the world or else the settings have it."""
        account = self.layers.account(login)
        quota = None if account is None else account.quota
        return self._settings.quota if quota is None else quota

    def append_limit(self, login: str, mailbox: str) -> int | None:
        """Return the octets of the largest message that clients may append to a mailbox; None: as to any other."""
        account = self.layers.account(login)
        return None if account is None else account.append_limits.get(mailbox)

    def limits_appends(self, login: str) -> bool:
        """Return True if the world of an account has limits of single mailboxes."""
        world = self.layers.world_of_login(login)
        if world is not self._append_limits[0]:
            accounts = (account for domain in world.domains.values() for account in domain.accounts.values())
            self._append_limits = world, any(account.append_limits for account in accounts)
        return self._append_limits[1]

    def reached_by(self, address: Address, ident: str | None = None) -> tuple[Account, ...]:
        """Return the accounts that get the mail for an address; empty if the address does not exist.

        `ident` is the ID of the world that the mail belongs to; None: that of the address.
        """
        return self.lead(address, ident)[0]

    def lead(self, address: Address, ident: str | None = None) -> tuple[tuple[Account, ...], bool]:
        """Return the same, and whether mail for the address is captured, if it goes anywhere."""
        world = self.world_of(address, ident)
        if world is None:
            return (), False
        known = world.domain_of(address) is not None
        has_users = bool(self.users) and _has_users(world)
        user = self.users.receiver(address) if has_users and not address.is_literal else None
        captured = not known and user is None
        if has_users and not is_listed(world, address):
            named = self.users.named(address)
            if named is not None:
                return (named,), captured
        if known and (reached := world.resolve(address)):
            return reached, False
        if user is not None:
            return (user,), False
        if known:
            return self._created(world, address), False
        if self._settings.outside is Outside.CAPTURE and world.capture is not None:
            return world.resolve(world.capture), captured
        return (), captured

    def _created(self, world: World, address: Address) -> tuple[Account, ...]:
        if self._settings.unknown_users is not UnknownUsers.CREATE:
            return ()
        # The subaddress belongs to the same user (RFC 5233 §1).
        local_part = address.local_part.partition(SUBADDRESS_SEPARATOR)[0] or address.local_part
        domain = world.domain_of(address)
        hidden = domain.imap_without if domain is not None else frozenset()
        return (Account(Address(local_part, address.domain), self._settings.unknown_password, hidden),)

    def find(self, login: str) -> Account | None:
        """Return the account with this login name, in any spelling, or None."""
        account = self.named(login)
        if account is not None:
            return account
        world = self.layers.world_of_login(login)
        try:
            address = parse_address(login)
        except AddressError:
            return None
        if world.resolve(address):
            return None  # an alias has no password of its own
        if _has_users(world) and self.users.creates:
            return self.users.created(login)
        if world.domain_of(address) is None:
            return None
        created = self._created(world, address)
        return created[0] if created and created[0].address == address else None

    def hidden(self, login: str) -> frozenset[str]:
        """Return the capabilities of IMAP that the world hides from this account, in capitals."""
        account = self.find(login)
        return frozenset() if account is None else account.imap_without

    async def authenticate(self, claim: Claim, address: str) -> Account | None:
        """Return the account that the client may act as by its claim, or None; `address` is the client's.

        Raises `TooManyGuesses` if the claim was not checked, `NotAllowed` if the client may not act for another.
        """
        layers = self.layers
        return await self._guesses.log_in(self.find, claim, address, layers.administrators, fellows=layers.fellows)


def is_listed(world: World, address: Address) -> bool:
    """Whether an address is that of an account or an alias of a world, and not only caught by a catch-all."""
    step = world.next_step(address)
    return step is not None and not (isinstance(step, Redirect) and step.alias is None)


def _has_users(world: World) -> bool:
    """Whether there may be users beside the world's accounts: only where it is that of the file."""
    return world.id == DEFAULT_WORLD
