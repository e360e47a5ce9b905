"""OAuth access tokens for clients under test: minted here, taken by relay and store (XOAUTH2, OAUTHBEARER).

A token is signed, and kept nowhere (decision 31).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.control.token import KEY_FILE, TokenError, read_token
from postroad.sasl.token import SCOPES, Grant, mint, scopes_of
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.fields import body_of, given, line, many, one_of, whole
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.api.scope import world_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

LIFE = 3600  # seconds, as Google's and Microsoft's
LONGEST_LIFE = 10 * 365 * 86400  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A new token."""

    account: str = given(line(most=400), "whose mail it is for", example="alice@alpha.test")
    scopes: tuple[str, ...] = given(
        many(one_of(*SCOPES), most=len(SCOPES)), "what it is for; mail is everything", default=("mail",)
    )
    expires_in: int = given(whole(0, LONGEST_LIFE), "seconds; 0: it has expired already", default=LIFE)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def add(request: Request) -> Response:
        new = await body_of(request, New)
        account = services.world_named(world_of(request)).account(new.account)
        if account is None:
            raise Problem(404, "No such account", f"There is no account {new.account[:200]} in the world.")
        try:
            key = read_token(services.settings.control_dir, KEY_FILE).encode()
        except TokenError as error:
            raise Problem(503, "Tokens can't be minted", f"{error}.") from None
        now = services.clock.now()
        grant = Grant(account.login, scopes_of(new.scopes or SCOPES), now + new.expires_in)
        token = mint(key, grant, now=now, unique=secrets.token_urlsafe(9))
        # RFC 6749 §5.1: the fields that a client of OAuth knows, and no cache keeps them
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": new.expires_in,
            "scope": " ".join(sorted(grant.scopes)),
            "account": account.login,
        }
        response = json(answer, 201)
        response.headers["Cache-Control"] = "no-store"
        return response

    return [by_method("/v1/tokens", post=add)]


OPENAPI = {
    "/v1/tokens": {
        "post": operation(
            "accounts",
            "Mint an OAuth access token",
            description=(
                "Clients log in with it by XOAUTH2 or OAUTHBEARER. Relay and store take it until it expires; it can't "
                "be taken back, except by a new key (remove `sasl-key` from the control folder and run init)."
            ),
            body=New,
            example={"account": "alice@alpha.test", "scopes": ["imap", "smtp"], "expires_in": 3600},
            answer=record(
                {
                    "access_token": {"type": "string"},
                    "token_type": {"type": "string", "const": "Bearer"},
                    "expires_in": {"type": "integer"},
                    "scope": {"type": "string"},
                    "account": {"type": "string"},
                }
            ),
            status=201,
            errors=(404, 503),
        )
    }
}
