"""The world: who exists. Domains with their accounts and aliases, hosts with their addresses.

Every service reads the same world and none changes it. It is immutable: an edit of the file makes a new
World (`worldfile` loads and validates it, and watches the file). Rules that say which mailbox an address
leads to, and whose address it is, live here, so that relay and store agree on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from postroad.mail.address import Address, AddressError, domain_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv4Network, IPv6Address

SUBADDRESS_SEPARATOR = "+"  # RFC 5233 §1


class Role(StrEnum):
    """Which of Postroad's services a host is."""

    DNS = "dns"
    RELAY = "relay"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the private network: one name, one address, and no other host has the same one."""

    name: str  # A-labels, lower case
    address: IPv4Address | IPv6Address
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class MX:
    """One mail exchanger of a domain (RFC 5321 §5.1); host "." is the null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Account:
    """One user, whose login name is the whole address, and who has one set of mailboxes."""

    address: Address
    secret: str = field(repr=False)  # plain, or "$scrypt$..." (credentials.verify)

    @property
    def login(self) -> str:
        """The login name: the address in the form that two spellings share."""
        local, domain = self.address.key
        return f"{local}@{domain}"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of the world. Names are `domain_key`s; local-parts are casefolded."""

    name: str
    mx: tuple[MX, ...] = ()
    accounts: Mapping[str, Account] = field(default_factory=_nothing)
    aliases: Mapping[str, tuple[Address, ...]] = field(default_factory=_nothing)  # targets are addresses of the world
    catch_all: Address | None = None
    records: tuple[str, ...] = ()  # further records, in master-file form (RFC 1035 §5), owner names relative

    @property
    def receives_mail(self) -> bool:
        """Whether any address exists here."""
        return bool(self.accounts or self.aliases or self.catch_all)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that exists."""

    network: IPv4Network
    hosts: Mapping[str, Host]  # by name
    domains: Mapping[str, Domain]  # by name
    capture: Address | None = None  # the account that receives mail for domains that the world does not know

    def host_of(self, role: Role) -> Host:
        """Return the host that plays `role`; a valid world has just one of each."""
        return next(host for host in self.hosts.values() if host.role is role)

    def domain_of(self, address: Address) -> Domain | None:
        """Return the domain that the address belongs to, or None where the world does not know it."""
        if address.is_literal:
            return None
        try:
            return self.domains.get(domain_key(address.domain))
        except AddressError:
            return None

    def account(self, login: str) -> Account | None:
        """Return the account with this login name, in any spelling, or None."""
        local, at, domain = login.rpartition("@")
        if not at:
            return None
        try:
            found = self.domains.get(domain_key(domain))
        except AddressError:
            return None
        return found.accounts.get(local.casefold()) if found else None

    def resolve(self, address: Address) -> tuple[Account, ...]:
        """Return the accounts whose mailbox gets mail for the address; empty where there is none.

        In this order: an account, an alias, the same without the subaddress (RFC 5233), postmaster
        (RFC 5321 §4.5.1: it must exist, so it falls to the domain's first account), the catch-all.
        """
        return self._resolve(address, {})

    def _resolve(self, address: Address, known: dict[Address, tuple[Account, ...]]) -> tuple[Account, ...]:
        """Resolve an address; `known` are those that the same question has come by, since aliases may share targets."""
        if address in known:
            return known[address]
        domain = self.domain_of(address)
        if domain is None:
            return ()
        found = self._own(domain, address.key[0], known)
        if not found and domain.catch_all is not None:
            found = self._resolve(domain.catch_all, known)
        known[address] = found
        return found

    def _own(self, domain: Domain, local_part: str, known: dict[Address, tuple[Account, ...]]) -> tuple[Account, ...]:
        """Resolve a local-part without the catch-all."""
        base = local_part.partition(SUBADDRESS_SEPARATOR)[0] or local_part
        for name in dict.fromkeys((local_part, base)):
            if (account := domain.accounts.get(name)) is not None:
                return (account,)
            if (targets := domain.aliases.get(name)) is not None:
                reached = [account for target in targets for account in self._resolve(target, known)]
                return tuple(dict.fromkeys(reached))
        if base == "postmaster" and domain.accounts:
            return (next(iter(domain.accounts.values())),)
        return ()

    def may_send_as(self, account: Account, address: Address) -> bool:
        """Whether the address is the account's own: its name, its subaddresses, an alias that leads to it."""
        domain = self.domain_of(address)
        return domain is not None and account in self._own(domain, address.key[0], {})
