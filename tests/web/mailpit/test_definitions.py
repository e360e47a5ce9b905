from __future__ import annotations

from typing import Any

from postroad_web.mailpit import shapes
from postroad_web.mailpit.htmlcheck.check import check
from postroad_web.mailpit.swagger.definitions import DEFINITIONS, schema
from postroad_web.message.parse import parse_message
from tests.web.mailpit.records import RECORD

KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def is_of(value: Any, kind: str) -> bool:
    return isinstance(value, KINDS[kind])


def fits(value: Any, wanted: dict[str, Any]) -> None:
    """Assert that a value is as its schema says, and has each member that it says."""
    if "$ref" in wanted:
        wanted = DEFINITIONS[wanted["$ref"].rpartition("/")[2]]
    assert is_of(value, wanted["type"]), (value, wanted)
    if wanted["type"] == "array":
        for item in value:
            fits(item, wanted["items"])
    elif "properties" in wanted:
        assert value.keys() == wanted["properties"].keys()
        for name, member in value.items():
            fits(member, wanted["properties"][name])
    elif wanted["type"] == "object":
        for member in value.values():
            fits(member, wanted["additionalProperties"])


def test_answers_are_as_they_are_defined() -> None:
    content = b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=x\r\n\r\nx"
    fits(shapes.message(RECORD, parse_message(content)), schema("Message"))
    page = shapes.listing(1, whole=(1, 1), matching=(1, 1), start=0, tags=["a"])
    page["messages"].append(shapes.summary(RECORD))
    fits(page, schema("MessagesSummary"))
    fits(check("<table style='float: left'>"), schema("HTMLCheckResponse"))


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            return {value["$ref"]} if "$ref" in value else set().union(*map(references, value.values()), set())
        return set().union(*map(references, value), set()) if isinstance(value, list) else set()

    assert references(DEFINITIONS) <= {f"#/definitions/{name}" for name in DEFINITIONS}


def test_lists_are_lists_of_what_their_names_say() -> None:
    def listed(name: str, member: str) -> object:
        property_ = DEFINITIONS[name]["properties"][member]
        assert property_["type"] == "array"
        return property_["items"].get("$ref", property_["items"].get("type"))

    assert listed("SpamAssassinResponse", "Rules") == "#/definitions/Rule"
    assert listed("SendRequest", "Attachments") == "#/definitions/SendAttachment"
    assert {listed("SendRequest", member) for member in ("Bcc", "Tags")} == {"string"}


def references(value: Any) -> set[str]:
    """Return the definitions that a schema refers to."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    return {value["$ref"]} if "$ref" in value else set().union(*map(references, value.values()))


def test_what_is_referred_to_is_defined() -> None:
    assert references(DEFINITIONS) <= {f"#/definitions/{name}" for name in DEFINITIONS}
    assert [schema(kind) for kind in ("text", "flag", "time", "int", "count", "double", "float")] == [
        {"type": "string"},
        {"type": "boolean"},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "format": "int64"},
        {"type": "integer", "format": "uint64"},
        {"type": "number", "format": "double"},
        {"type": "number", "format": "float"},
    ]
