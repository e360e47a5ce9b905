"""What a client says of a world that is to be made, or changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from postroad.world.domains import any_name
from postroad.world.overlay import WORLD_ID
from postroad.world.secret import SecretError, check_secret
from postroad_web.api.fields import Kind, either, flag, given, inner, line, many, mapping, text, whole, wrong

MOST_DOMAINS = 1000
LONGEST_TTL = 10 * 365 * 86400  # seconds


def _ident() -> Kind:
    named = line(most=32)

    def parse(value: Any) -> str:
        ident: str = named.parse(value)
        if not WORLD_ID.fullmatch(ident):
            raise wrong("must be of lower-case letters, digits and hyphens, at most 32, with no hyphen at an end")
        return ident

    return Kind(parse, {"type": "string", "pattern": f"^{WORLD_ID.pattern}$"})


def _capabilities() -> Kind:
    def parse(value: Any) -> str:
        fault = any_name(value) if isinstance(value, str) else "must be the name of a capability"
        if fault is not None:
            raise wrong(fault)
        return str(value)

    return many(Kind(parse, {"type": "string"}), most=200)


def _password() -> Kind:
    plain = text(least=1, most=500)

    def parse(value: Any) -> str:
        password: str = plain.parse(value)
        try:
            check_secret(password)
        except SecretError as error:
            raise wrong(f"is of no use: {error}") from None
        return password

    return Kind(parse, plain.schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much mail an account may have."""

    storage: int | None = given(whole(), "octets", default=None)
    messages: int | None = given(whole(), "messages", default=None)
    reject: bool = given(flag(), "whether more is returned at once, and not tried again", default=False)


QUOTA = either(inner(Quota), line(most=100), sentence="must be an object, or a text such as 100M 1000 messages")
_WITHOUT = _capabilities()
_LIMIT = either(whole(), line(most=20), sentence="must be a number of octets, or a size such as 10K")
_TARGETS = either(line(most=320), many(line(most=320), least=1), sentence="must be an address, or a list of addresses")
_TTL = either(whole(1, LONGEST_TTL), sentence=f"must be a number of seconds, at most {LONGEST_TTL}, or null")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account."""

    name: str = given(line(most=64), "the part of its address before the @", example="bob")
    password: str | None = given(_password(), "left out: the world's, or a random one", default=None)
    quota: Quota | str | None = given(QUOTA, "how much mail it may have", default=None)  # noqa: RUF009 - it is field()
    imap_without: tuple[str, ...] = given(_WITHOUT, "capabilities of IMAP that are hidden from it", default=())
    append_limits: dict[str, Any] | None = given(  # noqa: RUF009 - it is field()
        mapping(_LIMIT, most=1_000, key=1_000), "the largest message that IMAP may append, by mailbox", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDomain:
    """A domain."""

    name: str | None = given(line(most=253), "left out: the world's ID below test", default=None, example="shop.test")
    accounts: tuple[NewAccount, ...] = given(many(inner(NewAccount), most=10_000), "its accounts", default=())
    aliases: dict[str, Any] | None = given(  # noqa: RUF009 - it is field()
        mapping(_TARGETS, most=10_000, key=64), "where mail for further names goes", default=None
    )
    catch_all: str | None = given(line(most=320), "who gets mail for names that there are not", default=None)
    records: tuple[str, ...] = given(
        many(line(most=70_000), most=10_000), "further records of its zone, in master-file form", default=()
    )


_DOMAINS = either(
    whole(1, MOST_DOMAINS),
    many(inner(NewDomain), least=1, most=MOST_DOMAINS),
    sentence=f"must be a number from 1 to {MOST_DOMAINS}, or a list of that many domains",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A world to make; all of it may be left out."""

    id: str | None = given(_ident(), "its ID; left out: a random one", default=None, example="checkout")
    owner: str = given(line(least=0, most=1000), "whose it is, for people", default="")
    ttl: int | None = given(_TTL, "after how many seconds it is dropped; left out: never", default=None)
    password: str | None = given(_password(), "that of accounts without their own", default=None)
    imap_without: tuple[str, ...] = given(_WITHOUT, "capabilities of IMAP that are hidden", default=())
    quota: Quota | str | None = given(QUOTA, "how much mail each account may have", default=None)  # noqa: RUF009 - it is field()
    domains: int | tuple[NewDomain, ...] = given(_DOMAINS, "its domains, or how many with random names", default=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be another; what is left out stays."""

    owner: str | None = given(line(least=0, most=1000), "whose it is", default=None)
    ttl: int | None = given(whole(0, LONGEST_TTL), "in how many seconds it is dropped; 0: never", default=None)
    imap_without: tuple[str, ...] | None = given(_WITHOUT, "capabilities of IMAP that are hidden", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherAccount(NewAccount):
    """An account, and where."""

    domain: str | None = given(line(most=253), "left out: the first domain", default=None)
