"""SASL as the services have it, with a nonce and a key that never change, so that exchanges can be written down."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from postroad.clock import Clock
from postroad.sasl.channel import END_POINT, EXPORTER, PLAINTEXT, Channel, Encrypted
from postroad.sasl.server import CHECKED, Sasl
from postroad.sasl.token import Grant, digest
from postroad.world.realm import AccountRealm
from postroad.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.world.world import Account

NOW = 1_772_366_400  # 1 March 2026, noon UTC
KEY = b"key of the tests"
NONCE = "1"
TLS = Encrypted({EXPORTER: b"exported", END_POINT: b"end point"})
UNBOUND = Encrypted({})  # as Python's ssl is over TLS 1.3


def tokens(login: str) -> dict[str, Grant]:
    """Return the tokens of an account: "whole" for everything, "smtp" for that alone, "old" that has expired."""
    return {
        digest("whole"): Grant(login),
        digest("smtp"): Grant(login, frozenset({"smtp"})),
        digest("old"): Grant(login, expires=NOW),
    }


def channel(*, secure: bool) -> Channel:
    """Return a channel in plaintext, or in a TLS that every test knows."""
    return TLS if secure else PLAINTEXT


def sasl(
    service: str,
    find: Callable[[str], Account | None],
    world: Callable[[], World],
    mechanisms: Any = CHECKED,
    **settings: Any,
) -> Sasl:
    """Return the mechanisms of a service."""
    realm = AccountRealm(find, world, key=KEY, clock=Clock(wall=lambda: NOW))
    return Sasl(service, realm, mechanisms, hostname="mx.test", nonce=lambda: NONCE, **settings)


EMPTY = World(IPv4Network("127.0.0.0/24"), {}, {})


def nobodys(service: str, mechanisms: Any = CHECKED, **settings: Any) -> Sasl:
    """Return the mechanisms of a service that has no accounts."""
    return sasl(service, EMPTY.account, lambda: EMPTY, mechanisms, **({"plaintext_auth": True} | settings))
