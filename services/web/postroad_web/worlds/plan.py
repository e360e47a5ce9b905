"""From what a client asks for to the definition of a world, in which nothing is left open. Pure.

A name may be a whole address, as clients have it, if its domain is the one that it is given in.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.mail.address import AddressError, domain_key, parse_address
from postroad.world.overlay import Fault, OverlayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CAPTURE = "outside"  # the local-part of the capture box, or with a number behind it
TOP = "test"  # RFC 6761 §6.2: the top-level domain of names that are invented


class NoSuchDomain(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """The world does not have this domain."""


class Further(NamedTuple):
    """A definition with an account more."""

    definition: dict[str, Any]
    domain: str
    account: dict[str, Any]
    at: str  # the account in the definition

    def told(self, error: OverlayError) -> OverlayError:
        """Return an error of this definition in the words of whoever asked for the account."""
        return OverlayError(
            tuple(fault._replace(field=fault.field.removeprefix(f"{self.at}.")) for fault in error.faults)
        )


def plan(asked: Mapping[str, Any], ident: str, secret: Callable[[], str]) -> dict[str, Any]:
    """Return the definition of a world; `asked` has the members that the request has, and `secret` draws passwords.

    Raises `OverlayError` where a name is an address of another domain.
    """
    password = asked.get("password")
    wanted = asked.get("domains", 1)
    given: Sequence[Mapping[str, Any]] = [{}] * wanted if isinstance(wanted, int) else wanted
    names = _names(ident, {domain["name"].lower() for domain in given if "name" in domain})
    named = [
        {**domain, "name": domain["name"].removesuffix(".") if "name" in domain else next(names)} for domain in given
    ]
    faults: list[Fault] = []
    domains = [_domain(domain, f"domains.{index}", password, secret, faults) for index, domain in enumerate(named)]
    if faults:
        raise OverlayError(tuple(faults))
    definition = {
        "id": ident,
        "owner": asked.get("owner", ""),
        "app": {"user": ident, "password": secret()},
        "domains": domains,
    }
    if domains:
        definition["capture"] = {"login": _capture(domains[0]), "password": password or secret()}
    return definition | {key: asked[key] for key in ("imap_without", "quota") if key in asked}


def further(
    definition: Mapping[str, Any],
    asked: Mapping[str, Any],
    domain: str | None,
    password: str | None,
    secret: Callable[[], str],
) -> Further:
    """Return a world's definition with an account more, in a domain, else in that of its address, else in the first.

    Raises `NoSuchDomain`, and `OverlayError` if the world has the name already.
    """
    domains = [dict(domain) for domain in definition["domains"]]
    wanted = domain or asked["name"].rpartition("@")[2] if "@" in asked["name"] else domain
    index = next(
        (index for index, domain in enumerate(domains) if same_domain(domain["name"], wanted or domain["name"])), None
    )
    if index is None:
        raise NoSuchDomain(wanted)
    own = domains[index]
    try:
        name = local_part(asked["name"], own["name"])
    except ValueError as error:
        raise OverlayError((Fault("name", str(error)),)) from None
    capture = [definition["capture"]["login"].rpartition("@")[0]] if index == 0 else []
    if name.casefold() in {*_names_in(own), *capture}:
        raise OverlayError((Fault("name", f"{name}@{own['name']} exists already"),))
    new = account(asked, name, password, secret)
    own["accounts"] = [*own["accounts"], new]
    at = f"domains.{index}.accounts.{len(own['accounts']) - 1}"
    return Further({**definition, "domains": domains}, own["name"], new, at)


def account(asked: Mapping[str, Any], name: str, password: str | None, secret: Callable[[], str]) -> dict[str, Any]:
    """Return the definition of one account with this local-part."""
    more = {key: asked[key] for key in ("quota", "imap_without", "append_limits") if key in asked}
    return {"name": name, "password": asked.get("password") or password or secret(), **more}


def local_part(name: str, domain: str) -> str:
    """Return the local-part of a name in a domain; raises `ValueError` if it is an address of another one."""
    if "@" not in name:
        return name
    try:
        address = parse_address(name)
    except AddressError as error:
        raise ValueError(f"{name!r} is no address: {error}") from None
    if not same_domain(address.domain, domain):
        raise ValueError(f"{name} is not in {domain}")
    return address.local_part


def same_domain(name: str, other: str) -> bool:
    """Whether two names are of the same domain, however it is written."""
    try:
        return domain_key(name) == domain_key(other)
    except AddressError:
        return False


def _names(ident: str, taken: set[str]) -> Iterator[str]:
    """Return names for domains that were given none: the ID's, then with numbers; none that another one has."""
    numbered = (f"{ident}.{TOP}" if count == 1 else f"{ident}-{count}.{TOP}" for count in itertools.count(1))
    return (name for name in numbered if name not in taken)


def _domain(
    asked: Mapping[str, Any], at: str, password: str | None, secret: Callable[[], str], faults: list[Fault]
) -> dict[str, Any]:
    def named(name: str, field: str) -> str:
        try:
            return local_part(name, asked["name"])
        except ValueError as error:
            faults.append(Fault(f"{at}.{field}", str(error)))
            return name

    return {
        "name": asked["name"],
        "accounts": [
            account(given, named(given["name"], f"accounts.{index}.name"), password, secret)
            for index, given in enumerate(asked.get("accounts", ()))
        ],
        "aliases": {named(name, f"aliases.{name}"): goals for name, goals in asked.get("aliases", {}).items()},
        "catch_all": asked.get("catch_all"),
        "records": list(asked.get("records", ())),
    }


def _capture(domain: Mapping[str, Any]) -> str:
    """Return the address of the capture box, which no account or alias has."""
    taken = _names_in(domain)
    name, count = CAPTURE, 1
    while name in taken:
        count += 1
        name = f"{CAPTURE}-{count}"
    return f"{name}@{domain['name']}"


def _names_in(domain: Mapping[str, Any]) -> set[str]:
    """Return the names that a domain has, as they are compared."""
    return {name.casefold() for name in (*(account["name"] for account in domain["accounts"]), *domain["aliases"])}
