"""The domains of the world, and their records as the name server has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from postroad.control.client import quote_path
from postroad.mail.address import AddressError, domain_key
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad.world.world import Domain, World
    from postroad_web.api.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def domains(request: Request) -> Response:
        seen = {
            name: (domain, world) for world in services.worlds_of(request) for name, domain in world.domains.items()
        }
        return json({"domains": [_shown(*seen[name]) for name in sorted(seen)]})

    async def domain(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            key = domain_key(name)
        except AddressError:
            key = ""
        world = services.world_named(services.worlds.of_domain(key))
        domain = world.domains.get(key)
        if domain is None or world_of(request) not in {EVERY, world.id}:
            raise Problem(404, "No such domain", f"The world has no domain {name[:200]}.")
        zone = await services.dns.get(quote_path("zones", domain.name))
        return json(_shown(domain, world) | {"records": zone["records"]})

    return [Route("/v1/domains", domains), Route("/v1/domains/{name}", domain)]


def _shown(domain: Domain, world: World) -> dict[str, Any]:
    """Return a domain as the API shows it."""
    return {
        "name": domain.name,
        "world": world.id,
        "mx": [{"preference": exchanger.preference, "host": exchanger.host} for exchanger in domain.mx],
        "accounts": sorted(account.login for account in domain.accounts.values()),
        "aliases": {
            f"{local_part}@{domain.name}": list(map(str, targets)) for local_part, targets in domain.aliases.items()
        },
        "catch_all": None if domain.catch_all is None else str(domain.catch_all),
    }


_NAMES = {"type": "array", "items": {"type": "string"}}
_DOMAIN = {
    "name": {"type": "string"},
    "world": {"type": "string"},
    "mx": {
        "type": "array",
        "items": record({"preference": {"type": "integer"}, "host": {"type": "string"}}),
        "description": "the mail exchangers; host . is the null MX (RFC 7505)",
    },
    "accounts": {**_NAMES, "description": "their logins"},
    "aliases": {
        "type": "object",
        "additionalProperties": _NAMES,
        "description": "the addresses to which each alias leads",
    },
    "catch_all": {"type": ["string", "null"], "description": "the address that gets the mail for unknown users"},
}
SCHEMAS = {
    "Domain": record(_DOMAIN),
    "DomainWithRecords": record(
        _DOMAIN | {"records": {**_NAMES, "description": "all records of the zone, in master-file form (RFC 1035 §5)"}}
    ),
}
OPENAPI = {
    "/v1/domains": {
        "get": operation(
            "domains",
            "List the domains",
            answer=record({"domains": {"type": "array", "items": ref("Domain")}}),
        )
    },
    "/v1/domains/{name}": {
        "get": operation(
            "domains",
            "Read a domain with its records",
            path={"name": "the domain's name"},
            answer=ref("DomainWithRecords"),
            errors=(404, 503),
        )
    },
}
