"""What the console, Mailpit's clients, the catalog and SEARCH see of messages; POSTROAD_GOLDEN=write writes it anew.

The messages are those of `structure/`, which others have read as well, and letters as shops and lists send them.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from postroad.mime.fields import fields
from postroad.mime.links import links
from postroad.mime.preview import preview
from postroad.mime.structure import parse, unpack
from postroad.mime.text import headers_text, is_plain, kept_text, text
from postroad_web.catalog.digest import read_content
from postroad_web.message.parse import parse_message
from tests.golden.structure.cases import CASES
from tests.golden.structure.dovecot import HERE as STRUCTURE

HERE = Path(__file__).parent / "messages"
GENERATED = json.loads((STRUCTURE / "generated.json").read_text())
MESSAGES = {
    "letters": {path.stem: path.read_bytes() for path in sorted(HERE.glob("*.eml"))},
    "cases": CASES,
    "generated": {str(number): case["message"].encode("latin-1") for number, case in enumerate(GENERATED)},
}


def plain(value: Any) -> Any:
    """Return what JSON can say of a value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def seen(content: bytes) -> dict[str, Any]:
    parsed = parse(content)
    root = unpack(parsed.parts, parsed.header_size, len(content))
    section = fields(content[: parsed.header_size])
    return {
        "console": plain(parse_message(content)),
        "catalog": plain(read_content(content, ["a@b.test", "hidden@b.test"])),
        "store": {
            "day": parsed.sent_day,
            "parts": plain(root),
            "preview": preview(root, lambda start, end: content[start:end]),
            "plain": is_plain(content, parsed),
            "kept": plain(kept_text(content, parsed)),
            "text": plain(text(content, parsed)),
            "headers": plain(headers_text(content, parsed)),
            "links": plain(links(section)),
        },
    }


@pytest.fixture(scope="module", autouse=True)
def anew() -> None:
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        for group, messages in MESSAGES.items():
            lines = [f"{json.dumps(name)}: {json.dumps(seen(content))}" for name, content in messages.items()]
            (HERE / f"{group}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in MESSAGES for name in MESSAGES[group]])
def test_messages_are_seen_as_before(group: str, name: str) -> None:
    golden = json.loads((HERE / f"{group}.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(seen(MESSAGES[group][name]))) == golden[name]
