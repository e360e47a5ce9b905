"""From the document of a world file to a World, with every rule of the file.

The reader collects all errors, each with its key, because people edit the world by hand and want to see all errors at
once.
"""

from __future__ import annotations

import ipaddress
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from postroad.dns.masterfile import parse_record
from postroad.dns.name import MAX_NAME, ROOT, Name
from postroad.dns.words import ZoneFileError
from postroad.mail.address import Address, AddressError, check_a_labels, domain_key, parse_address
from postroad.world.accounts import AccountReader, ReadError
from postroad.world.further import FurtherCheck
from postroad.world.goals import GoalCheck
from postroad.world.world import MX, Account, Domain, Host, Role, World

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from ipaddress import IPv4Address, IPv4Network

    from postroad.dns.zone import Record
    from postroad.world.goals import Step
    from postroad.world.toml_lines import KeyPath

    WhyNotHide = Callable[[str], str | None]

Key = TypeVar("Key")
_CAPABILITY = re.compile(r"[!-~]+")  # RFC 3501 §9: an atom, or AUTH= and one


def any_name(name: str) -> str | None:
    """Find nothing wrong with the name of a capability that is hidden, as services do that do not speak IMAP."""
    return None if _CAPABILITY.fullmatch(name) else f"there is no IMAP capability {name!r}"


class WorldReader:
    """Reads one document. After `read`, `errors` has all errors."""

    def __init__(
        self,
        document: Mapping[str, Any],
        network: IPv4Network,
        *,
        capturing: bool = False,
        why_not_hide: WhyNotHide = any_name,
    ) -> None:
        self.errors: list[ReadError] = []
        self._document = document
        self._network = network
        self._capturing = capturing
        self._why_not_hide = why_not_hide
        self._goals: list[tuple[KeyPath, str, Address]] = []  # what, and the address that must lead somewhere
        self._further: dict[str, tuple[KeyPath, dict[int, Record]]] = {}  # by domain, then by index
        self._steps: dict[Step, KeyPath] = {}  # aliases and catch-alls
        self._account_reader = AccountReader(self.errors, self._hidden)

    def read(self) -> World:
        """Return the world, which is valid only if `errors` is empty then."""
        self._only((), self._document, "the world", "capture", "administrators", "hosts", "domains")
        hosts = dict(self._hosts())
        domains = dict(self._domains())
        for name in hosts:
            if not any(name == domain or name.endswith(f".{domain}") for domain in domains):
                self.error(self._host_places[name], f"the host {name} is in no domain of this world")
        capture = self._goal(("capture",), "capture", self._document.get("capture"))
        if self._capturing and "capture" not in self._document:
            need = 'no capture account, which POSTROAD_OUTSIDE=capture needs: write capture = "someone@a.domain.of.it"'
            self.error((), f"{need} at the top, or choose bounce or refuse")
        logins = {account.login for domain in domains.values() for account in domain.accounts.values()}
        administrators = frozenset(self._administrators(logins))
        accounts = self._account_reader
        tokens, forms = MappingProxyType(accounts.tokens), frozenset(accounts.forms)
        found = (MappingProxyType(hosts), MappingProxyType(domains))
        world = World(self._network, *found, capture, administrators, tokens, forms)
        self._check_further(world)
        for at, sentence in GoalCheck(world, self._goals, self._steps).faults():
            self.error(at, sentence)
        return world

    # Pieces that several rules need

    def error(self, at: KeyPath, sentence: str, other: KeyPath = ()) -> None:
        """Add an error at a key."""
        self.errors.append(ReadError(at, sentence, other))

    def _table(self, at: KeyPath, value: Any, what: str) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.error(at, f"{what} must be a table")
        return {}

    def _only(self, at: KeyPath, table: Mapping[str, Any], what: str, *keys: str) -> bool:
        """Report unknown keys. Return False if one looks like a dotted name without its quotes."""
        good = True
        # TOML reads [domains.x.test] as a domain x that has only a table test. A misspelt key has good keys around it.
        undotted = bool(at) and not table.keys() & set(keys)
        for key, value in table.items():
            if key not in keys:
                hint = "; a name with dots must be in quotes" if undotted and isinstance(value, dict) else ""
                good = good and not hint
                self.error((*at, key), f"unknown key {key!r}: {what} has {', '.join(keys)}{hint}")
        return good

    def _strings(self, at: KeyPath, value: Any, what: str) -> Iterator[tuple[KeyPath, str]]:
        """Yield the strings of a list with their places."""
        if not isinstance(value, list):
            self.error(at, f"{what} must be a list of strings")
            return
        for index, item in enumerate(value):
            if isinstance(item, str):
                yield (*at, index), item
            else:
                self.error((*at, index), f"{what} must be a list of strings")

    def _once(self, seen: dict[Key, KeyPath], key: Key, at: KeyPath, sentence: str) -> bool:
        """Return whether the key is new. If not, report the sentence; its {line} is that of the first."""
        if key in seen:
            self.error(at, sentence, seen[key])
            return False
        seen[key] = at
        return True

    def _name(self, at: KeyPath, text: str, what: str) -> str | None:
        try:
            name = domain_key(text)
            check_a_labels(name)
        except AddressError as error:
            self.error(at, f"{what}: {error}")
            return None
        # RFC 1035 §2.3.4 counts the length octets too, so it allows less than RFC 5321 §4.5.3.1.2.
        if len(name) > MAX_NAME - 2:
            self.error(at, f"{what}: {name} is over {MAX_NAME - 2} characters")
            return None
        return name

    def _address(self, at: KeyPath, text: str, what: str) -> Address | None:
        """Parse an address, and put its domain in the form of a `domain_key`."""
        try:
            address = parse_address(text)
            if address.is_literal:
                raise AddressError("an address literal is in no domain of this world")
        except AddressError as error:
            self.error(at, f"{what} {text!r}: {error}")
            return None
        return Address(address.local_part, domain_key(address.domain))

    def _goal(self, at: KeyPath, what: str, value: Any) -> Address | None:
        """Read an address that has to lead somewhere; a value of None means that the key is absent."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.error(at, f"{what} must be an address in quotes")
            return None
        address = self._address(at, value, what)
        if address is not None:
            self._goals.append((at, what, address))
        return address

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
        # RFC 1035 §3.5: the reverse zone of the /24 is derived from the hosts
        reverse = ".".join(self._network.network_address.reverse_pointer.split(".")[1:])
        for key, value in self._table(("domains",), self._document.get("domains", {}), "domains").items():
            at: KeyPath = ("domains", key)
            table = self._table(at, value, f"the domain {key}")
            keys = ("mx", "catch-all", "accounts", "aliases", "records", "imap_without")
            if not self._only(at, table, "a domain", *keys) or not isinstance(value, dict):
                continue
            name = self._name(at, key, "domain")
            if name is None or not self._once(seen, name, at, f"the domain {name} is here twice, first on {{line}}"):
                continue
            if name == reverse or name.endswith(f".{reverse}"):
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

    def _local_part(self, at: KeyPath, text: str, domain: str, seen: dict[str, KeyPath]) -> Address | None:
        """Return the address of a local-part, or None after an error; the domain must not have it twice."""
        try:
            address = parse_address(str(Address(text, domain)))
        except AddressError as error:
            self.error(at, f"{text!r} is not a local-part: {error}")
            return None
        if not self._once(seen, address.key[0], at, f"{text}@{domain} is here twice, first on {{line}}"):
            return None
        return address

    def _accounts(
        self, at: KeyPath, value: Any, domain: str, seen: dict[str, KeyPath], hidden: frozenset[str]
    ) -> Iterator[tuple[str, Account]]:
        accounts = self._account_reader
        for key, written in self._table(at, value, "accounts").items():
            place = (*at, key)
            address = self._local_part(place, key, domain, seen)
            account = accounts.read(place, address or Address(key, domain), written, hidden)
            if address is not None and account is not None:
                yield address.key[0], account

    def _administrators(self, logins: Container[str]) -> Iterator[str]:
        """Yield the logins of those who may act as any account: each is an account itself."""
        at: KeyPath = ("administrators",)
        for place, text in self._strings(at, self._document.get("administrators", []), "administrators"):
            address = self._address(place, text, "administrator")
            if address is not None and (login := Account(address, "").login) in logins:
                yield login
            elif address is not None:
                self.error(place, f"the administrator {text} is no account of this world")

    def _hidden(self, at: KeyPath, value: Any) -> frozenset[str]:
        """Read names of IMAP's capabilities; return them in capitals."""
        names = set()
        for place, text in self._strings(at, value, "imap_without"):
            fault = self._why_not_hide(text)
            if fault is not None:
                self.error(place, f"imap_without: {fault}")
            names.add(text.upper())
        return frozenset(names)

    def _aliases(
        self, at: KeyPath, value: Any, domain: str, seen: dict[str, KeyPath]
    ) -> Iterator[tuple[str, tuple[Address, ...]]]:
        for key, targets in self._table(at, value, "aliases").items():
            place = (*at, key)
            address = self._local_part(place, key, domain, seen)
            what = f"the alias {key}@{domain}"
            if targets == []:
                self.error(place, f"{what} leads to no address")
            listed = [(place, targets)] if isinstance(targets, str) else self._strings(place, targets, what)
            goals = [self._goal(where, what, text) for where, text in listed]
            if address is not None:
                self._steps[domain, address.key[0]] = place
                yield address.key[0], tuple(goal for goal in goals if goal is not None)

    def _records(self, at: KeyPath, value: Any, domain: str) -> Iterator[str]:
        records: dict[int, Record] = {}
        origin = Name.parse(domain) if value else ROOT
        for place, text in self._strings(at, value, "records"):
            try:
                records[int(place[-1])] = parse_record(text, origin, 0)
            except ZoneFileError as error:
                self.error(place, f"the record {text!r}: {error}")
            else:
                yield text
        if records:
            self._further[domain] = at, records

    def _check_further(self, world: World) -> None:
        check = FurtherCheck(world.domains, world.hosts, world.network) if self._further else None
        for domain, (at, records) in self._further.items():
            for index, sentence in check.faults(domain, records) if check else ():
                self.error((*at, index), sentence)
