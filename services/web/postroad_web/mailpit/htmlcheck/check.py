"""Checks the HTML of a message. The data are read from the package at the first check."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any

from postroad_web.mailpit.htmlcheck import features
from postroad_web.mailpit.htmlcheck.stylesheet import Document, Styles
from postroad_web.mailpit.htmlcheck.support import Support, report
from postroad_web.message.markup import TOKEN, attributes_of

MOST_CHARACTERS = 2_000_000  # more of a message is not looked at
_STYLE_END = re.compile(r"</style(?=[\s/>])", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*<!doctype html", re.IGNORECASE)
_UNCOUNTED = frozenset({"html", "head", "meta"})


@cache
def support() -> Support:
    """Return caniemail's data: half a megabyte, read once."""
    return Support(json.loads(files(__package__).joinpath("caniemail.json").read_bytes()))


def check(source: str) -> dict[str, Any]:
    """Return the answer of the HTML check. It takes a while with much CSS: call it in a thread."""
    page = _Page()
    page.read(source[:MOST_CHARACTERS])
    return report(support(), page.uses, tests=len(support().features), nodes=page.nodes)


class _Page:
    """Counts the features that a page uses."""

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self.nodes = 0
        self._document = Document()
        self._sheets: list[str] = []
        self._styles: list[str] = []

    def read(self, source: str) -> None:
        if _DOCTYPE.match(source):
            self.uses[features.DOCTYPE] += 1
        position = 0
        while (match := TOKEN.match(source, position)) is not None:
            position = match.end()
            _, closing, name, attributes, _ = match.groups()
            if match[0].startswith("<!--"):
                self.uses[features.COMMENT] += 1
            elif name is not None and not closing:
                self._element(name.lower(), attributes_of(attributes))
                if name.lower() == "style":
                    end = _STYLE_END.search(source, position)
                    until = end.start() if end else len(source)
                    self._sheets.append(source[position:until])
                    position = until
        styles = Styles(self._document)
        for text in self._styles:
            styles.attribute(text)
        styles.sheet("\n".join(self._sheets))
        self.uses.update(styles.uses)

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        self.nodes += name not in _UNCOUNTED
        self._document.tags[name] += 1
        self._document.classes.update(set(attributes.get("class", "").split()))
        if "id" in attributes:
            self._document.idents[attributes["id"]] += 1
        if "style" in attributes:
            self._styles.append(attributes["style"])
        slugs = {features.ELEMENTS.get(name), features.TYPES.get((name, attributes.get("type", "").lower()))}
        slugs |= {features.ATTRIBUTES.get(attribute) for attribute in attributes}
        slugs |= _targets(name, attributes)
        self.uses.update(slug for slug in slugs if slug)


def _targets(name: str, attributes: dict[str, str]) -> set[str]:
    """Return the features of what an element leads to or shows."""
    if name == "a":
        href = attributes.get("href", "").strip().lower()
        if href.startswith("#") and href != "#":
            return {features.ANCHOR}
        return {features.MAILTO} if href.startswith("mailto:") else set()
    if name == "meta" and attributes.get("name", "").lower() in {"color-scheme", "supported-color-schemes"}:
        return {features.COLOR_SCHEME_META}
    if name == "img":
        source = attributes.get("src", "").strip().lower()
        if source.startswith("data:"):
            return {features.DATA_IMAGE} if ";base64," in source[:200] else set()
        path = source.partition("?")[0].partition("#")[0]
        return {features.SUFFIXES.get(path[path.rfind(".") :], "")} if "." in path else set()
    return set()
