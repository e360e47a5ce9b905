"""From what a client asks for to the definition of a world, in which nothing is left open. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CAPTURE = "outside"  # the local-part of the capture box, or with a number behind it
TOP = "test"  # RFC 6761 §6.2: the top-level domain of names that are invented


def plan(asked: Mapping[str, Any], ident: str, secret: Callable[[], str]) -> dict[str, Any]:
    """Return the definition of a world; `asked` has the members that the request has, and `secret` draws passwords."""
    password = asked.get("password")
    wanted = asked.get("domains", 1)
    given: Sequence[Mapping[str, Any]] = [{}] * wanted if isinstance(wanted, int) else wanted
    names = _names(ident, {domain["name"].lower() for domain in given if "name" in domain})
    named = [domain if "name" in domain else {**domain, "name": next(names)} for domain in given]
    domains = [_domain(domain, password, secret) for domain in named]
    definition = {
        "id": ident,
        "owner": asked.get("owner", ""),
        "app": {"user": ident, "password": secret()},
        "domains": domains,
    }
    if domains:
        definition["capture"] = {"login": _capture(domains[0]), "password": password or secret()}
    return definition | {key: asked[key] for key in ("imap_without", "quota") if key in asked}


def account(asked: Mapping[str, Any], password: str | None, secret: Callable[[], str]) -> dict[str, Any]:
    """Return the definition of one account; its name may be an address."""
    name = asked["name"].partition("@")[0]
    more = {key: asked[key] for key in ("quota", "imap_without", "append_limits") if key in asked}
    return {"name": name, "password": asked.get("password") or password or secret(), **more}


def _names(ident: str, taken: set[str]) -> Iterator[str]:
    """Return names for domains that were given none: the ID's, then with numbers; none that another one has."""
    numbered = (f"{ident}.{TOP}" if count == 1 else f"{ident}-{count}.{TOP}" for count in itertools.count(1))
    return (name for name in numbered if name not in taken)


def _domain(asked: Mapping[str, Any], password: str | None, secret: Callable[[], str]) -> dict[str, Any]:
    return {
        "name": asked["name"],
        "accounts": [account(one, password, secret) for one in asked.get("accounts", ())],
        "aliases": dict(asked.get("aliases", {})),
        "catch_all": asked.get("catch_all"),
        "records": list(asked.get("records", ())),
    }


def _capture(domain: Mapping[str, Any]) -> str:
    """Return the address of the capture box, which no account or alias has."""
    taken = {one["name"].casefold() for one in domain["accounts"]} | {alias.casefold() for alias in domain["aliases"]}
    name, count = CAPTURE, 1
    while name in taken:
        count += 1
        name = f"{CAPTURE}-{count}"
    return f"{name}@{domain['name']}"
