"""The HTML of a message as it is shown in a frame. Pure.

Its policy (`api/native/contents`) keeps a browser from loading anything. What no policy governs is done here: a `link`
element may have a browser connect to a server before it loads something (rel=preconnect), and a link that somebody
follows would lead the frame away.
"""

from __future__ import annotations

import re

# HTML, 13.2.5.8: a tag's name ends at white space, a slash or ">". Wherever this stands in the source: what a browser
# takes for text, such as a comment, comes to no harm by it.
_LINK = re.compile(r"<link(?=[\t\n\f\r />])", re.IGNORECASE)
# What may stand before the first element; without a doctype in front a page is laid out in another way (quirks mode).
_BEFORE = re.compile(r"\ufeff?\s*(?:<!doctype[^>]*>)?", re.IGNORECASE)
# The first one counts (HTML, 4.2.3). It has no href, so base-uri has nothing against it.
_BASE = '<base target="_blank">'


def framed(html: str, *, remote: bool) -> str:
    """Return HTML whose links open outside of its frame; without `remote` it connects to nothing by itself."""
    shown = html if remote else _LINK.sub("<x-link", html)
    return _BEFORE.sub(lambda start: start[0] + _BASE, shown, count=1)
