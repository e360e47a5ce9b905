"""Empty a world, or one account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.fields import body_of, given, line
from postroad_web.api.native.places import world_of_login
from postroad_web.api.problem import Problem
from postroad_web.api.scope import world_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What to empty."""

    account: str | None = given(
        line(most=400), "the account whose mailboxes are emptied; left out: all of the world is", default=None
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def purge(request: Request) -> Response:
        wanted = await body_of(request, Purge)
        if wanted.account is None:
            await services.view(request).purge()
            return json({"account": None, "removed": None})
        if world_of(request) != world_of_login(services, wanted.account):
            raise Problem(404, "No such account", f"There is no account {wanted.account[:200]}.")
        answer = await services.store.delete("/mail", account=wanted.account)
        return json({"account": wanted.account, "removed": answer["removed"]})

    return [Route("/v1/purge", purge, methods=["POST"])]


OPENAPI = {
    "/v1/purge": {
        "post": operation(
            "accounts",
            "Empty all, or one account",
            description="Without an account: all messages of the world are taken out of the catalog, the mailboxes and "
            "the queue, and nobody gets a notification. With one: its mailboxes are emptied, and nothing else. "
            "Accounts and mailboxes stay.",
            body=Purge,
            example={"account": "bob@beta.test"},
            answer=record(
                {
                    "account": {"type": ["string", "null"]},
                    "removed": {"type": ["integer", "null"], "description": "messages removed from the account"},
                }
            ),
            errors=(404, 503),
        )
    }
}
