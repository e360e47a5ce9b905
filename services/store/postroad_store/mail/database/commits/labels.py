"""Commits that set and remove labels: copies of messages in other mailboxes (decision 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.messages import Copy, Expunge
from postroad_store.mail.model.ranges import following

if TYPE_CHECKING:
    from sqlite3 import Connection

    from postroad_store.mail.database.commits.messages import Duplicated, Expunged
    from postroad_store.mail.model.mailbox import Mailbox


class AddLabel(Copy):
    """Copy those of the messages whose content the target lacks."""

    def write(self, db: Connection) -> Duplicated | None:
        """Find them, and copy them; of messages with one content, the first alone."""
        lacking: dict[int, int] = {}
        for low, high in self._runs:
            for uid, content in db.execute(_LACKING, (self._source.id, low, high, self._target.id)).fetchall():
                lacking.setdefault(content, uid)
        self._runs = following(sorted(lacking.values()))
        return super().write(db) if lacking else None


_LACKING = (
    "SELECT uid, content FROM entries e WHERE mailbox = ? AND uid BETWEEN ? AND ? AND NOT EXISTS"
    " (SELECT 1 FROM entries o WHERE o.content = e.content AND o.mailbox = ?) ORDER BY uid"
)


class RemoveLabel(Expunge):
    """Remove from a mailbox what has the content of messages in another."""

    def of(self, source: Mailbox, uids: list[int]) -> RemoveLabel:
        """Say which messages; returns itself."""
        self._source = source
        self._uids = uids
        return self

    def write(self, db: Connection) -> Expunged | None:
        """Find the copies, and remove them."""
        uids: set[int] = set()
        for uid in self._uids:
            uids.update(row[0] for row in db.execute(_COPIES, (self._source.id, uid, self._mailbox.id)).fetchall())
        self._runs = following(sorted(uids))
        return super().write(db)


_COPIES = (
    "SELECT o.uid FROM entries e JOIN entries o INDEXED BY entries_by_content ON o.content = e.content"
    " WHERE e.mailbox = ? AND e.uid = ? AND o.mailbox = ?"
)
