"""The tags in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record
from postroad_web.api.fields import Wrong, body_of, given, line, refusal
from postroad_web.api.problem import Problem
from postroad_web.api.routing import by_method
from postroad_web.catalog.tags import LONGEST, cleaned

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """The new name."""

    name: str = given(line(most=LONGEST), "letters, digits, spaces and -_.@", example="orders")


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""

    def known(request: Request) -> str:
        tag: str = request.path_params["tag"]
        for name in services.view(request).tag_counts():
            if name.lower() == tag.lower():
                return name
        raise Problem(404, "No such tag", f"No message has the tag {tag[:LONGEST]}.")

    async def tags(request: Request) -> Response:
        counts = services.view(request).tag_counts()
        return json({"tags": [{"name": name, "messages": count} for name, count in counts.items()]})

    async def rename(request: Request) -> Response:
        tag = known(request)
        asked = await body_of(request, Rename)
        if cleaned(asked.name) != asked.name:
            raise refusal(Wrong([("name", "may have letters, digits, spaces and -_.@")]))
        await services.view(request).rename_tag(tag, asked.name)
        return json({"name": asked.name})

    async def drop(request: Request) -> Response:
        await services.view(request).drop_tag(known(request))
        return Response(status_code=204)

    return [Route("/v1/tags", tags), by_method("/v1/tags/{tag}", patch=rename, delete=drop)]


_TAG = {"tag": "its name; capitals make no difference"}
OPENAPI = {
    "/v1/tags": {
        "get": operation(
            "messages",
            "List the tags in use",
            answer=record(
                {
                    "tags": {
                        "type": "array",
                        "items": record({"name": {"type": "string"}, "messages": {"type": "integer"}}),
                    }
                }
            ),
        )
    },
    "/v1/tags/{tag}": {
        "patch": operation(
            "messages",
            "Rename a tag",
            path=_TAG,
            body=Rename,
            answer=record({"name": {"type": "string"}}),
            errors=(404,),
        ),
        "delete": operation("messages", "Take a tag away from all messages", path=_TAG, status=204, errors=(404,)),
    },
}
