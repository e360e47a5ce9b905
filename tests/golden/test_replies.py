"""What SMTP's receivers say, and what POP3 says in German, line by line; POSTROAD_GOLDEN=write writes it anew."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.mail.reply import Reply
from postroad_store.pop3 import languages
from tests.mutants.__main__ import ENGINES

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "replies"
MODULES = [name for name in ENGINES if name.startswith(("postroad.mail.reply", "postroad.smtp.", "postroad_relay.sub"))]


def smtp() -> list[str]:
    modules = map(importlib.import_module, MODULES)
    replies = {name: value for module in modules for name, value in vars(module).items() if isinstance(value, Reply)}
    return [f"{name.strip('_')}: {value.encode().decode().rstrip()}" for name, value in replies.items()]


WITH_WORDS = (  # texts with a word of the command in them, or a number
    *("STAT takes no arguments.", "USER takes an argument.", "TOP takes a message number and a number of lines."),
    *("STAT is not allowed in AUTHORIZATION state.", "Invalid message number: x 1", "Invalid number of lines: -1"),
    *("There's no message 12.", "3 messages:"),
)


def german() -> list[str]:
    return [
        f"{english} = {languages.in_language('de', f'+OK {english}').removeprefix('+OK ')}"
        for english in sorted(languages._GERMAN)
    ]


@pytest.mark.parametrize(("name", "lines"), [("smtp", smtp), ("german", german)])
def test_replies_are_the_golden_ones(name: str, lines: Callable[[], list[str]]) -> None:
    path = HERE / f"{name}.txt"
    text = "".join(f"{line}\n" for line in sorted(lines()))
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        HERE.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
