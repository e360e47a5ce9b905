"""subaddress (RFC 5233): the user and the detail of a local-part such as `ken+sieve`."""

from __future__ import annotations

from postroad.world.world import SUBADDRESS_SEPARATOR
from postroad_store.sieve.spec import AddressPart, Extension


def _user(local: str, domain: str | None) -> str | None:
    return None if domain is None else local.partition(SUBADDRESS_SEPARATOR)[0]


def _detail(local: str, domain: str | None) -> str | None:
    # RFC 5233 §4: without a separator, ":detail" is not there, and nothing matches it
    _, separator, detail = local.partition(SUBADDRESS_SEPARATOR)
    return detail if separator and domain is not None else None


EXTENSION = Extension("subaddress", parts=(AddressPart(":user", _user), AddressPart(":detail", _detail)))
