"""The world: who exists. Domains with their accounts and aliases, hosts with their addresses.

Every service reads the same world, and no service changes it. A World is immutable: an edit of the file makes a new
one (`source` loads it, `watcher` finds the edit). The rules for the mailbox to which an address leads, and for its
owner, are here, so that relay and store agree on them.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.dns.above import upwards
from postroad.mail.address import Address, AddressError, domain_key
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv4Network, IPv6Address

    from postroad.sasl.token import Grant
    from postroad.world.quota import Quota

SUBADDRESS_SEPARATOR = "+"  # RFC 5233 §1
DEFAULT_WORLD = "default"  # the ID of the world that the file describes


def world_detail(world: str) -> dict[str, Any]:
    """Return the detail by which an event of the journal names its world: none for the world file's."""
    return {} if world == DEFAULT_WORLD else {"world": world}


class Role(StrEnum):
    """Which of Postroad's services a host is."""

    DNS = "dns"
    RELAY = "relay"
    STORE = "store"


@value
class Host:
    """A host of the private network: one name, and one address that no other host has."""

    name: str  # A-labels, lower case
    address: IPv4Address | IPv6Address
    role: Role | None = None


@value
class MX:
    """One mail exchanger of a domain (RFC 5321 §5.1); host "." is the null MX (RFC 7505)."""

    preference: int
    host: str


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@value
class Account:
    """One user, who logs in by the whole address and has one set of mailboxes."""

    address: Address
    secret: str = field(repr=False)  # plain or a hash (`secret`); "": no password will do
    imap_without: frozenset[str] = frozenset()  # capabilities of IMAP that are hidden from it
    quota: Quota | None = None  # None: as the settings say
    sieve: str = ""  # the Sieve script of its mail while it has no active one of its own
    # Octets of the largest message that clients of IMAP may append, by mailbox
    append_limits: Mapping[str, int] = field(default_factory=_nothing, hash=False)
    login: str = field(init=False, compare=False)  # the address in the form that all its spellings share

    def __post_init__(self) -> None:
        object.__setattr__(self, "login", "@".join(self.address.key))  # each message asks for it several times


class Redirect(NamedTuple):
    """An alias or a catch-all on the way of mail."""

    domain: str
    alias: str | None  # the local-part; None: the catch-all
    targets: tuple[Address, ...]


@value
class Domain:
    """A domain of the world. Names are `domain_key`s; local-parts are casefolded."""

    name: str
    mx: tuple[MX, ...] = ()
    accounts: Mapping[str, Account] = field(default_factory=_nothing)
    aliases: Mapping[str, tuple[Address, ...]] = field(default_factory=_nothing)  # to addresses of the world
    catch_all: Address | None = None
    imap_without: frozenset[str] = frozenset()  # capabilities of IMAP that are hidden from all its accounts
    records: tuple[str, ...] = ()  # further records, in master-file form (RFC 1035 §5), owner names relative

    @property
    def receives_mail(self) -> bool:
        """Whether any address exists here."""
        return bool(self.accounts or self.aliases or self.catch_all)

    @property
    def catch_all_step(self) -> Redirect | None:
        """The step that mail for an address that is not here takes."""
        return None if self.catch_all is None else Redirect(self.name, None, (self.catch_all,))

    def next_step(self, local_part: str) -> Account | Redirect | None:
        """Return the account or redirection that the first fitting rule gives for a casefolded local-part, or None.

        In this order: an account, an alias, the same without the subaddress (RFC 5233), postmaster
        (RFC 5321 §4.5.1: it must exist, so it falls to the domain's first account or alias), the catch-all.
        """
        base = local_part.partition(SUBADDRESS_SEPARATOR)[0] or local_part
        for name in (local_part, base):
            if (account := self.accounts.get(name)) is not None:
                return account
            if (targets := self.aliases.get(name)) is not None:
                return Redirect(self.name, name, targets)
        if base == "postmaster" and self.accounts:
            return next(iter(self.accounts.values()))
        if base == "postmaster" and self.aliases:
            return Redirect(self.name, *next(iter(self.aliases.items())))
        return self.catch_all_step


@value
class World:
    """Everything that exists."""

    network: IPv4Network
    hosts: Mapping[str, Host]  # by name
    domains: Mapping[str, Domain]  # by name
    capture: Address | None = None  # the account that receives mail for domains that the world does not know
    administrators: frozenset[str] = frozenset()  # the logins of those who may act as any account
    tokens: Mapping[str, Grant] = field(default_factory=_nothing, repr=False)  # by `sasl.token.digest`
    forms: frozenset[str] = frozenset({"plain"})  # those of the accounts' secrets (`secret.form_of`)
    id: str = DEFAULT_WORLD

    def host_of(self, role: Role) -> Host:
        """Return the host that has the role; a valid world has exactly one per role."""
        return next(host for host in self.hosts.values() if host.role is role)

    def domain_of(self, address: Address) -> Domain | None:
        """Return the domain that the address belongs to, or None if the world does not know it."""
        try:
            return self.domains.get(address.domain_key)
        except AddressError:
            return None

    def account(self, login: str) -> Account | None:
        """Return the account with this login name, in any spelling, or None."""
        local, at, domain = login.rpartition("@")
        if not at:
            return None
        try:
            owner = self.domains.get(domain_key(domain))
        except AddressError:
            return None
        return owner.accounts.get(local.casefold()) if owner else None

    def next_step(self, address: Address) -> Account | Redirect | None:
        """Return the account that gets mail for the address, or its redirection; None if there is no such address.

        `Domain.next_step` has the order of the rules.
        """
        domain = self.domain_of(address)
        return None if domain is None else domain.next_step(address.key[0])

    def resolve(self, address: Address) -> tuple[Account, ...]:
        """Return the accounts whose mailbox gets mail for the address; empty if the address does not exist."""
        step = self.next_step(address)
        if not isinstance(step, Redirect):  # as most: nothing has to be kept
            return () if step is None else (step,)
        return self._reached(step, {})

    def reached(self, step: Account | Redirect | None) -> tuple[Account, ...]:
        """Return the accounts that a step on the way of mail leads to."""
        return self._reached(step, {})

    def _resolve(self, address: Address, known: dict[Address, tuple[Account, ...]]) -> tuple[Account, ...]:
        """Resolve an address. `known` are the answers so far to the same question, since aliases may share targets."""
        if address in known:
            return known[address]
        known[address] = reached = self._reached(self.next_step(address), known)
        return reached

    def _reached(
        self, step: Account | Redirect | None, known: dict[Address, tuple[Account, ...]]
    ) -> tuple[Account, ...]:
        if not isinstance(step, Redirect):
            return () if step is None else (step,)
        return tuple(dict.fromkeys(account for target in step.targets for account in self._resolve(target, known)))

    def may_send_as(self, account: Account, address: Address) -> bool:
        """Whether the address is the account's own: its name, its subaddresses, an alias that leads to it."""
        step = self.next_step(address)
        if isinstance(step, Redirect):  # an address that only a catch-all catches belongs to nobody
            return step.alias is not None and account in self.reached(step)
        return step == account

    def postmaster_of(self, hostname: str) -> Address:
        """Return the address of the host's postmaster: that of the nearest domain above the host that receives mail.

        RFC 5321 §4.5.1: a domain that receives mail has a postmaster (`next_step`). A host in no such domain keeps
        its own name in the address.
        """
        for name in upwards(hostname):
            domain = self.domains.get(name)
            if domain is not None and domain.receives_mail:
                return Address("postmaster", name)
        return Address("postmaster", hostname)
