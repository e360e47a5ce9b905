"""Modified UTF-7 (RFC 3501 §5.1.3): names of mailboxes on the wire, and as folders of a Maildir++.

Only writing is here. The wire is read strictly (`postroad_store.imap.grammar.mailbox_name`), folders that anybody may
have named are not.
"""

from __future__ import annotations

import base64
import re

# "&" *base64 "-": the base64 has "," for "/" and no padding; "&-" is "&" itself.
_TO_SHIFT = re.compile(r"[^ -~]+")


def encode(name: str) -> str:
    """Return the name in modified UTF-7, which is ASCII."""
    if name.isascii() and name.isprintable() and "&" not in name:  # as nearly all of 50,000 names are
        return name
    return _TO_SHIFT.sub(_shift, name.replace("&", "&-"))


def _shift(match: re.Match[str]) -> str:
    text = base64.b64encode(match[0].encode("utf-16-be")).decode("ascii")
    return f"&{text.rstrip('=').replace('/', ',')}-"
