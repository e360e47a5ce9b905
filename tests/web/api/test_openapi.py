"""The OpenAPI document: its structure, that every route is in it, that its examples are right, and the page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.routing import Mount, Route, WebSocketRoute

from postroad_web.api import fields, native
from postroad_web.api.app import build
from postroad_web.api.native import send
from postroad_web.api.native.openapi import document
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = {"get", "put", "post", "delete", "patch"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, by_method in document()["paths"].items():
        for method, operation in by_method.items():
            yield path, method, operation


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in a value."""
    if isinstance(value, dict):
        yield value
        for content in value.values():
            yield from parts(content)
    elif isinstance(value, list):
        for content in value:
            yield from parts(content)


def test_the_structure() -> None:
    described = document()
    assert described["openapi"].startswith("3.1.")
    assert {"title", "version"} <= described["info"].keys()
    json.dumps(described)
    for path, method, operation in operations():
        where = f"{method} {path}"
        assert method in METHODS, where
        assert operation["summary"], where
        assert len(operation["tags"]) == 1, where
        assert set(operation) <= {
            "operationId",
            "tags",
            "summary",
            "description",
            "parameters",
            "requestBody",
            "responses",
        }, where
        named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), where
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] in {"path", "query"}, where
            assert parameter["description"], where
            assert "schema" in parameter, where
        assert operation["responses"], where
        assert "default" in operation["responses"], where
        for status, answer in operation["responses"].items():
            assert re.fullmatch("[1-5][0-9][0-9]|default", status), where
            assert answer["description"], where
            for content in answer.get("content", {}).values():
                assert set(content) <= {"schema", "example"}, where


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    assert "get_messages_id_raw" in names
    assert all(re.fullmatch("[a-z_]+", name) for name in names)


def test_what_may_be_left_out_of_a_body_may_be_null() -> None:
    for path, _, operation in operations():
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for name, content in schema.get("properties", {}).items():
            may_be_null = "null" in content.get("type", ()) or {"type": "null"} in content.get("anyOf", ())
            assert may_be_null != (name in schema.get("required", ())), f"{path} {name}"
            assert not may_be_null or "enum" not in content or None in content["enum"], f"{path} {name}"


def test_references_lead_somewhere() -> None:
    schemas = document()["components"]["schemas"]
    for part in parts(document()):
        if isinstance(reference := part.get("$ref"), str):
            assert reference.removeprefix("#/components/schemas/") in schemas, reference


def test_schemas_are_schemas() -> None:
    kinds = {"object", "array", "string", "integer", "number", "boolean", "null"}
    for part in parts([document()["paths"], document()["components"]["schemas"]]):
        if isinstance(kind := part.get("type"), str | list) and "description" not in str(kind):
            assert set([kind] if isinstance(kind, str) else kind) <= kinds, part
        if isinstance(required := part.get("required"), list):
            assert set(required) <= part["properties"].keys()


def test_every_route_is_described_and_nothing_else() -> None:
    described = {(method.upper(), path) for path, method, _ in operations()}
    routed: set[tuple[str, str]] = set()
    for route in native.routes(services()):
        assert not isinstance(route, Mount)
        if isinstance(route, WebSocketRoute):
            routed.add(("GET", route.path))
        else:
            assert isinstance(route, Route)
            path = re.sub(r"{(\w+):\w+}", r"{\1}", route.path)
            routed |= {(method, path) for method in route.methods or () if method != "HEAD"}
    assert routed == described
    assert build(services()).routes


def test_examples_are_what_their_routes_take() -> None:
    """Each example of a body is read by the class from which its schema was made, and comes back the same."""
    by_schema = {
        json.dumps(fields.schema_of(request_class)): request_class
        for module in {*native.modules(), send}
        for request_class in vars(module).values()
        if isinstance(request_class, type) and hasattr(request_class, "__dataclass_fields__")
        if all("kind" in field.metadata for field in request_class.__dataclass_fields__.values())
    }
    count = 0
    for path, method, operation in operations():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        wanted = by_schema[json.dumps(content["schema"])]
        if "example" in content:
            count += 1
            read: Any = fields.read(wanted, content["example"])
            names = {field.metadata["name"] or name: name for name, field in wanted.__dataclass_fields__.items()}
            for name, value in content["example"].items():
                came = getattr(read, names[name])
                if isinstance(value, str | int | float | bool):
                    assert came == value, f"{method} {path} {name}"
        for field in wanted.__dataclass_fields__.values():
            if isinstance(example := field.metadata["example"], str | int | float | bool | list | dict):
                field.metadata["kind"].parse(example)
    assert count


async def test_the_document_and_its_page() -> None:
    async with client(services()) as http:
        assert (await http.get("/v1/openapi.json")).json() == json.loads(json.dumps(document()))
        page = await http.get("/v1/docs")
        assert page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert re.findall(r"<script[^>]*>", page.text) == ['<script src="/static/docs.js" defer>']
        assert not re.findall(r"(?:src|href)=\"?https?:", page.text)
        assert " style=" not in page.text
        assert " on" not in " ".join(re.findall(r"<[a-z][^>]*>", page.text)).replace(" one", "")
        for path, method, _ in operations():
            assert f'id="{method}-{path}"' in page.text
        assert (await http.get("/static/docs.js")).status_code == 200
