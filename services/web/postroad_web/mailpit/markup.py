"""The HTML of a message, rewritten so that a browser finds its embedded images. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from postroad_web.message.markup import TOKEN, attributes_of
from postroad_web.message.parse import MAX_MARKUP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_web.message.parsed import Part

_CID = re.compile(r"\bcid:([^\s\"'()<>]+)", re.IGNORECASE)
_HTML = re.compile(r"<html[\s>]", re.IGNORECASE)
# The first attribute of a name counts, so these overrule those of the message
_OUTSIDE = ' target="_blank" rel="noreferrer noopener"'


def with_images(html: str, message: str, parts: Iterable[Part]) -> str:
    """Return the HTML with `cid:` URLs (RFC 2392 §2) replaced by those of the parts that they name.

    `message` is the path of the message. The HTML after `MAX_MARKUP` characters stays as it is, here and below.
    """
    places = {part.content_id: f"{message}/part/{quote(part.part_id, safe='')}" for part in parts if part.content_id}
    if not places:
        return html
    shown = _CID.sub(lambda match: places.get(unquote(match[1]), match[0]), html[:MAX_MARKUP])
    return shown + html[MAX_MARKUP:]


def embedded(html: str) -> str:
    """Return a whole document whose links open outside of the frame that it is shown in."""
    body = TOKEN.sub(_opening_outside, html[:MAX_MARKUP]) + html[MAX_MARKUP:]
    if _HTML.search(body):
        return body
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>{body}</body></html>'


def _opening_outside(token: re.Match[str]) -> str:
    _, closing, name, attributes, _ = token.groups()
    if name is not None and not closing and name.lower() in {"a", "area"} and "href" in attributes_of(attributes):
        return f"<{name}{_OUTSIDE}{token[0][1 + len(name) :]}"
    return token[0]
