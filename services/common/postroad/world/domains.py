"""The rules of a domain: names, accounts, aliases, further records; for the world file, and for a world over it.

A reader collects all errors, each with its key, because people edit worlds by hand and want to see all errors at once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from postroad.dns.masterfile import parse_record
from postroad.dns.name import MAX_NAME, ROOT, Name
from postroad.dns.words import ZoneFileError
from postroad.mail.address import Address, AddressError, check_a_labels, domain_key, parse_address
from postroad.world.accounts import AccountReader, ReadError
from postroad.world.further import FurtherCheck
from postroad.world.goals import GoalCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from ipaddress import IPv4Network

    from postroad.dns.zone import Record
    from postroad.world.goals import Step
    from postroad.world.toml_lines import KeyPath
    from postroad.world.world import Account, World

    WhyNotHide = Callable[[str], str | None]

Key = TypeVar("Key")
_CAPABILITY = re.compile(r"[!-~]+")  # RFC 3501 §9: an atom, or AUTH= and one


def any_name(name: str) -> str | None:
    """Find nothing wrong with the name of a capability that is hidden, as services do that do not speak IMAP."""
    return None if _CAPABILITY.fullmatch(name) else f"there is no IMAP capability {name!r}"


@lru_cache(maxsize=1)
def reverse_zone(network: IPv4Network) -> str:
    """Return the name of the reverse zone of the /24, which is derived from the hosts (RFC 1035 §3.5)."""
    return ".".join(network.network_address.reverse_pointer.split(".")[1:])


class DomainReader:
    """Reads what domains have. Afterwards `errors` has all errors; `check` adds those of the world as a whole."""

    def __init__(self, why_not_hide: WhyNotHide) -> None:
        self.errors: list[ReadError] = []
        self._why_not_hide = why_not_hide
        self._goals: list[tuple[KeyPath, str, Address]] = []  # what, and the address that must lead somewhere
        self._further: dict[str, tuple[KeyPath, dict[int, Record]]] = {}  # by domain, then by index
        self._steps: dict[Step, KeyPath] = {}  # aliases and catch-alls
        self._account_reader = AccountReader(self.errors, self._hidden)

    def check(self, world: World) -> None:
        """Check what only the whole world shows: further records, and where aliases lead."""
        check = FurtherCheck(world.domains, world.hosts, world.network) if self._further else None
        for domain, (at, records) in self._further.items():
            for index, sentence in check.faults(domain, records) if check else ():
                self.error((*at, index), sentence)
        for at, sentence in GoalCheck(world, self._goals, self._steps).faults():
            self.error(at, sentence)

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

    # What a domain has

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
