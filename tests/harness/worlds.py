"""Worlds over the file's: their definitions, and the doors by which a test makes and drops them in the services."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorClient
from postroad.control.token import read_token
from tests.harness.stack import User

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.harness.processes import ProcessStack

ADDRESSES = {"dns": 53, "relay": 25, "store": 143}


def definition(ident: str, *domains: str, accounts: Iterable[str] = ("bob",), **more: Any) -> dict[str, Any]:
    """Return the definition of a world; each password is the name of its account, backwards."""
    names = domains or (f"{ident}.test",)
    return {
        "id": ident,
        "app": {"user": ident, "password": "app"},
        "capture": {"login": f"outside@{names[0]}", "password": "edistuo"},
        "domains": [
            {"name": name, "accounts": [{"name": account, "password": account[::-1]} for account in accounts]}
            for name in names
        ],
        **more,
    }


def user(address: str) -> User:
    """Return an account of such a world."""
    return User(address, address.partition("@")[0][::-1])


class Worlds:
    """The doors of a stack's dns, relay and store."""

    def __init__(self, stack: ProcessStack) -> None:
        self._stack = stack

    def put(self, definition: dict[str, Any], services: Iterable[str] = ADDRESSES) -> None:
        """Make a world, or change it."""
        self.ask(lambda door: door.put(f"/worlds/{definition['id']}", definition), services)

    def drop(self, ident: str, services: Iterable[str] = ADDRESSES) -> None:
        """Drop a world."""
        self.ask(lambda door: door.delete(f"/worlds/{ident}"), services)

    def listed(self) -> list[list[str]]:
        """Return the worlds that each service has."""
        return [answer["worlds"] for answer in self.ask(lambda door: door.get("/worlds"))]

    def ask(self, request: Callable[[DoorClient], Awaitable[Any]], services: Iterable[str] = ADDRESSES) -> list[Any]:
        """Ask the doors of some services the same, one after the other."""
        token = read_token(self._stack.data / "control")

        async def ask() -> list[Any]:
            answers = []
            for service in services:
                address = f"{self._stack.network}.{ADDRESSES[service]}"
                door = DoorClient(service, address, 8026, token)
                try:
                    answers.append(await request(door))
                finally:
                    await door.close()
            return answers

        return asyncio.run(ask())
