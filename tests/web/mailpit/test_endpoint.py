"""What becomes of a handler's exceptions, and of clients that go away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from postroad.control.client import DoorAway, DoorRefused
from postroad_web.api.problem import Problem
from postroad_web.catalog.catalog import ContentGone
from postroad_web.mailpit.endpoint import Call, Endpoint, Refused, text
from postroad_web.mailpit.gojson import BadJsonError, TooManyValuesError

if TYPE_CHECKING:
    from starlette.responses import Response


class Nobody:
    """The mailboxes of no world."""

    def of(self, _world: str) -> None:
        return None


async def ask(error: Exception | None, **options: Any) -> httpx.Response:
    async def handler(_call: Call) -> Response:
        if error is not None:
            raise error
        return text("é" * 1000)

    app = Starlette(routes=[Route("/x", Endpoint(Nobody(), {"GET": handler}))])  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as http:
        return await http.get("/x", **options)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Refused(400, "no"), 400, "no"),
        (BadJsonError("EOF"), 400, "EOF"),
        (TooManyValuesError("too many"), 413, "too many"),
        (ContentGone("it is removed"), 404, "it is removed"),
        (DoorAway("store", "no answer"), 503, "the control door of store is away: no answer"),
        (DoorRefused(409, "not now"), 409, "not now"),
        (Problem(413, "Too large", "At most 5 octets."), 413, "At most 5 octets."),
        (Problem(413, "Too large"), 413, "Too large"),
        (ClientDisconnect(), 400, ""),
    ],
)
async def test_errors_are_a_line_of_text(error: Exception, status: int, said: str) -> None:
    answer = await ask(error)
    assert (answer.status_code, answer.text) == (status, said)


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, br", "gzip"), ("br", None), ("identity", None)])
async def test_compression(accepted: str, encoding: str | None) -> None:
    answer = await ask(None, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.text == "é" * 1000


@pytest.mark.parametrize("origin", ["null", "http://localhost:81", "http://localhost.evil.test", "localhost"])
async def test_other_origins(origin: str) -> None:
    answer = await ask(None, headers={"Origin": origin})
    assert (answer.status_code, answer.text) == (403, "Blocked due to CORS violation")
