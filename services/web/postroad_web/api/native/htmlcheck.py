"""GET /v1/messages/{id}/html-check: how well mail programs support the HTML and CSS of a message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.native.found import ID, Latest, content_from, record_from
from postroad_web.api.problem import Problem
from postroad_web.message.reader import read_message

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def html_check(request: Request) -> Response:
        parsed = await read_message(await content_from(services, await record_from(services, request)))
        if not parsed.html:
            raise Problem(404, "No HTML", "The message has no HTML part.")
        from postroad_web.mailpit.htmlcheck.check import check  # noqa: PLC0415 - a CSS parser that most never need

        return json(_shown(await asyncio.to_thread(check, parsed.html)))

    return [Route("/v1/messages/{id}/html-check", html_check)]


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    """Return Mailpit's report in the native API's words."""
    total = report["Total"]
    return {
        "total": {"tests": total["Tests"], "nodes": total["Nodes"], **_score(total)},
        "warnings": [
            {
                "slug": warning["Slug"],
                "title": warning["Title"],
                "category": warning["Category"],
                "url": warning["URL"],
                "found": warning["Score"]["Found"],
                "score": _score(warning["Score"]),
                "programs": [
                    {"name": result["Name"], "support": result["Support"]}
                    for result in warning["Results"]
                    if result["Support"] != "yes"
                ],
            }
            for warning in report["Warnings"]
        ],
    }


def _score(score: dict[str, Any]) -> dict[str, Any]:
    return {name: score[name.capitalize()] for name in ("supported", "partial", "unsupported")}


_NUMBER = {"type": "number", "description": "per cent of the mail programs and versions that are known"}
_SCORE = {"supported": _NUMBER, "partial": _NUMBER, "unsupported": _NUMBER}
_TEXT = {"type": "string"}
SCHEMAS = {
    "HtmlCheck": record(
        {
            "total": record({"tests": {"type": "integer"}, "nodes": {"type": "integer"}, **_SCORE}),
            "warnings": {
                "type": "array",
                "description": "what is not supported everywhere, the worst first",
                "items": record(
                    {
                        "slug": {"type": "string", "description": "caniemail's name of it"},
                        "title": _TEXT,
                        "category": _TEXT,
                        "url": _TEXT,
                        "found": {"type": "integer", "description": "how often the message uses it"},
                        "score": record(_SCORE),
                        "programs": {
                            "type": "array",
                            "description": "those that do not support it wholly",
                            "items": record({"name": _TEXT, "support": {"type": "string", "enum": ["partial", "no"]}}),
                        },
                    }
                ),
            },
        }
    )
}
OPENAPI = {
    "/v1/messages/{id}/html-check": {
        "get": operation(
            "messages",
            "Check the HTML of a message",
            description="By caniemail's data: how many mail programs support what it uses.",
            path=ID,
            query=Latest,
            answer={"$ref": "#/components/schemas/HtmlCheck"},
            errors=(404, 410, 503),
        )
    }
}
