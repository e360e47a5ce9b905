"""Worlds: made for a test, say, with domains and accounts of their own, and dropped with all that is in them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from postroad.control.client import DoorRefused
from postroad.mail.address import Address
from postroad.world.world import Account
from postroad_web.api.answer import json
from postroad_web.api.describe import listed, operation, record, ref
from postroad_web.api.fields import body_of, given, line, query_of, whole
from postroad_web.api.native.ports import ports_of
from postroad_web.api.native.refusing import keeper_of, missing, problems
from postroad_web.api.native.shapes import MAYBE_TIME, TIME, time
from postroad_web.api.native.worldly import QUOTA, Change, FurtherAccount, New
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.worlds.keeper import NoSuchWorld

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services
    from postroad_web.worlds.made import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of the worlds."""

    after: str | None = given(line(most=32), "the cursor of the page, which the page before it gave", default=None)
    limit: int = given(whole(1, 200), "the most worlds of a page", default=50)


PATH = {"id": "the world's ID"}
MOST_DROPPED = 100  # worlds at a time


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def make(request: Request) -> Response:
        asked = _members(await body_of(request, New))
        with problems():
            world = await keeper_of(services).make(asked)
        return json(_shown(world, [], messages=0, queued=0, snapshots=[]), 201)

    async def every(request: Request) -> Response:
        page = query_of(request, Page)
        idents = sorted(ident for ident in keeper_of(services).others() if page.after is None or ident > page.after)
        shown = await asyncio.gather(*(whole_of(request, ident) for ident in idents[: page.limit]))
        following = idents[page.limit - 1] if len(idents) > page.limit else None
        return json({"worlds": [world for world in shown if world is not None], "next": following})

    async def whole_of(request: Request, ident: str) -> dict[str, Any] | None:
        """Return all of a world; None if it has gone."""
        try:
            world = keeper_of(services).get(ident)
            state, snapshots = await asyncio.gather(
                services.relay.get("/state", world=ident), services.store.get("/snapshots", world=ident)
            )
        except NoSuchWorld:
            return None
        except DoorRefused as refused:
            if refused.status != 404:
                raise
            return None
        counts = services.catalog.of(ident).counts()
        names = [snapshot["name"] for snapshot in snapshots["snapshots"]]
        ports = ports_of(services, request, world)
        return _shown(world, ports, messages=counts.total, queued=state["queued"], snapshots=names)

    async def one(request: Request) -> Response:
        ident = request.path_params["id"]
        shown = await whole_of(request, ident)
        if shown is None:
            raise missing(ident)
        return json(shown)

    async def drop(request: Request) -> Response:
        named = request.path_params["id"].split(",")
        if len(named) > MOST_DROPPED:
            raise Problem(422, "Too many worlds", f"At most {MOST_DROPPED} worlds are dropped at a time.")
        with problems():
            await keeper_of(services).drop(*named)
        return Response(status_code=204)

    async def change(request: Request) -> Response:
        asked = await body_of(request, Change)
        wanted = {name: value for name, value in asdict(asked).items() if value is not None}
        if "ttl" in wanted:
            wanted["ttl"] = wanted["ttl"] or None
        if "imap_without" in wanted:
            wanted["imap_without"] = list(wanted["imap_without"])
        with problems():
            await keeper_of(services).change(request.path_params["id"], wanted)
        return await one(request)

    async def purge(request: Request) -> Response:
        ident = request.path_params["id"]
        if services.worlds.begun(ident) is None:
            raise missing(ident)
        await services.catalog.of(ident).purge()
        return Response(status_code=204)

    async def add(request: Request) -> Response:
        asked = await body_of(request, FurtherAccount)
        members = _members(asked)
        domain = members.pop("domain", None)
        ident = request.path_params["id"]
        with problems():
            _, name, new = await keeper_of(services).add_account(ident, domain, members)
        return json(_account(new, name), 201)

    return [
        by_method("/v1/worlds", get=every, post=make),
        by_method("/v1/worlds/{id}", get=one, delete=drop, patch=change),
        by_method("/v1/worlds/{id}/purge", post=purge),
        by_method("/v1/worlds/{id}/accounts", post=add),
    ]


def _members(value: Any) -> Any:
    """Return a value, or an object of a request, as JSON has it, without members that were left out."""
    if is_dataclass(value):
        value = {entry.name: getattr(value, entry.name) for entry in fields(value)}
    if isinstance(value, dict):
        return {name: _members(member) for name, member in value.items() if member is not None and member != ()}
    return [_members(item) for item in value] if isinstance(value, list | tuple) else value


def _shown(
    world: Made, ports: list[dict[str, Any]], *, messages: int, queued: int, snapshots: list[str]
) -> dict[str, Any]:
    """Return a world as the API shows it."""
    definition = world.definition
    return {
        "id": world.id,
        "owner": definition["owner"],
        "created": time(world.created),
        "expires": time(world.expires),
        "app": definition["app"],
        "capture": definition["capture"],
        "imap_without": definition.get("imap_without", []),
        "quota": definition.get("quota"),
        "domains": [
            {**domain, "accounts": [_account(account, domain["name"]) for account in domain["accounts"]]}
            for domain in definition["domains"]
        ],
        "ports": ports,
        "messages": messages,
        "queued": queued,
        "snapshots": snapshots,
    }


def _account(account: dict[str, Any], domain: str) -> dict[str, Any]:
    address = Address(account["name"], domain)
    return {
        "name": account["name"],
        "address": str(address),
        "login": Account(address, "").login,
        "password": account["password"],
        "quota": account.get("quota"),
        "imap_without": account.get("imap_without", []),
        "append_limits": account.get("append_limits", {}),
    }


_STRINGS = {"type": "array", "items": {"type": "string"}}
_MAYBE_QUOTA = {"anyOf": [dict(QUOTA.schema), {"type": "null"}]}
SCHEMAS = {
    "WorldAccount": record(
        {
            "name": {"type": "string"},
            "address": {"type": "string"},
            "login": {"type": "string"},
            "password": {"type": "string"},
            "quota": _MAYBE_QUOTA,
            "imap_without": _STRINGS,
            "append_limits": {"type": "object", "description": "octets, or sizes, by mailbox"},
        }
    ),
    "World": record(
        {
            "id": {"type": "string"},
            "owner": {"type": "string"},
            "created": TIME,
            "expires": {**MAYBE_TIME, "description": "when it is dropped; null: never"},
            "app": {
                **record({"user": {"type": "string"}, "password": {"type": "string"}}),
                "description": "by which an app's mail belongs to this world, whomever it is for",
            },
            "capture": {
                **record({"login": {"type": "string"}, "password": {"type": "string"}}),
                "description": "the account that gets what this world sends to strangers",
            },
            "imap_without": _STRINGS,
            "quota": _MAYBE_QUOTA,
            "domains": {
                "type": "array",
                "items": record(
                    {
                        "name": {"type": "string"},
                        "accounts": {"type": "array", "items": ref("WorldAccount")},
                        "aliases": {"type": "object"},
                        "catch_all": {"type": ["string", "null"]},
                        "records": _STRINGS,
                    }
                ),
            },
            "ports": {"type": "array", "items": ref("WorldPort")},
            "messages": {"type": "integer", "description": "in the catalog"},
            "queued": {"type": "integer", "description": "in the relay's queue"},
            "snapshots": {**_STRINGS, "description": "their names"},
        }
    ),
}
OPENAPI = {
    "/v1/worlds": {
        "get": operation(
            "worlds",
            "List the worlds that were made",
            query=Page,
            answer=listed(ref("World"), "worlds", {"type": "string"}),
            errors=(503,),
        ),
        "post": operation(
            "worlds",
            "Make a world; it is in force everywhere when the answer comes",
            description=(
                "Mail that its accounts or its app user send to others than its own addresses is captured in it. "
                "A domain is taken if another world has it, or one above or below it: 409, with whose it is."
            ),
            body=New,
            example={"id": "checkout", "domains": [{"name": "shop.test", "accounts": [{"name": "bob"}]}]},
            answer=ref("World"),
            status=201,
            errors=(409, 503, 507),
        ),
    },
    "/v1/worlds/{id}": {
        "get": operation("worlds", "Read a world", path=PATH, answer=ref("World"), errors=(404, 503)),
        "patch": operation(
            "worlds",
            "Change a world's owner, its time to live from now, or what IMAP hides",
            path=PATH,
            body=Change,
            answer=ref("World"),
            errors=(404, 409, 503, 507),
        ),
        "delete": operation(
            "worlds",
            "Drop a world: its domains, accounts, mail, queue, records, transcripts, snapshots",
            description=(
                f"Up to {MOST_DROPPED} worlds are dropped at a time, whose IDs have commas between them; it costs "
                "little more than one. 404 if there is none of them."
            ),
            path=PATH,
            status=204,
            errors=(404, 409, 422, 503, 507),
        ),
    },
    "/v1/worlds/{id}/purge": {
        "post": operation(
            "worlds", "Remove all mail of a world; the world stays", path=PATH, status=204, errors=(404, 503)
        )
    },
    "/v1/worlds/{id}/accounts": {
        "post": operation(
            "worlds",
            "Add an account to a world",
            path=PATH,
            body=FurtherAccount,
            answer=ref("WorldAccount"),
            status=201,
            errors=(404, 409, 503, 507),
        )
    },
}
