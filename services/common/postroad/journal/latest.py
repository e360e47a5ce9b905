"""Up to which number the events of one world go: who waits for a world need not wait for what happens in all others."""

from __future__ import annotations

MOST = 1000  # worlds that are kept apart; of the others it is known that their events are older


class Latest:
    """The number of the latest event of each world. Those of a world grow; events before `number` may be of any."""

    def __init__(self, number: int) -> None:
        self._every = number  # of the latest event that may be of any world
        self._of: dict[str, int] = {}  # by world, the oldest first

    def note(self, world: str | None, number: int) -> None:
        """Note an event; None: nobody says whose it is."""
        if world is None:
            self._every = max(self._every, number)
            return
        self._of.pop(world, None)
        self._of[world] = number
        if len(self._of) > MOST:
            self._every = max(self._every, self._of.pop(next(iter(self._of))))

    def of(self, world: str) -> int:
        """Return a number above which there is no event of a world."""
        return max(self._every, self._of.get(world, 0))
