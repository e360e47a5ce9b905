"""Worlds over the file's: their definitions, the API that makes and drops them, and the doors of the services."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.control.client import DoorClient
from postroad.control.token import read_token
from tests.harness.stack import WAIT, Port, User

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


class Answer(NamedTuple):
    """What the API has answered."""

    status: int
    body: Any


class Worlds:
    """The worlds of a stack."""

    def __init__(self, stack: ProcessStack) -> None:
        self._stack = stack

    def api(self, method: str, path: str, value: Any = None) -> Answer:
        """Ask the web service."""
        endpoint = self._stack.endpoint(Port.WEB)
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"http://{endpoint.host}:{endpoint.port}{path}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as response:
                octets = response.read()
                return Answer(response.status, json.loads(octets) if octets else None)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.loads(error.read()))

    def make(self, ident: str, *accounts: str, **more: Any) -> dict[str, Any]:
        """Make a world with one domain; each password is the name of its account, backwards."""
        listed = [{"name": name, "password": name[::-1]} for name in accounts or ("bob",)]
        asked = {"id": ident, "domains": [{"accounts": listed}], **more}
        status, body = self.api("POST", "/v1/worlds", asked)
        assert status == 201, body
        world: dict[str, Any] = body
        return world

    def drop(self, ident: str) -> None:
        """Drop a world."""
        answer = self.api("DELETE", f"/v1/worlds/{ident}")
        assert answer.status == 204, answer

    def listed(self) -> list[list[str]]:
        """Return the worlds that each service has, and those of the API."""
        api = [world["id"] for world in self.api("GET", "/v1/worlds").body["worlds"]]
        return [*(list(answer["worlds"]) for answer in self.ask(lambda door: door.get("/worlds"))), api]

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


def user(world: dict[str, Any], name: str) -> User:
    """Return an account of a world that was made."""
    for account in (account for domain in world["domains"] for account in domain["accounts"]):
        if name in {account["name"], account["address"]}:
            return User(account["login"], account["password"])
    raise KeyError(name)


def outside(world: dict[str, Any]) -> User:
    """Return the capture box of a world."""
    return User(world["capture"]["login"], world["capture"]["password"])
