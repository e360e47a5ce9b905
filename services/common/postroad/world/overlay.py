"""An overlay: a small world over that of the file, which the API makes and drops while everything runs.

Its definition is JSON, and complete: whoever makes one has chosen all names and passwords.

    {"id": "checkout", "owner": "tests/test_a.py::test_b",
     "app": {"user": "checkout", "password": "…"}, "capture": {"login": "outside@shop.test", "password": "…"},
     "imap_without": ["QRESYNC"], "quota": {"storage": 1048576, "messages": 100},
     "domains": [{"name": "shop.test", "accounts": [{"name": "bob", "password": "x", "quota": null}],
                  "aliases": {"sales": ["bob"]}, "catch_all": "bob", "records": ["www A 203.0.113.9"]}],
     "ports": [1026]}

All that comes by one of its ports is the world's mail, whoever sends it and whomever it is for.

An overlay becomes a `World` of its own, in which nothing exists but its domains; network and hosts are those of the
file's. So whatever asks a world who exists sees nothing of any other.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.dns.above import is_within
from postroad.jsontext import to_json
from postroad.value import value
from postroad.world.domains import DomainReader, any_name, reverse_zone
from postroad.world.quota import parse_quota
from postroad.world.world import DEFAULT_WORLD, MX, Account, Domain, Role, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postroad.mail.address import Address
    from postroad.world.accounts import ReadError
    from postroad.world.domains import WhyNotHide
    from postroad.world.toml_lines import KeyPath

# A label of a domain name (RFC 1035 §2.3.1), so that a world may be named by a host below localhost.
WORLD_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_DIGEST = 8  # octets
PREFERENCE = 10  # of the store, the mail exchanger of each of its domains
_KEYS = ("id", "owner", "app", "capture", "imap_without", "quota", "domains", "ports")
_DOMAIN_KEYS = ("name", "accounts", "aliases", "catch_all", "imap_without", "records")
_PLAIN_KEYS = ("password", "imap_without", "sieve", "append_limits")  # as the world file has them
_ACCOUNT_KEYS = ("name", "quota", *_PLAIN_KEYS)


class Fault(NamedTuple):
    """What is wrong with a definition: the field, such as `domains.0.records.1`, and a sentence.

    `line` is that of a record, counted from 1; else None.
    """

    field: str
    sentence: str
    line: int | None = None


class OverlayError(Exception):
    """A definition is not valid; `faults` has all that is wrong."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.sentence}" for fault in faults))
        self.faults = faults


@value
class Overlay:
    """A valid overlay."""

    world: World
    definition: Mapping[str, Any]
    ports: tuple[int, ...]  # of the relay, where all mail is this world's
    digest: str  # of the definition: two services that have the same one have the same world

    @property
    def id(self) -> str:
        """The world's ID."""
        return self.world.id

    @property
    def logins(self) -> list[str]:
        """The logins of all its accounts."""
        return [account.login for domain in self.world.domains.values() for account in domain.accounts.values()]

    @property
    def limits(self) -> bool:
        """Whether it has a quota for any account."""
        return any(
            account.quota is not None for domain in self.world.domains.values() for account in domain.accounts.values()
        )

    def over(self, base: World) -> Overlay:
        """Return the overlay over another world file's network and hosts."""
        exchanger = _exchanger(base)
        domains = {name: replace(domain, mx=exchanger) for name, domain in self.world.domains.items()}
        world = replace(self.world, network=base.network, hosts=base.hosts, domains=MappingProxyType(domains))
        return replace(self, world=world)


def _exchanger(base: World) -> tuple[MX, ...]:
    return _exchanger_at(base.host_of(Role.STORE).name)


@lru_cache(maxsize=1)
def _exchanger_at(host: str) -> tuple[MX, ...]:
    """All domains of all overlays have the same one."""
    return (MX(PREFERENCE, host),)


def read_overlay(definition: Any, base: World, *, why_not_hide: WhyNotHide = any_name) -> Overlay:
    """Return the overlay that a definition means, over the world file's; raises `OverlayError`.

    Whether its domains are free is not known here (`layers`).
    """
    reader = _OverlayReader(definition, base, why_not_hide)
    world = reader.read()
    if reader.errors:
        raise OverlayError(tuple(dict.fromkeys(map(_fault, reader.errors))))
    return Overlay(world, definition, tuple(definition.get("ports", ())), digest_of(definition))


def digest_of(definition: Mapping[str, Any]) -> str:
    """Return what tells a definition from another one."""
    return blake2b(to_json(definition), digest_size=_DIGEST).hexdigest()


def _fault(error: ReadError) -> Fault:
    at = error.at
    sentence = error.sentence.replace("{line}", _path(error.other))
    line = int(at[3]) + 1 if len(at) == 4 and at[2] == "records" else None
    return Fault(_path(at), sentence, line)


def _path(at: KeyPath) -> str:
    return ".".join(map(str, at))


class _Shared(NamedTuple):
    """What the accounts of a domain have unless they have their own."""

    hidden: frozenset[str]
    quota: str | None


class _OverlayReader(DomainReader):
    def __init__(self, definition: Any, base: World, why_not_hide: WhyNotHide) -> None:
        super().__init__(why_not_hide)
        self._definition = self._table((), definition, "a world")
        self._base = base
        self._local_parts: dict[str, dict[str, KeyPath]] = {}  # by domain

    def read(self) -> World:
        """Return the world, which is valid only if `errors` is empty then."""
        table = self._definition
        self._only((), table, "a world", *_KEYS)
        ident = table.get("id")
        if not isinstance(ident, str) or not WORLD_ID.fullmatch(ident) or ident == DEFAULT_WORLD:
            named = "lower-case letters, digits and hyphens inside, 32 at most, and not default"
            self.error(("id",), f"the ID of a world has {named}")
            ident = "?"
        owner = table.get("owner", "")
        if not isinstance(owner, str):
            self.error(("owner",), "the owner must be a string")
        self._app(table.get("app"))
        self._ports(table.get("ports", []))
        hidden = self._hidden(("imap_without",), table.get("imap_without", []))
        shared = _Shared(hidden, self._shared_quota(("quota",), table.get("quota")))
        domains = dict(self._domains(shared))
        capture = self._capture(table.get("capture"), domains, hidden)
        world = World(
            self._base.network,
            self._base.hosts,
            MappingProxyType(domains),
            capture,
            forms=frozenset(self._account_reader.forms),
            id=ident,
        )
        self.check(world)
        return world

    def _app(self, value: Any) -> None:
        at: KeyPath = ("app",)
        table = self._table(at, value, "the app's credential")
        self._only(at, table, "an app's credential", "user", "password")
        for key in ("user", "password"):
            if not isinstance(table.get(key), str):
                self.error((*at, key), f"the {key} of the app must be a string")

    def _ports(self, value: Any) -> None:
        at: KeyPath = ("ports",)
        ports = value if isinstance(value, list) else [None]
        if any(isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535 for port in ports):
            self.error(at, "ports must be a list of port numbers from 1 to 65535")
        elif len(set(ports)) < len(ports):
            self.error(at, "a port is here twice")

    def _capture(self, value: Any, domains: dict[str, Domain], hidden: frozenset[str]) -> Address | None:
        """Add the account that gets what the world sends to strangers, to the domain that its address names."""
        at: KeyPath = ("capture",)
        table = self._table(at, value, "the capture box")
        self._only(at, table, "a capture box", "login", "password")
        login = table.get("login")
        if not isinstance(login, str):
            self.error((*at, "login"), "the login of the capture box must be an address")
            return None
        if not domains or len(domains) < len(self._definition["domains"]):
            return None  # its domain may be one that could not be read, and that is what is wrong then
        address = self._address((*at, "login"), login, "capture box")
        if address is None:
            return None
        domain = domains.get(address.domain)
        if domain is None:
            self.error((*at, "login"), f"the capture box is in {address.domain}, and that is no domain of this world")
            return None
        own = self._local_part((*at, "login"), address.local_part, domain.name, self._local_parts[domain.name])
        account = self._account_reader.read(at, address, {"password": table.get("password")}, hidden)
        assert account is not None  # noqa: S101 - it is a table
        if own is None:
            return None
        accounts = MappingProxyType({**domain.accounts, own.key[0]: account})
        domains[domain.name] = replace(domain, accounts=accounts)
        return own

    def _domains(self, shared: _Shared) -> Iterator[tuple[str, Domain]]:
        at: KeyPath = ("domains",)
        value = self._definition.get("domains")
        if not isinstance(value, list) or not value:
            self.error(at, "domains must be a list of at least one domain")
            return
        seen: dict[str, KeyPath] = {}
        reverse = reverse_zone(self._base.network)
        for index, written in enumerate(value):
            place = (*at, index)
            table = self._table(place, written, "a domain")
            text = table.get("name")
            if not isinstance(text, str):
                self.error((*place, "name"), "a domain has a name")
                continue
            self._only(place, table, "a domain", *_DOMAIN_KEYS)
            name = self._name((*place, "name"), text, "domain")
            if name is None or not self._once(seen, name, place, f"the domain {name} is here twice, first at {{line}}"):
                continue
            if is_within(name, {reverse}):
                self.error((*place, "name"), f"{name} is in the reverse zone {reverse}, which is made from the hosts")
            yield name, self._domain(place, name, table, shared)

    def _domain(self, at: KeyPath, name: str, table: Mapping[str, Any], shared: _Shared) -> Domain:
        seen = self._local_parts.setdefault(name, {})
        hidden = shared.hidden | self._hidden((*at, "imap_without"), table.get("imap_without", []))
        listed = self._listed((*at, "accounts"), table.get("accounts", []), name, shared._replace(hidden=hidden))
        written = self._table((*at, "aliases"), table.get("aliases", {}), "aliases")
        aliases = dict(self._aliases((*at, "aliases"), _whole(written, name), name, seen))
        catch_all = table.get("catch_all")
        if catch_all is not None:
            self._steps[name, None] = (*at, "catch_all")
        return Domain(
            name=name,
            mx=_exchanger(self._base),
            accounts=MappingProxyType(dict(listed)),
            aliases=MappingProxyType(aliases),
            catch_all=self._goal((*at, "catch_all"), "catch_all", _in(catch_all, name)),
            imap_without=hidden,
            records=tuple(self._records((*at, "records"), table.get("records", []), name)),
        )

    def _listed(self, at: KeyPath, value: Any, domain: str, shared: _Shared) -> Iterator[tuple[str, Account]]:
        if not isinstance(value, list):
            self.error(at, "accounts must be a list")
            return
        for index, written in enumerate(value):
            place = (*at, index)
            table = self._table(place, written, "an account")
            self._only(place, table, "an account", *_ACCOUNT_KEYS)
            name = table.get("name")
            if not isinstance(name, str):
                self.error((*place, "name"), "an account has a name, the part of its address before the @")
                continue
            address = self._local_part((*place, "name"), name, domain, self._local_parts[domain])
            if address is None:
                continue
            own = table.get("quota")
            limit = shared.quota if own is None else self._quota((*place, "quota"), own)
            facts = {key: table[key] for key in _PLAIN_KEYS if key in table}
            facts |= {} if limit is None else {"quota": limit}
            account = self._account_reader.read(place, address, facts, shared.hidden)
            assert account is not None  # noqa: S101 - it is a table
            yield address.key[0], account

    def _shared_quota(self, at: KeyPath, value: Any) -> str | None:
        """Return the quota of all accounts, checked here: there may be no account yet."""
        quota = self._quota(at, value)
        try:
            parse_quota(quota or "none")
        except ValueError as error:
            self.error(at, f"the quota {error}")
            return None
        return quota

    def _quota(self, at: KeyPath, value: Any) -> str | None:
        """Return a quota as the world file writes it; it may be an object too, or None."""
        if not isinstance(value, dict):
            return value if isinstance(value, str) or value is None else "?"
        self._only(at, value, "a quota", "storage", "messages", "reject")
        storage, messages = value.get("storage"), value.get("messages")
        numbers = (("storage", storage), ("messages", messages))
        wrong = [key for key, number in numbers if not (number is None or _is_count(number))]
        for key in wrong:
            self.error((*at, key), f"{key} must be a whole number, or null where there is no limit")
        if wrong:
            return None
        words = [str(storage)] * (storage is not None) + [f"{messages} messages"] * (messages is not None)
        return " ".join([*words, "reject"] if value.get("reject") and words else words or ["none"])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _whole(aliases: Mapping[str, Any], domain: str) -> dict[str, Any]:
    """Return aliases with the targets that name no domain put in this one."""
    return {
        name: [_in(target, domain) for target in targets] if isinstance(targets, list) else _in(targets, domain)
        for name, targets in aliases.items()
    }


def _in(target: Any, domain: str) -> Any:
    return f"{target}@{domain}" if isinstance(target, str) and "@" not in target else target
