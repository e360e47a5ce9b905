"""From the document of a world file to a World, with every rule of the file; `domains` has those of a domain."""

from __future__ import annotations

import ipaddress
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from postroad.dns.above import is_within
from postroad.world.domains import DomainReader, any_name, reverse_zone
from postroad.world.world import MX, Account, Domain, Host, Role, World

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from ipaddress import IPv4Address, IPv4Network

    from postroad.world.domains import WhyNotHide
    from postroad.world.toml_lines import KeyPath


class WorldReader(DomainReader):
    """Reads one document. After `read`, `errors` has all errors."""

    def __init__(
        self,
        document: Mapping[str, Any],
        network: IPv4Network,
        *,
        capturing: bool = False,
        why_not_hide: WhyNotHide = any_name,
    ) -> None:
        super().__init__(why_not_hide)
        self._document = document
        self._network = network
        self._capturing = capturing

    def read(self) -> World:
        """Return the world, which is valid only if `errors` is empty then."""
        self._only((), self._document, "the world", "capture", "administrators", "hosts", "domains")
        hosts = dict(self._hosts())
        domains = dict(self._domains())
        for name in hosts:
            if not is_within(name, domains):
                self.error(self._host_places[name], f"the host {name} is in no domain of this world")
        capture = self._goal(("capture",), "capture", self._document.get("capture"))
        if self._capturing and "capture" not in self._document:
            need = 'no capture account, which POSTROAD_OUTSIDE=capture needs: write capture = "someone@a.domain.of.it"'
            self.error((), f"{need} at the top, or choose bounce or refuse")
        logins = {account.login for domain in domains.values() for account in domain.accounts.values()}
        administrators = frozenset(self._administrators(logins))
        accounts = self._account_reader
        tokens, forms = MappingProxyType(accounts.tokens), frozenset(accounts.forms)
        parts = (MappingProxyType(hosts), MappingProxyType(domains))
        world = World(self._network, *parts, capture, administrators, tokens, forms)
        self.check(world)
        return world

    # Hosts

    def _hosts(self) -> Iterator[tuple[str, Host]]:
        self._host_places: dict[str, KeyPath] = {}
        addresses: dict[IPv4Address, KeyPath] = {}
        roles: dict[Role, KeyPath] = {}
        for key, value in self._table(("hosts",), self._document.get("hosts", {}), "hosts").items():
            at: KeyPath = ("hosts", key)
            table = self._table(at, value, f"the host {key}")
            if not self._only(at, table, "a host", "address", "role") or not isinstance(value, dict):
                continue
            name = self._name(at, key, "host")
            if name is None:
                continue
            self._once(self._host_places, name, at, f"the host {name} is here twice, first on {{line}}")
            role = self._role((*at, "role"), table.get("role"), key)
            if role is not None and role in roles:
                first = roles[role][1]
                self.error((*at, "role"), f"{key} and {first} ({{line}}) both have the role {role}", roles[role])
            elif role is not None:
                roles[role] = (*at, "role")
            address = self._host_address((*at, "address"), table.get("address"), key)
            if address is not None:
                if address in addresses:
                    first = addresses[address][1]
                    said = f"{key} and {first} ({{line}}) both have the address {address}"
                    self.error((*at, "address"), said, addresses[address])
                else:
                    addresses[address] = (*at, "address")
                yield name, Host(name, address, role)
        for role in Role:
            if role not in roles:
                self.error(("hosts",), f"no host has the role {role}, and one must")

    def _role(self, at: KeyPath, value: Any, host: str) -> Role | None:
        if value is None:
            return None
        if not isinstance(value, str) or value not in set(Role):
            self.error(at, f"the role of {host} must be {', '.join(Role)}, or none")
            return None
        return Role(value)

    def _host_address(self, at: KeyPath, value: Any, host: str) -> IPv4Address | None:
        last = self._network.num_addresses - 2  # .0 is the network, .255 the broadcast address
        if isinstance(value, bool) or not isinstance(value, int | str):
            missing = f"{host} has no address" if value is None else f"the address of {host} is no address"
            self.error(at, f"{missing}: it is an offset from 1 to {last} in the network, or a whole IPv4 address")
            return None
        if isinstance(value, int):
            if not 1 <= value <= last:
                self.error(at, f"the address of {host} is an offset from 1 to {last}, not {value}")
                return None
            return self._network[value]
        try:
            address = ipaddress.IPv4Address(value)
        except ValueError:
            self.error(at, f"the address of {host}, {value!r}, is not an IPv4 address")
            return None
        if address not in self._network:
            self.error(at, f"the address of {host}, {address}, is outside the network {self._network}")
            return None
        if address in {self._network.network_address, self._network.broadcast_address}:
            self.error(at, f"the address of {host}, {address}, is the network's own or its broadcast address")
            return None
        return address

    # Domains

    def _domains(self) -> Iterator[tuple[str, Domain]]:
        seen: dict[str, KeyPath] = {}
        reverse = reverse_zone(self._network)
        for key, value in self._table(("domains",), self._document.get("domains", {}), "domains").items():
            at: KeyPath = ("domains", key)
            table = self._table(at, value, f"the domain {key}")
            keys = ("mx", "catch-all", "accounts", "aliases", "records", "imap_without")
            if not self._only(at, table, "a domain", *keys) or not isinstance(value, dict):
                continue
            name = self._name(at, key, "domain")
            if name is None or not self._once(seen, name, at, f"the domain {name} is here twice, first on {{line}}"):
                continue
            if is_within(name, {reverse}):
                self.error(at, f"{name} is in the reverse zone {reverse}, which is made from the hosts")
            local_parts: dict[str, KeyPath] = {}
            hidden = self._hidden((*at, "imap_without"), table.get("imap_without", []))
            accounts = dict(self._accounts((*at, "accounts"), table.get("accounts", {}), name, local_parts, hidden))
            aliases = dict(self._aliases((*at, "aliases"), table.get("aliases", {}), name, local_parts))
            if "catch-all" in table:
                self._steps[name, None] = (*at, "catch-all")
            yield (
                name,
                Domain(
                    name=name,
                    mx=tuple(self._mx((*at, "mx"), table.get("mx", []))),
                    accounts=MappingProxyType(accounts),
                    aliases=MappingProxyType(aliases),
                    catch_all=self._goal((*at, "catch-all"), "catch-all", table.get("catch-all")),
                    imap_without=hidden,
                    records=tuple(self._records((*at, "records"), table.get("records", []), name)),
                ),
            )

    def _mx(self, at: KeyPath, value: Any) -> Iterator[MX]:
        seen: dict[str, KeyPath] = {}
        for place, text in self._strings(at, value, "mx"):
            preference, _, host = text.strip().partition(" ")
            host = host.strip()
            # RFC 1035 §3.3.9: PREFERENCE is 16 bits
            if not (re.fullmatch("[0-9]{1,5}", preference) and host) or int(preference) > 65535:
                self.error(place, f"an MX is a preference from 0 to 65535 and a host, not {text!r}")
                continue
            if host == ".":
                # RFC 7505 §3: a null MX has preference 0 and is the only one
                if int(preference) or len(value) > 1:
                    self.error(place, 'the null MX is "0 ." and must be the only MX (RFC 7505 §3)')
                name: str | None = "."
            else:
                name = self._name(place, host, "mx")
                if name is not None and name not in self._host_places:
                    self.error(place, f"the MX {host} is no host of this world")
            if name is not None and self._once(seen, name, place, f"the MX {host} is here twice"):
                yield MX(int(preference), name)

    def _administrators(self, logins: Container[str]) -> Iterator[str]:
        """Yield the logins of those who may act as any account: each is an account itself."""
        at: KeyPath = ("administrators",)
        for place, text in self._strings(at, self._document.get("administrators", []), "administrators"):
            address = self._address(place, text, "administrator")
            if address is not None and (login := Account(address, "").login) in logins:
                yield login
            elif address is not None:
                self.error(place, f"the administrator {text} is no account of this world")
