"""The attributes of names in LIST responses (RFC 3501 §7.2.2, RFC 5258 §3, RFC 6154 §2, RFC 9051 §7.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.extensions import CHILDREN, SPECIAL_USE
from postroad_store.mail.model.account import INBOX

if TYPE_CHECKING:
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.account import Named
    from postroad_store.mail.model.mailbox import Mailbox

# Gmail's names for the special uses; others are the same.
_GMAIL = {"\\Junk": "\\Spam", "\\Archive": "\\AllMail"}


class Attributes:
    """The beginnings of the responses of one LIST, remembered: among 50,000 names there are few different ones."""

    def __init__(self, session: Session, word: bytes, *, extended: bool) -> None:
        self._word = word
        self._extended = extended or session.rev2
        self._children = session.offers(CHILDREN)
        self._special_use = session.offers(SPECIAL_USE)
        self._known: dict[tuple[bool | None, bool, bool, str | None], bytes] = {}

    def of(self, entry: Mailbox | Named | None, has_children: bool, subscribed: bool, name: str) -> bytes:
        """Return the response up to its name, and a space."""
        selectable = None if entry is None else entry.selectable
        use = None if entry is None else entry.special_use
        if name == INBOX and self._word == b"XLIST":
            use = "\\Inbox"
        key = (selectable, has_children, subscribed, use)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._make(selectable, has_children, subscribed, use)
        return known

    def _make(self, selectable: bool | None, has_children: bool, subscribed: bool, use: str | None) -> bytes:
        attributes = []
        if selectable is None:
            # RFC 5258 §3.4: \NonExistent implies \Noselect; a client of RFC 3501 knows the latter alone
            attributes.append("\\NonExistent" if self._extended else "\\Noselect")
        elif not selectable:
            attributes.append("\\Noselect")
        if self._children:
            attributes.append("\\HasChildren" if has_children else "\\HasNoChildren")
        if use is not None and self._word == b"XLIST":
            attributes += [_GMAIL.get(each, each) for each in use.split()]
        elif use is not None and self._special_use:
            attributes.append(use)
        if subscribed:
            attributes.append("\\Subscribed")
        return b'* %b (%b) "/" ' % (self._word, " ".join(attributes).encode("ascii"))
