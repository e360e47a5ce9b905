"""The worlds of a test."""

from __future__ import annotations


class SomeWorlds:
    """The default world, and those that are given: their passwords by their IDs."""

    def __init__(self, **passwords: str) -> None:
        self.passwords = passwords
        self.times = {"default": 0.0, **dict.fromkeys(passwords, 0.0)}

    def begun(self, world: str) -> float | None:
        return self.times.get(world)

    def password(self, world: str) -> str | None:
        return self.passwords.get(world)
