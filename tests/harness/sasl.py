"""SASL as the services have it, with a nonce and a key that never change, so that exchanges can be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.clock import Clock
from postroad.sasl.channel import END_POINT, EXPORTER, PLAINTEXT, Channel, Encrypted
from postroad.sasl.server import CHECKED, Sasl
from postroad.world.realm import AccountRealm

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.world.world import Account, World

NOW = 1_772_366_400  # 1 March 2026, noon UTC
KEY = b"key of the tests"
NONCE = "1"
TLS = Encrypted({EXPORTER: b"exported", END_POINT: b"end point"})
UNBOUND = Encrypted({})  # as Python's ssl is over TLS 1.3


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
