"""A world as the API describes it: domains, accounts, and the credentials of the app under test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postroad_kit.reading import when

if TYPE_CHECKING:
    from datetime import datetime

DEFAULT = "default"  # the world of the world file


@dataclass(frozen=True, slots=True)
class Login:
    """A user name with its password."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account: by its name in its domain, and by what a client logs in with."""

    name: str
    address: str
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class DomainInfo:
    """A domain with its accounts and aliases."""

    name: str
    accounts: tuple[AccountInfo, ...]
    aliases: Mapping[str, tuple[str, ...]]
    catch_all: str | None
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A world, as it was made.

    `app` is what an app logs in with at the app door, so that its mail is this world's; `capture` is the account that
    gets what the world's people send to strangers. The default world has neither.
    """

    id: str
    owner: str
    expires: datetime | None
    app: Login | None
    capture: Login | None
    domains: tuple[DomainInfo, ...]


DEFAULT_DEFINITION = Definition(DEFAULT, "", None, None, None, ())


Accounts = Sequence[str | Mapping[str, Any]]


def wanted(ident: str | None, accounts: Accounts | None, **members: Any) -> dict[str, Any]:
    """Return what `POST /v1/worlds` takes, without what is None.

    With `accounts`, by name or with more members, the world has one domain with them, which the API names. Domains, and
    the accounts in them, may be given by their names too. What is wrong is left for the API to say.
    """
    if accounts is not None:
        if members.get("domains") is not None:
            raise ValueError("give accounts, which get a domain, or domains with accounts, not both")
        members["domains"] = [{"accounts": accounts}]
    if isinstance(members.get("domains"), list | tuple):
        domains = map(_named, members["domains"])
        members["domains"] = [
            {**domain, "accounts": _all_named(domain["accounts"])}
            if isinstance(domain, dict) and "accounts" in domain
            else domain
            for domain in domains
        ]
    return {name: member for name, member in {"id": ident, **members}.items() if member is not None}


def _all_named(values: Any) -> Any:
    """Return accounts with their members; a lone name is no list of its letters."""
    return values if isinstance(values, str) or not isinstance(values, Sequence) else [*map(_named, values)]


def _named(value: Any) -> Any:
    """Return what may be given by its name alone, with its members."""
    if isinstance(value, str):
        return {"name": value}
    return dict(value) if isinstance(value, Mapping) else value


def with_account(asked: Mapping[str, Any], account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `wanted` has returned with one more account in the first domain, where that is easily said.

    It is not where domains are only counted, the account's name is an address or taken, or the API will refuse what is
    wanted anyway.
    """
    domains = asked.get("domains", [{}])
    if not isinstance(domains, list) or not domains or not isinstance(domains[0], dict) or "@" in account["name"]:
        return dict(asked)
    first, *others = domains
    accounts = first.get("accounts", [])
    if not isinstance(accounts, list):
        return dict(asked)
    names = [account.get("name") for account in accounts if isinstance(account, dict)] + list(first.get("aliases", ()))
    if account["name"].casefold() in map(str.casefold, map(str, names)):
        return dict(asked)
    return {**asked, "domains": [{**first, "accounts": [*accounts, dict(account)]}, *others]}


def definition_of(answer: Mapping[str, Any]) -> Definition:
    """Return a world of the API's JSON."""
    app, capture = answer.get("app"), answer.get("capture")
    return Definition(
        answer["id"],
        answer.get("owner") or "",
        when(answer.get("expires")),
        None if app is None else Login(app["user"], app["password"]),
        None if capture is None else Login(capture["login"], capture["password"]),
        tuple(map(_domain, answer.get("domains", ()))),
    )


def account_of(answer: Mapping[str, Any]) -> AccountInfo:
    """Return an account of the API's JSON; a password that is hashed in the world file is not known."""
    login = answer["login"]
    return AccountInfo(answer["name"], answer.get("address") or login, login, answer.get("password") or "")


def _domain(domain: Mapping[str, Any]) -> DomainInfo:
    return DomainInfo(
        domain["name"],
        tuple(map(account_of, domain.get("accounts", ()))),
        {name: tuple(targets) for name, targets in (domain.get("aliases") or {}).items()},
        domain.get("catch_all"),
        tuple(domain.get("records", ())),
    )
