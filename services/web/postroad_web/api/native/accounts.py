"""The accounts: those of the world, and those that were made by the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from postroad.mail.address import Address
from postroad.world.world import DEFAULT_WORLD
from postroad_web.api.answer import json
from postroad_web.api.describe import listed, operation, record, ref
from postroad_web.api.fields import given, line, query_of, whole
from postroad_web.api.native.places import ACCOUNT, login_of, world_of_login
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad.world.world import World
    from postroad_web.api.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of the accounts."""

    after: str | None = given(line(most=400), "the cursor of the page, which the page before it gave", default=None)
    limit: int = given(whole(1, 1000), "the most accounts of a page", default=200)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    names: _Names | None = None

    def names_of(ident: str) -> _Names:
        """Return the names of a world as it is now; to gather them anew takes long in a large one, as the file's is."""
        nonlocal names
        if ident != DEFAULT_WORLD:
            return _Names(services.world_named(ident))
        if names is None or names.world is not services.world:
            names = _Names(services.world)
        return names

    async def listed_in(world: str) -> list[dict[str, Any]]:
        """Return the accounts of a world, or of all, as the store counts them."""
        wanted = {} if world == EVERY else {"world": world}
        entries = (await services.store.get("/accounts", **wanted))["accounts"]
        return [entry for entry in entries if world in {EVERY, world_of_login(services, entry["login"])}]

    async def accounts(request: Request) -> Response:
        page = query_of(request, Page)
        counted = await listed_in(world_of(request))
        rest = [entry for entry in counted if page.after is None or entry["login"] > page.after]
        by_world: dict[str, _Names] = {}
        shown = []
        for entry in rest[: page.limit]:
            world = world_of_login(services, entry["login"])
            if world not in by_world:
                by_world[world] = names_of(world)
            shown.append(by_world[world].account(entry))
        return json({"accounts": shown, "next": shown[-1]["login"] if len(rest) > page.limit else None})

    async def account(request: Request) -> Response:
        login = login_of(services, request)
        world = world_of_login(services, login)
        known = services.world_named(world).account(login)
        wanted = known.login if known is not None else login
        for entry in await listed_in(world):
            if entry["login"] == wanted:
                return json(names_of(world).account(entry))
        raise Problem(404, "No such account", f"There is no account {login[:200]}.")

    return [Route("/v1/accounts", accounts), Route(ACCOUNT, account)]


class _Names:
    """Which addresses lead to each account of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._aliases: dict[str, list[str]] = {}  # by login
        for domain in world.domains.values():
            for local_part in domain.aliases:
                address = Address(local_part, domain.name)
                for account in world.resolve(address):
                    self._aliases.setdefault(account.login, []).append(str(address))
        self._catches: dict[str, list[str]] = {}
        for domain in world.domains.values():
            if domain.catch_all is not None:
                for account in world.resolve(domain.catch_all):
                    self._catches.setdefault(account.login, []).append(domain.name)
        self._captures = {account.login for account in world.resolve(world.capture)} if world.capture else set()

    def account(self, counts: dict[str, Any]) -> dict[str, Any]:
        """Return an account as the API shows it."""
        login = counts["login"]
        return {
            "login": login,
            "world": self.world.id,
            "domain": login.rpartition("@")[2],
            "in_world_file": self.world.account(login) is not None,
            "aliases": sorted(self._aliases.get(login, ())),
            "catch_all_of": sorted(self._catches.get(login, ())),
            "capture": login in self._captures,
            "mailboxes": counts["mailboxes"],
            "messages": counts["messages"],
            "unseen": counts["unseen"],
        }


_NAMES = {"type": "array", "items": {"type": "string"}}
SCHEMAS = {
    "Account": record(
        {
            "login": {"type": "string", "description": "the whole address"},
            "world": {"type": "string"},
            "domain": {"type": "string"},
            "in_world_file": {"type": "boolean", "description": "false: it was made by a delivery or a login"},
            "aliases": {**_NAMES, "description": "addresses that lead to it"},
            "catch_all_of": {**_NAMES, "description": "domains of which it gets the mail for unknown users"},
            "capture": {"type": "boolean", "description": "whether mail for unknown domains is captured here"},
            "mailboxes": {"type": "integer"},
            "messages": {"type": "integer"},
            "unseen": {"type": "integer", "description": "messages without \\Seen"},
        }
    )
}
OPENAPI = {
    "/v1/accounts": {
        "get": operation(
            "accounts",
            "List the accounts",
            query=Page,
            answer=listed(ref("Account"), "accounts", {"type": "string"}),
            errors=(503,),
        )
    },
    "/v1/accounts/{login}": {
        "get": operation(
            "accounts",
            "Read an account",
            path={"login": "the whole address"},
            answer=ref("Account"),
            errors=(404, 503),
        )
    },
}
