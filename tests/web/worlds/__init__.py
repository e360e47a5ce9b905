"""The worlds of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.world.world import World


class SomeWorlds:
    """The default world, and those that are given: their passwords by their IDs. Each has the domain `<ID>.test`."""

    def __init__(self, **passwords: str) -> None:
        self.passwords = passwords
        self.times = {"default": 0.0, **dict.fromkeys(passwords, 0.0)}
        self.worlds: dict[str, World] = {}

    def begun(self, world: str) -> float | None:
        return self.times.get(world)

    def password(self, world: str) -> str | None:
        return self.passwords.get(world)

    def of_domain(self, domain: str) -> str:
        world = domain.removesuffix(".test")
        return world if world in self.times and world != domain else "default"

    def others(self) -> list[str]:
        return [world for world in self.times if world != "default"]

    def made(self, world: str) -> World | None:
        return self.worlds.get(world)
