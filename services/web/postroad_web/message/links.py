"""The links that a message shows: anchors of its HTML, and URLs in its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_web.message.markup import MAX_LINKS
from postroad_web.message.parsed import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_web.message.markup import Anchor

_URL = re.compile(r"https?://[^\s<>\"\x00-\x1f]{1,8192}", re.IGNORECASE)
_BEHIND = ".,;:!?'*_"  # ends a sentence or emphasis, and not a URL
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_KINDS = {"http": "link", "https": "link", "mailto": "mail", "tel": "phone"}
_UNSUBSCRIBE = re.compile(
    r"unsubscri|opt[ _-]?out|abmelde|abbestell|désabonn|desinscri|désinscri|darse de baja|disiscri|afmelden",
    re.IGNORECASE,
)


def links_of(anchors: tuple[Anchor, ...], text: str, unsubscribe: tuple[str, ...]) -> tuple[Link, ...]:
    """Return the links, those of the HTML first; a URL of the text only if the HTML does not have it.

    `unsubscribe` are the links of the List-Unsubscribe field.
    """
    links = [
        Link(href, words, _kind(href, words, unsubscribe), "html")
        for href, words in anchors
        if href and not href.startswith("#")
    ]
    seen = {link.url for link in links}
    for url in urls_in(text):
        if len(links) >= MAX_LINKS:
            break
        if url not in seen:
            seen.add(url)
            links.append(Link(url, url, _kind(url, "", unsubscribe), "text"))
    return tuple(links)


def urls_in(text: str) -> Iterator[str]:
    """Yield the http and https URLs in plain text, without the punctuation behind them."""
    for match in _URL.finditer(text):
        url = _trimmed(match[0])
        if not url.endswith("//"):
            yield url


def _trimmed(url: str) -> str:
    end = len(url)
    opened = {bracket: url.count(bracket) for bracket in "([{)]}"}
    while True:  # the letters of http end it, at the latest
        last = url[end - 1]
        if last in _BRACKETS and opened[last] > opened[_BRACKETS[last]]:
            opened[last] -= 1
        elif last not in _BEHIND:
            break
        end -= 1
    return url[:end]


def _kind(url: str, words: str, unsubscribe: tuple[str, ...]) -> str:
    kind = _KINDS.get(url.partition(":")[0].lower(), "other")
    if kind in {"link", "mail"} and (url in unsubscribe or _UNSUBSCRIBE.search(words) or _UNSUBSCRIBE.search(url)):
        return "unsubscribe"
    return kind
