r"""A mailbox's row in one commit: the modseq and the UIDs that it gives, and the counters that it keeps.

Open it, note what changes, and close it, all in one `write`. Between, no other commit can write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.contents import Counts
from postroad_store.mail.model.errors import NoSuchMailbox
from postroad_store.mail.model.flags import DELETED, SEEN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Connection

    from postroad_store.mail.model.mailbox import Mailbox


class Tally:
    """The row of a mailbox, as this commit will leave it."""

    __slots__ = (
        "_db",
        "_id",
        "account",
        "deleted",
        "messages",
        "modseq",
        "octets",
        "recent",
        "recent_uid",
        "uid_next",
        "uid_validity",
        "unseen",
    )

    def __init__(self, db: Connection, mailbox: Mailbox) -> None:
        """Read the row; raises `NoSuchMailbox` if the mailbox has been deleted."""
        self._db = db
        self._id = mailbox.id
        row = db.execute(_READ, (mailbox.id,)).fetchone()
        if row is None:
            raise NoSuchMailbox("the mailbox has gone")
        (
            self.account,
            self.uid_validity,
            self.uid_next,
            self.modseq,
            self.recent_uid,
            self.messages,
            self.unseen,
            self.deleted,
            self.octets,
            self.recent,
        ) = row

    account: int  # that the mailbox belongs to
    uid_validity: int
    uid_next: int
    modseq: int  # the commit's own: above the last one (RFC 7162 §3.1.1)
    recent_uid: int
    messages: int
    unseen: int
    deleted: int
    octets: int
    recent: int

    def arrived(self, flags: Iterable[int], octets: int) -> int:
        """Count messages that arrive, by their flags, and give them UIDs; return the first of these."""
        uid = self.uid_next
        for value in flags:
            self.uid_next += 1
            self.unseen += not value & SEEN
            self.deleted += value & DELETED != 0
        count = self.uid_next - uid
        self.messages += count
        self.recent += count
        self.octets += octets
        return uid

    def gone(self, uids: Iterable[int], flags: Iterable[int], sizes: Iterable[int]) -> None:
        """Count messages that go, by their UIDs, flags and sizes."""
        for value in flags:
            self.messages -= 1
            self.unseen -= not value & SEEN
            self.deleted -= value & DELETED != 0
        self.octets -= sum(sizes)
        seen = self.recent_uid
        self.recent -= sum([uid > seen for uid in uids])

    @property
    def counts(self) -> Counts:
        """What is in the mailbox now."""
        return Counts(self.messages, self.unseen, self.deleted, self.octets, self.recent)

    def close(self) -> Counts:
        """Write the row, and return the counts."""
        counts = self.counts
        self._db.execute(_WRITE, (self.uid_next, self.modseq, *counts, self._id))
        return counts


_READ = (
    "SELECT account, uid_validity, uid_next, modseq + 1, recent_uid, messages, unseen, deleted, octets, recent"
    " FROM mailboxes WHERE id = ? AND selectable"
)
_WRITE = (
    "UPDATE mailboxes SET uid_next = ?, modseq = ?, messages = ?, unseen = ?, deleted = ?, octets = ?, recent = ?"
    " WHERE id = ?"
)
