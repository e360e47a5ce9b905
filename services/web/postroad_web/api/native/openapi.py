"""The OpenAPI 3.1 document, gathered from the modules of `native`, and the page that shows it."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from postroad.jsontext import to_json
from postroad.world.world import DEFAULT_WORLD
from postroad_web.api import native
from postroad_web.api.describe import operation, record
from postroad_web.api.home import page
from postroad_web.api.scope import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services

_INTRODUCTION = (
    "Postroad's own API. Errors are problem+json (RFC 9457): `title` says the kind, `detail` what happened. "
    "Lists have cursors: `next` of one page is `before` or `after` of the next. "
    "A request is about one world: that of the path's prefix `/w/{world}`, of `?world=`, of the header field "
    "`Postroad-World`, of the host `{world}.localhost`, or of the user name, else about the default world. "
    "404 if there is no such world. `?world=*` reads all worlds. "
    "Times are texts as in RFC 3339, in UTC. Fields that an operation does not know are refused with 422."
)


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Postroad",
            "version": version("postroad-web"),
            "description": _INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {"url": "/"},
            {"url": "/w/{world}", "variables": {"world": {"default": DEFAULT_WORLD, "description": "its ID"}}},
        ],
        "paths": native.described_paths(),
        "components": {
            "schemas": native.described_schemas(),
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
        "security": [{}, {"basic": []}],
    }


def routes(_services: Services) -> list[BaseRoute]:
    """Return the routes."""

    async def openapi(_request: Request) -> Response:
        return Response(to_json(document()), media_type="application/json")

    async def docs(request: Request) -> Response:
        return page("Postroad's API", "".join(_page(document(), prefix_of(request))), script="docs.js")

    return [Route("/v1/openapi.json", openapi), Route("/v1/docs", docs)]


def _page(described: dict[str, Any], prefix: str) -> Iterator[str]:
    """Yield the pieces of the page: a list of operations by tag, each with its parameters, body and answers."""
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in described["paths"].items():
        for method, described_operation in operations.items():
            by_tag.setdefault(described_operation["tags"][0], []).append((method, path, described_operation))
    tags = sorted(by_tag)
    links = "".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in tags)
    yield f'<header><h1><a href="{prefix}/">Postroad</a></h1><nav>{links}'
    yield f'<a href="{prefix}/v1/openapi.json">OpenAPI</a></nav></header>'
    yield f"<main><p>{_prose(described['info']['description'])}</p>"
    for tag in tags:
        yield f'<section id="{escape(tag)}"><h2>{escape(tag)}</h2>'
        for method, path, described_operation in by_tag[tag]:
            yield from _operation(method, path, described_operation)
        yield "</section>"
    yield "<section id=schemas><h2>Schemas</h2>"
    for name, schema in sorted(described["components"]["schemas"].items()):
        yield f'<details id="schema-{escape(name)}"><summary><b>{escape(name)}</b></summary>'
        yield from _schema(schema)
        yield "</details>"
    yield "</section></main>"


def _operation(method: str, path: str, described: dict[str, Any]) -> Iterator[str]:
    ident = escape(f"{method}-{path}")
    yield f'<details id="{ident}"><summary><b class="method {method}">{method.upper()}</b> <code>{escape(path)}</code>'
    yield f" <span>{escape(described['summary'])}</span></summary>"
    if "description" in described:
        yield f"<p>{_prose(described['description'])}</p>"
    if "parameters" in described:
        yield "<h3>Parameters</h3><table><tbody>"
        for parameter in described["parameters"]:
            yield _row(parameter["name"], parameter["schema"], parameter["description"], parameter.get("required"))
        yield "</tbody></table>"
    for media_type, content in described.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body <small>{escape(media_type)}</small></h3>"
        yield from _schema(content.get("schema"))
        yield from _example(content)
    for status, answer in described["responses"].items():
        if status == "default":  # the same everywhere
            continue
        yield f"<h3>{escape(status)} <small>{escape(answer['description'])}</small></h3>"
        for content in answer.get("content", {}).values():
            yield from _schema(content.get("schema"))
            yield from _example(content)
    yield "</details>"


def _example(content: dict[str, Any]) -> Iterator[str]:
    if "example" in content:
        yield f"<pre>{escape(to_json(content['example']).decode())}</pre>"


def _schema(schema: dict[str, Any] | None) -> Iterator[str]:
    if not schema:
        return
    properties = schema.get("properties")
    if properties is None:
        yield f"<p>{_kind(schema)}</p>"
        return
    yield "<table><tbody>"
    for name, content in properties.items():
        yield _row(name, content, content.get("description", ""), name in schema.get("required", ()))
    yield "</tbody></table>"


def _row(name: str, schema: dict[str, Any], meaning: str, required: object) -> str:
    default = f" Default: <code>{escape(to_json(schema['default']).decode())}</code>." if "default" in schema else ""
    needed = " <small>required</small>" if required else ""
    return (
        f"<tr><th scope=row><code>{escape(name)}</code>{needed}</th><td>{_kind(schema)}</td>"
        f"<td>{_prose(meaning)}{default}</td></tr>"
    )


def _kind(schema: dict[str, Any]) -> str:
    """Return what kind of value it is, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if isinstance(kinds := schema.get("type"), list) and len(kinds) == 2 and kinds[1] == "null":
        return f"{_kind(schema | {'type': kinds[0]})} or null"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(option))}</code>" for option in schema["enum"] if option is not None)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if "items" in schema else "list"
    if "properties" in schema:
        return "{ " + ", ".join(f"<code>{escape(name)}</code>" for name in schema["properties"]) + " }"
    kind = schema.get("type", "any")
    return escape(" or ".join(kind) if isinstance(kind, list) else str(kind))


def _prose(text: str) -> str:
    """Return text with its `code` marked."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


SCHEMAS = {
    "Problem": {
        "type": "object",
        "description": "An error (RFC 9457).",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string", "description": "the kind of problem"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "a sentence on this one"},
            "errors": {
                "type": "array",
                "description": "with 422: the fields that are wrong",
                "items": record({"field": {"type": "string"}, "detail": {"type": "string"}}),
            },
        },
        "required": ["type", "title", "status"],
    }
}
OPENAPI = {
    "/v1/openapi.json": {"get": operation("about", "This document", answer={"type": "object"})},
    "/v1/docs": {"get": operation("about", "This document as a page", media_type="text/html")},
}
