"""The faults of each world: a test that asks for some sees them itself, and no other does. Pure.

A command is of the world that the client's name or port decides; without one, RCPT is of its recipient's world, and
MAIL of the default world.
"""

from __future__ import annotations

from postroad.world.world import DEFAULT_WORLD
from postroad_relay.submission.faults import Faults

_NONE = Faults()  # those that nobody has asked for


class WorldFaults:
    """The faults that are in force, by world."""

    def __init__(self) -> None:
        self._by_world = {DEFAULT_WORLD: Faults()}
        self.spare_all_lines = True  # whether the lines of all worlds are good

    def of(self, world: str) -> Faults:
        """Return the faults of a world."""
        return self._by_world.get(world) or _NONE

    def put(self, world: str, faults: Faults) -> None:
        """Put faults in force in a world."""
        self._by_world[world] = faults
        self._look_at_lines()

    def drop(self, world: str) -> None:
        """Forget a world."""
        self._by_world.pop(world, None)
        self._look_at_lines()

    def _look_at_lines(self) -> None:
        self.spare_all_lines = all(faults.link.is_good for faults in self._by_world.values())
