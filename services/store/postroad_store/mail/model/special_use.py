r"""Special uses of mailboxes (RFC 6154): each use belongs to one mailbox of an account at most.

A mailbox has several as one text, separated by spaces, as LIST gives them: `\Drafts \Sent`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import UseNotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterable

# RFC 6154 §2. \All and \Flagged, and \Important (RFC 8457), show messages that are in other mailboxes: there are none.
_USES = {use.lower(): use for use in ("\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash")}


def checked_uses(uses: Iterable[str]) -> str | None:
    """Return special uses, in any case, as one text, None if there are none; raises `UseNotAllowed`."""
    checked: dict[str, None] = {}
    for use in uses:
        if use.lower() not in _USES:
            raise UseNotAllowed(f"{use} is not supported")
        checked[_USES[use.lower()]] = None
    return " ".join(checked) or None
