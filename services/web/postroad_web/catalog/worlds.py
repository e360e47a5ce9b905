"""The worlds that there are, as the catalog and the API ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad.world.world import World

EVERY = "*"  # in the place of a world's ID: all worlds


class Worlds(Protocol):
    """All worlds. Any thread may ask."""

    def begun(self, world: str) -> float | None:
        """Return when a world was made, in seconds since the epoch; None: there is no world with this ID."""

    def password(self, world: str) -> str | None:
        """Return the password of a world's app user, whose name is the world's ID; None: there is no such user."""

    def of_domain(self, domain: str) -> str:
        """Return the ID of the world that has a domain; the default world's, if none has."""

    def made(self, world: str) -> World | None:
        """Return a world that is not the file's, as services see it."""

    def others(self) -> Iterable[str]:
        """Return the IDs of all worlds but the default."""


class DefaultWorld:
    """The world file's, alone."""

    def begun(self, world: str) -> float | None:
        """Return 0 for the default world: it was always there."""
        return 0.0 if world == DEFAULT_WORLD else None

    def password(self, world: str) -> str | None:  # noqa: ARG002 - the protocol's, as below
        """Return None: the default world has no app user."""
        return None

    def of_domain(self, domain: str) -> str:  # noqa: ARG002
        """Return the default world."""
        return DEFAULT_WORLD

    def made(self, world: str) -> World | None:  # noqa: ARG002
        """Return None: there are no others."""
        return None

    def others(self) -> Iterable[str]:
        """Return none."""
        return ()


def is_admitted(worlds: Worlds, world: str, when: float) -> bool:
    """Whether something that has happened in a world then belongs to the world that has this ID now."""
    begun = worlds.begun(world)
    # The journal's times may be cut to milliseconds.
    return begun is not None and when >= begun - 0.001


def world_of_refusal(worlds: Worlds, event: Mapping[str, Any]) -> str:
    """Return the world in which the relay has refused something, by its event.

    An event without a world is the default world's, unless a name or a recipient in it is another's.
    """
    if event.get("world"):
        return str(event["world"])
    login = str(event.get("login") or "")
    if login != DEFAULT_WORLD and worlds.begun(login) is not None:
        return login
    recipients = event.get("recipients") or [event.get("recipient") or ""]
    for address in (login, *recipients):
        world = worlds.of_domain(str(address).rpartition("@")[2])
        if world != DEFAULT_WORLD:
            return world
    return DEFAULT_WORLD
