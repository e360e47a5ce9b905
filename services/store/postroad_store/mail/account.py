"""One user's mailboxes: their names, hierarchy and subscriptions (RFC 3501 §5.1, §6.3).

Names are Unicode strings with `/` between levels. INBOX is one name in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_store.mail.mailbox import Mailbox

DELIMITER = "/"
INBOX = "INBOX"
MAX_NAME = 255  # octets of UTF-8 in a level of the hierarchy
MAX_DEPTH = 20  # levels of the hierarchy
MAX_MAILBOXES = 2000  # an account
MAX_SUBSCRIPTIONS = 4000  # an account

# RFC 6154 §2; made with each account and subscribed to.
SPECIAL_USE = {
    "Drafts": "\\Drafts",
    "Sent": "\\Sent",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
    "Archive": "\\Archive",
}


class Account:
    """One user; the same object for all of the user's sessions, and for delivery."""

    __slots__ = ("__weakref__", "id", "login", "mailboxes", "subscriptions")

    id: int
    login: str
    mailboxes: Mapping[str, Mailbox]  # by name; \Noselect ones too
    subscriptions: set[str]  # names; a name may be subscribed to that no mailbox has (RFC 3501 §6.3.6)

    @property
    def inbox(self) -> Mailbox:
        """INBOX, which always exists."""
        raise NotImplementedError

    def find(self, name: str) -> Mailbox | None:
        r"""Return the mailbox of this name, \Noselect or not; INBOX in any case."""
        raise NotImplementedError

    def selectable(self, name: str) -> Mailbox:
        r"""Return the mailbox of this name; raises `NoSuchMailbox`, for a \Noselect name too."""
        raise NotImplementedError

    def has_inferiors(self, mailbox: Mailbox) -> bool:
        r"""Whether names below this one exist (RFC 3348: \HasChildren)."""
        raise NotImplementedError


def canonical_name(name: str) -> str:
    """Return the name as it is kept: INBOX in capitals wherever it is the first level."""
    raise NotImplementedError
