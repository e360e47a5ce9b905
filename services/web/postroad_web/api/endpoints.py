"""Where the stack's protocols are spoken, as its own machine sees it, and as containers on its network do."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from postroad.world.world import Role

if TYPE_CHECKING:
    from postroad.config import Settings
    from postroad.world.world import World

LOCALHOST = "localhost"
# By the settings' names of their ports; without a role, a protocol is at the front, or in containers at the relay's.
PROTOCOLS: dict[str, Role | None] = {
    "dns": Role.DNS,
    "app": None,
    "smtp": Role.RELAY,
    "submission": Role.RELAY,
    "submissions": Role.RELAY,
    "pop3": Role.STORE,
    "pop3s": Role.STORE,
    "imap": Role.STORE,
    "imaps": Role.STORE,
    "sieve": Role.STORE,
    "lmtp": Role.STORE,
}


class Endpoint(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def endpoints(settings: Settings, world: World, asked_by: str = LOCALHOST) -> dict[str, Endpoint]:
    """Return the endpoint of each protocol. `asked_by` is the name by which the client reached the web service.

    What containers publish is on localhost, for clients that asked there; others are on the containers' network.
    """
    if settings.published and _is_local(asked_by):
        return {name: Endpoint(LOCALHOST, port) for name, port in settings.published if name != "web"}
    places = {}
    for name, role in PROTOCOLS.items():
        # In containers each service listens on all its addresses, and its host has one of the world's.
        own = not settings.listen or settings.published
        host = (
            str(world.host_of(role or Role.RELAY).address) if own and (role or settings.published) else settings.front
        )
        places[name] = Endpoint(_shown(host), getattr(settings, f"{name}_port"))
    return places


def _is_local(host: str) -> bool:
    name = host.strip("[]").lower().rstrip(".")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == LOCALHOST or name.endswith(f".{LOCALHOST}")


def _shown(host: str) -> str:
    return LOCALHOST if host in {"127.0.0.1", "0.0.0.0"} else host
