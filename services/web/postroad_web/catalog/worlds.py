"""The worlds that there are, as the catalog and the API ask for them."""

from __future__ import annotations

from typing import Protocol

from postroad.world.world import DEFAULT_WORLD

EVERY = "*"  # in the place of a world's ID: all worlds


class Worlds(Protocol):
    """All worlds. Any thread may ask."""

    def begun(self, world: str) -> float | None:
        """Return when a world was made, in seconds since the epoch; None: there is no world with this ID."""

    def password(self, world: str) -> str | None:
        """Return the password of a world's app user, whose name is the world's ID; None: there is no such user."""


class DefaultWorld:
    """The world file's, alone."""

    def begun(self, world: str) -> float | None:
        """Return 0 for the default world: it was always there."""
        return 0.0 if world == DEFAULT_WORLD else None

    def password(self, world: str) -> str | None:  # noqa: ARG002 - the protocol's
        """Return None: the default world has no app user."""
        return None
