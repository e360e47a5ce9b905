"""GET /v1/explain: why mail for an address goes where it goes, with each question to the name server and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from postroad.mail.address import AddressError, parse_address
from postroad.world.world import Redirect
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.fields import Wrong, given, line, query_of, refusal
from postroad_web.api.scope import world_of
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad.mail.address import Address
    from postroad.world.world import World
    from postroad_web.api.services import Services

MOST_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be explained."""

    address: str = given(line(most=320), "the address, or a domain alone", example="bob@beta.test")


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def explain(request: Request) -> Response:
        text = query_of(request, Asked).address.strip()
        try:
            address = parse_address(text) if "@" in text else None
        except AddressError as error:
            raise refusal(Wrong([("address", f"must be an address or a domain: {error}")])) from None
        route = await services.relay.get("/route", domain=text if address is None else address.domain)
        asking = world_of(request)
        owner = services.worlds.of_domain(route["domain"]) if asking == EVERY else asking
        world = services.world_named(owner)
        steps = [] if address is None else steps_of(world, address)
        return json({"address": text, **route, "steps": steps})

    return [Route("/v1/explain", explain)]


def steps_of(world: World, address: Address) -> list[dict[str, Any]]:
    """Return what the store does with an address: each alias and catch-all on its way, and the accounts at the end."""
    if world.domain_of(address) is None:
        if world.capture is None:
            return []
        steps = [{"address": str(address), "rule": "capture", "to": [str(world.capture)]}]
        waiting = [world.capture]
    else:
        steps, waiting = [], [address]
    seen = set()
    while waiting and len(steps) < MOST_STEPS:
        next_one = waiting.pop(0)
        if next_one in seen:
            continue
        seen.add(next_one)
        step = world.next_step(next_one)
        if isinstance(step, Redirect):
            rule = "catch-all" if step.alias is None else "alias"
            steps.append({"address": str(next_one), "rule": rule, "to": [str(target) for target in step.targets]})
            waiting += step.targets
        elif step is None:
            steps.append({"address": str(next_one), "rule": "unknown", "to": []})
        else:
            steps.append({"address": str(next_one), "rule": "account", "to": [step.login]})
    return steps


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_MAYBE = {"type": ["string", "null"]}
OPENAPI = {
    "/v1/explain": {
        "get": operation(
            "domains",
            "Explain where mail for an address goes",
            description=(
                "As the relay would send it: `questions` are those of RFC 5321 §5.1 to the name server, with their "
                "answers, `servers` those that it would try, in order. `steps` are what the store does with the "
                "address then if the mail is of this world: aliases, catch-alls, the account."
            ),
            query=Asked,
            answer=record(
                {
                    "address": _TEXT,
                    "domain": _TEXT,
                    "outcome": {"type": "string", "enum": ["routed", "deferred", "failed"]},
                    "status": {**_MAYBE, "description": "the enhanced status code of a failure"},
                    "reason": _MAYBE,
                    "questions": {
                        "type": "array",
                        "items": record(
                            {
                                "name": _TEXT,
                                "type": {"type": "string", "enum": ["MX", "A"]},
                                "answer": {
                                    "type": "string",
                                    "enum": ["records", "no data", "no such domain", "trouble"],
                                },
                                "records": _TEXTS,
                                "reason": _MAYBE,
                            }
                        ),
                    },
                    "servers": {"type": "array", "items": record({"host": _TEXT, "address": _TEXT})},
                    "steps": {
                        "type": "array",
                        "items": record(
                            {
                                "address": _TEXT,
                                "rule": {
                                    "type": "string",
                                    "enum": ["account", "alias", "catch-all", "capture", "unknown"],
                                },
                                "to": _TEXTS,
                            }
                        ),
                    },
                }
            ),
            errors=(503,),
        )
    }
}
