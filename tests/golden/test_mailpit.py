"""Mailpit's API document whole, and which feature of caniemail's each tag, attribute and declaration is a use of.

`features.txt` has a page, a tab and its features by line. POSTROAD_GOLDEN=write writes a line for each entry of the
tables; what a line says is found out by reading its page.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from postroad_web.mailpit.htmlcheck import features
from postroad_web.mailpit.htmlcheck.check import _Page
from postroad_web.mailpit.swagger.document import document

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent / "mailpit"
WRITE = os.environ.get("POSTROAD_GOLDEN") == "write"


def pages() -> Iterator[str]:
    yield from (f"<{name}>" for name in features.ELEMENTS)
    yield from (f'<x {name}="y">' for name in features.ATTRIBUTES)
    yield from (f'<{name} type="{kind}">' for name, kind in features.TYPES)
    yield from (f'<img src="https://a.test/x{suffix}">' for suffix in features.SUFFIXES)
    yield from (f'<x style="{name}: 1">' for name in features.PROPERTIES)
    yield from (f'<x style="{name}: {word}">' for name, word in features.WORDS)
    yield from (f'<x style="a: {word}">' for word in features.ANY_WORD)
    yield from (f'<x style="a: {name}(1)">' for name in features.FUNCTIONS)
    yield from (f'<x style="a: 1{unit}">' for unit in features.UNITS)
    yield from (f"<style>@{name} x {{ }}</style>" for name in features.AT_RULES)
    yield from (f"<style>@media ({name}) {{ }}</style>" for name in features.MEDIA_FEATURES)
    yield from (f"<style>x:{name} {{ }}</style><x>" for name in features.PSEUDO_CLASSES)
    yield from (f"<style>x::{name} {{ }}</style><x>" for name in features.PSEUDO_ELEMENTS)


def used(source: str) -> str:
    page = _Page()
    page.read(source)
    return " ".join(sorted(slug for slug, count in page.uses.items() if count))


def test_features_are_the_golden_ones() -> None:
    path = HERE / "features.txt"
    if WRITE:
        HERE.mkdir(exist_ok=True)
        path.write_text("".join(f"{page}\t{used(page)}\n" for page in dict.fromkeys(pages())), encoding="utf-8")
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert {page: used(page) for page, _ in lines} == dict(lines)
    assert set(pages()) == {page for page, _ in lines}


def test_the_document_is_the_golden_one() -> None:
    path = HERE / "swagger.json"
    text = json.dumps(document(), indent=1) + "\n"
    if WRITE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
