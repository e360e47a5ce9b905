"""One mailbox, shared by all sessions that look at it (RFC 3501 §2.3, §6.3).

Its attributes change on the event loop's thread only, after the commit that made the change durable and in the
order of the commits. Sessions do not read sequence numbers from it (those are `View`'s, which lags), but flags,
sizes and dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad_store.mail.changes import View
    from postroad_store.mail.message import UID


@dataclass(frozen=True, slots=True)
class Status:
    """What STATUS tells (RFC 3501 §6.3.10)."""

    messages: int
    recent: int
    uid_next: int
    uid_validity: int
    unseen: int


class Mailbox:
    """A mailbox: what it is called, and while it is loaded what is in it.

    `uids`, `flags`, `sizes` and `internal_dates` are parallel and ascend by UID. They are filled while a `View`
    is open (and for a while after); ask `Storage.view` or `Storage.status`, not an unloaded mailbox.
    """

    __slots__ = (
        "__weakref__",
        "deleted",
        "flags",
        "id",
        "internal_dates",
        "keywords",
        "loaded",
        "modseq",
        "name",
        "recent_uid",
        "selectable",
        "sizes",
        "special_use",
        "uid_next",
        "uid_validity",
        "uids",
        "unseen",
        "views",
    )

    id: int
    name: str  # Unicode, as in the world; modified UTF-7 is the wire's matter. INBOX in capitals
    special_use: str | None  # RFC 6154 §2: "\\Drafts", ...
    selectable: bool  # False: \Noselect, a name that has only inferiors
    deleted: bool  # it has gone; its views are told by `View.gone`
    uid_validity: int
    uid_next: int
    modseq: int  # RFC 7162 §3.1.1: rises with every change of the mailbox
    keywords: list[str]  # the n-th has the flag bit `1 << (FIRST_KEYWORD + n)`
    recent_uid: int  # the highest UID that some session has been told of as \Recent

    loaded: bool
    uids: list[UID]
    flags: list[int]
    sizes: list[int]  # octets, RFC822.SIZE
    internal_dates: list[int]  # seconds since 1970 UTC
    unseen: int  # how many messages lack \Seen
    views: set[View]

    def index(self, uid: int) -> int | None:
        """Return where the message stands in the parallel lists, or None where it is no longer there."""
        raise NotImplementedError

    def flag_names(self, flags: int) -> str:
        """Return the flags in IMAP's spelling, parted by spaces, without the parentheses; cached by value."""
        raise NotImplementedError

    def keyword_bit(self, keyword: str) -> int:
        """Return the flag bit of a keyword in any case, 0 where the mailbox does not know it."""
        raise NotImplementedError
