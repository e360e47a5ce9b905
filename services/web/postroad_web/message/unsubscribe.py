"""List-Unsubscribe and List-Unsubscribe-Post, read and checked (RFC 2369 §3.2, RFC 8058)."""

from __future__ import annotations

import re

from postroad_web.message.parsed import Unsubscribe

MAX_LINKS = 100
_ONE_CLICK = "List-Unsubscribe=One-Click"
_LINK = re.compile(r"<([^<>]*)>")
_COMMENT = re.compile(r"\([^()<>]*\)")
_URL = re.compile(r"(?:https?://[^\s/]+\S*|mailto:[^\s@]+@[^\s@]+)\Z", re.IGNORECASE)


def read_unsubscribe(header: str | None, post: str | None) -> Unsubscribe:
    """Return what the two fields say; None is a field that is not there."""
    if header is None:
        alone = () if post is None else ("List-Unsubscribe-Post without List-Unsubscribe",)  # RFC 8058 §3.1
        return Unsubscribe(post=post or "", errors=alone)
    # RFC 2369 §2: URLs in angle brackets, with commas between and comments around them
    written = [re.sub(r"\s+", "", link) for link in _LINK.findall(header)][:MAX_LINKS]
    around = _COMMENT.sub("", _LINK.sub("", header))
    errors = []
    if not written:
        errors.append(f'"{header[:200]}" no valid unsubscribe links found')  # Mailpit's words
    elif around.strip(", \t"):
        errors.append(f"text that is no link: {around.strip(', ')[:100]}")
    errors += [f"not a link to mailto, http or https: {link[:200]}" for link in written if not _URL.match(link)]
    if len(set(written)) < len(written):
        errors.append("the same link twice")
    links = tuple(link for link in written if _URL.match(link))
    https = [link for link in links if link.lower().startswith("https:")]
    one_click = False
    if post is not None:
        # RFC 8058 §3.1: the field holds one pair, and List-Unsubscribe one HTTPS URI (at least)
        if post.replace(" ", "") != _ONE_CLICK:
            errors.append(f"List-Unsubscribe-Post must be {_ONE_CLICK}")
        elif not https:
            errors.append("List-Unsubscribe-Post needs an https link in List-Unsubscribe")
        else:
            one_click = True
    return Unsubscribe(header, post or "", links, one_click=one_click, errors=tuple(errors))
