"""Pieces of the OpenAPI 3.1 document, for the modules of `native`.

OPENAPI = {
    "/v1/queue/{id}/retry": {
        "post": operation("queue", "Try again now", path={"id": "the queue ID"}, answer=ref("QueueEntry")),
    },
}
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from postroad_web.api.fields import parameters_of, schema_of
from postroad_web.api.problem import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

JSON = "application/json"
# OpenAPI 3.1 would leave it out, but what generates clients knows it from 3.0.
OCTETS: Mapping[str, Any] = {"type": "string", "format": "binary"}
_NONE: Mapping[str, str] = {}


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a schema that a module has in its SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(
    items: Mapping[str, Any], name: str, cursor: Mapping[str, Any] | None = None, **further: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the schema of one page of a list.

    `name` is the member that has the items; `next` has the cursor of the next page, or null; `further` are members.
    """
    following = {"anyOf": [dict(cursor or {"type": "integer"}), {"type": "null"}]}
    return record({name: {"type": "array", "items": dict(items)}, "next": following, **further})


def record(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object of which all members are always there."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def operation(
    tag: str,
    summary: str,
    *,
    description: str = "",
    path: Mapping[str, str] = _NONE,
    query: type[Any] | None = None,
    body: type[Any] | None = None,
    octets: str | None = None,
    answer: Mapping[str, Any] | None = None,
    media_type: str = JSON,
    status: int = 200,
    errors: Collection[int] = (),
    example: Any = None,
) -> dict[str, Any]:
    """Return one operation.

    `path` says what each {name} of the path is; `query` and `body` are classes of `fields`; `octets` is the media type
    of a body that is no JSON; `answer` is the schema of what comes back, of `media_type`. `errors` are the statuses of
    problems that may come, besides those of any request.
    """
    described: dict[str, Any] = {"tags": [tag], "summary": summary}
    if description:
        described["description"] = description
    parameters = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in path.items()
    ]
    if query is not None:
        parameters += parameters_of(query)
    if parameters:
        described["parameters"] = parameters
    if body is not None:
        content: dict[str, Any] = {"schema": schema_of(body)}
        if example is not None:
            content["example"] = example
        described["requestBody"] = {"content": {JSON: content}}
    elif octets is not None:
        described["requestBody"] = {"required": True, "content": {octets: {"schema": OCTETS}}}
    success: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if answer is not None:
        success["content"] = {media_type: {"schema": dict(answer)}}
    elif media_type != JSON:
        success["content"] = {media_type: {"schema": OCTETS}}
    statuses = sorted({*errors, *((400, 422) if body is not None else ()), *((422,) if query is not None else ())})
    described["responses"] = {str(status): success} | {
        str(code): {"description": HTTPStatus(code).phrase, "content": {MEDIA_TYPE: {"schema": ref("Problem")}}}
        for code in statuses
    }
    # Any request may be refused: its password, its Host, its size, ...
    described["responses"]["default"] = {
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
    }
    return described
