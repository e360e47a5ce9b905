"""`GET /route?domain=...`: where a domain's mail would go now, and each question to the name server with its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.door import Refusal, Route, answer
from postroad.mail.address import AddressError, check_literal, domain_key
from postroad.smtp.client.outcome import Deferred
from postroad_relay.delivery import routing
from postroad_relay.delivery.routing import NoData, NoSuchDomain, Records

if TYPE_CHECKING:
    from postroad.control.door import Request, Response
    from postroad_relay.queue.manager import Manager


def route_of(manager: Manager) -> Route:
    """Return the route; the manager has the router that is in force."""

    async def show(request: Request) -> Response:
        key = domain = request.query.get("domain", "")
        try:
            if domain.startswith("["):
                check_literal(domain)
            else:
                key = domain_key(domain)
        except AddressError as error:
            raise Refusal(422, str(error)) from error
        questions: list[dict[str, Any]] = []

        def heard(name: str, rdtype: str, said: routing.Answer) -> None:
            questions.append({"name": name, "type": rdtype, **_answer(said)})

        result = await manager.router.route(key, heard)
        shown: dict[str, Any] = {"domain": key, "questions": questions, "servers": [], "status": None, "reason": None}
        if isinstance(result, routing.Route):
            servers = [{"host": target.host, "address": str(target.address)} for target in result.targets]
            return answer(shown | {"outcome": "routed", "servers": servers})
        outcome = "deferred" if isinstance(result, Deferred) else "failed"
        return answer(shown | {"outcome": outcome, "status": str(result.status), "reason": result.reason})

    return Route("GET", "/route", show)


def _answer(said: routing.Answer) -> dict[str, Any]:
    """Return an answer as its records, or why there are none."""
    if isinstance(said, Records):
        exchangers = [f"{mx.preference} {mx.host}" for mx in said.mx]
        return {"answer": "records", "records": [*exchangers, *map(str, said.addresses)], "reason": None}
    if isinstance(said, NoData):
        return {"answer": "no data", "records": [], "reason": None}
    if isinstance(said, NoSuchDomain):
        return {"answer": "no such domain", "records": [], "reason": None}
    return {"answer": "trouble", "records": [], "reason": said.reason}
