"""GET /v1/endpoints: where the protocols are spoken, and the CA that clients trust. A test kit begins with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from postroad.tls import CA_FILE
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.endpoints import endpoints

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def where(request: Request) -> Response:
        places = endpoints(services.settings, services.world, request.url.hostname or "")
        return json({"endpoints": {name: place._asdict() for name, place in places.items()}, "ca": _ca(services)})

    return [Route("/v1/endpoints", where)]


def _ca(services: Services) -> str | None:
    """Return the CA's certificate, None where there is none to read: clients can do without TLS."""
    try:
        return (services.settings.trust_dir / CA_FILE).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None


_ENDPOINT = record({"host": {"type": "string"}, "port": {"type": "integer"}})
OPENAPI = {
    "/v1/endpoints": {
        "get": operation(
            "accounts",
            "Say where the protocols are spoken",
            description=(
                "app, submission, submissions, smtp, imap, imaps, pop3, pop3s, sieve, lmtp and dns, each as the client "
                "can reach it: on localhost for a client that asked there, otherwise on the containers' network. "
                "What containers do not publish is left out."
            ),
            answer=record(
                {
                    "endpoints": {"type": "object", "additionalProperties": _ENDPOINT},
                    "ca": {"type": ["string", "null"], "description": "the CA's certificate in PEM, for TLS"},
                }
            ),
        )
    }
}
