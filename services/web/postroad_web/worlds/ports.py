"""The ports that worlds may have, and which of them each has. Pure.

A port that is free again is given out last: a program of the test before may still send to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


class Ports:
    """The ports of a range; a world that was made when the range was another one keeps what it has."""

    def __init__(self, ports: range) -> None:
        self.range = ports
        self._free = dict.fromkeys(ports)  # in the order in which they are given out
        self._owners: dict[int, str] = {}

    def owner(self, port: int) -> str | None:
        """Return the ID of the world that has a port, None if it is free."""
        return self._owners.get(port)

    def free(self, but: Container[int] = ()) -> int | None:
        """Return the port that has been free for the longest time; None: there is none `but` these."""
        return next((port for port in self._free if port not in but), None)

    def take(self, ident: str, ports: Iterable[int]) -> None:
        """Give ports to a world."""
        for port in ports:
            self._owners[port] = ident
            self._free.pop(port, None)

    def give_back(self, ports: Iterable[int]) -> None:
        """Let ports be free again."""
        for port in ports:
            if self._owners.pop(port, None) is not None and port in self.range:
                self._free[port] = None
