"""One protocol that the store offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.protocol.contract import Session


@value
class Service:
    """A protocol that a listener serves, on a plaintext and a TLS port together; times in seconds."""

    name: str  # "pop3", as logs say it
    session: Callable[[], Session]
    refusal: bytes  # the line for a connection beyond the limits, CRLF included
    idle_timeout: float  # silence that ends a session
    login_timeout: float = 60.0  # silence that ends it before login
    connections: int = 500
    connections_per_address: int = 100
