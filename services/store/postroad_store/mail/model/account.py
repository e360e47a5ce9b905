"""One user's mailboxes: their names, hierarchy and subscriptions (RFC 3501 §5.1, §6.3).

Names are Unicode strings with `/` between levels. INBOX is one name in any case.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import NameNotAllowed, NameTooLong, NoSuchMailbox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroad_store.mail.model.mailbox import Mailbox

DELIMITER = "/"
INBOX = "INBOX"
MAX_NAME = 255  # octets of UTF-8 in a level of the hierarchy
MAX_DEPTH = 20  # levels of the hierarchy
MAX_MAILBOXES = 2000  # per account
MAX_SUBSCRIPTIONS = 4000  # per account

# RFC 6154 §2. Each new account has these mailboxes, and is subscribed to them and to INBOX.
SPECIAL_USE = {
    "Drafts": "\\Drafts",
    "Sent": "\\Sent",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
    "Archive": "\\Archive",
}


# Wildcards; control characters, surrogates, line and paragraph separators.
_NEVER = re.compile("[*%\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


class Account:
    """One user; the same object for all of the user's sessions, and for delivery."""

    __slots__ = ("__weakref__", "_sorted", "id", "login", "mailboxes", "subscriptions")

    def __init__(self, number: int, login: str, mailboxes: Iterable[Mailbox], subscriptions: Iterable[str]) -> None:
        self.id = number
        self.login = login
        self.mailboxes = {mailbox.name: mailbox for mailbox in mailboxes}  # by name; \Noselect ones too
        self._sorted: list[str] = []  # the names, for has_inferiors
        # A name may be subscribed to that no mailbox has (RFC 3501 §6.3.6).
        self.subscriptions = set(subscriptions)

    @property
    def inbox(self) -> Mailbox:
        """INBOX, which every account has."""
        return self.mailboxes[INBOX]

    def find(self, name: str) -> Mailbox | None:
        r"""Return the mailbox of this name, also a \Noselect one, or None; INBOX is found in any case."""
        return self.mailboxes.get(canonical_name(name))

    def selectable(self, name: str) -> Mailbox:
        r"""Return the mailbox of this name; raises `NoSuchMailbox`, for a \Noselect name too."""
        mailbox = self.find(name)
        if mailbox is None:
            raise NoSuchMailbox("there is no such mailbox")
        if not mailbox.selectable:
            raise NoSuchMailbox("this is a name in the hierarchy, not a mailbox")
        return mailbox

    def has_inferiors(self, mailbox: Mailbox) -> bool:
        r"""Return True if there are names below this one (RFC 3348: \HasChildren)."""
        prefix = mailbox.name + DELIMITER
        if not self._sorted:
            self._sorted = sorted(self.mailboxes)
        at = bisect_left(self._sorted, prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(prefix)

    def put(self, mailbox: Mailbox) -> None:
        """Add a mailbox under its name; commits call it."""
        self.mailboxes[mailbox.name] = mailbox
        self._sorted = []

    def take(self, name: str) -> Mailbox:
        """Remove a name, and return its mailbox; commits call it."""
        self._sorted = []
        return self.mailboxes.pop(name)


def canonical_name(name: str) -> str:
    """Return the name as it is stored: with INBOX in capitals if that is its first level.

    RFC 3501 §5.1: INBOX is "case-insensitive"; so a name below it is below INBOX, whatever its case.
    """
    if name[:5].upper() == INBOX and name[5:6] in {"", DELIMITER}:
        return INBOX + name[5:]
    return name


def checked_name(name: str) -> str:
    """Return the canonical name of a mailbox that may be made; raises `NameNotAllowed`, `NameTooLong`.

    RFC 3501 §5.1: no control characters; no wildcards, since LIST could not name it.
    """
    name = canonical_name(name)
    levels = name.split(DELIMITER)
    if not all(levels):
        raise NameNotAllowed("a level of the mailbox name is empty")
    if len(levels) > MAX_DEPTH:
        raise NameTooLong(f"a mailbox name has at most {MAX_DEPTH} levels")
    if any(len(level.encode("utf-8", "surrogatepass")) > MAX_NAME for level in levels):
        raise NameTooLong(f"a level of a mailbox name has at most {MAX_NAME} octets")
    if _NEVER.search(name):
        raise NameNotAllowed("a mailbox name has no control characters and no wildcards")
    return name
