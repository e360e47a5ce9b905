"""Messages as MailHog's APIs show them: a `.json` for each `.eml`, which is what the client sent."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from postroad_web.mailhog.letters import encoded
from tests.web.mailpit.records import RECORD

HERE = Path(__file__).parent / "mailhog"
BY_RELAY = (
    b"Received: from app ([127.0.0.1])\r\n\tby relay.postroad.test with ESMTP id 00056A1B2C3D4;\r\n"
    b"\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
)
BY_STORE = (
    b"Return-Path: <bounces@alpha.test>\r\nReceived: from relay.postroad.test\r\n\tby mx.postroad.test id 1; date\r\n"
)


@pytest.mark.parametrize("source", sorted(HERE.glob("*.eml")), ids=lambda path: path.stem)
def test_a_message(source: Path) -> None:
    # The header section of bare.eml ends with the relay's field.
    empty = b"" if b"\r\n\r\n" in source.read_bytes() else b"\r\n"
    sent = empty + source.read_bytes()
    record = dataclasses.replace(RECORD, client="app.example")
    shown = encoded(record, BY_STORE + BY_RELAY + sent)
    assert shown == encoded(record, BY_RELAY + sent)  # before delivery and after it
    golden = source.with_suffix(".json")
    pretty = json.dumps(json.loads(shown), ensure_ascii=False, indent=2) + "\n"
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        golden.write_text(pretty, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == pretty


def test_letters_are_escaped_as_go_does() -> None:
    source = (HERE / "multipart.eml").read_bytes()
    shown = encoded(dataclasses.replace(RECORD, client="app"), BY_RELAY + source)
    assert b'"Gr=C3=BC=C3=9Fe \\u0026 \\u003cb\\u003e=20"' in shown
    assert not shown.endswith(b"\n")
