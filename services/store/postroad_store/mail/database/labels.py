"""Reads which other mailboxes of an account have a message's content: its labels (decision 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.labels import INBOX, USES, label_of

if TYPE_CHECKING:
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.mailbox import Mailbox

_LABELS = (
    "SELECT DISTINCT m.name, m.special_use FROM entries e JOIN entries o INDEXED BY entries_by_content"
    " ON o.content = e.content JOIN mailboxes m ON m.id = o.mailbox WHERE e.mailbox = ? AND e.uid = ?"
    " AND m.id <> e.mailbox AND m.account = (SELECT account FROM mailboxes WHERE id = e.mailbox) ORDER BY m.name"
)
_OTHERS = (
    "SELECT id, name, special_use FROM mailboxes WHERE account = (SELECT account FROM mailboxes WHERE id = ?)"
    " AND (name = ? OR ? AND special_use IS NOT NULL)"
)
_SHARED = (
    "SELECT e.uid FROM entries o JOIN entries e INDEXED BY entries_by_content ON e.content = o.content"
    " WHERE o.mailbox = ? AND e.mailbox = ?"
)


def labels_of(reader: Reader, mailbox: Mailbox, uid: int) -> list[str]:
    """Return the labels of a message, without that of its own mailbox, by the mailboxes' names."""
    return [label_of(name, use) for name, use in reader.rows(_LABELS, (mailbox.id, uid))]


def with_label(reader: Reader, mailbox: Mailbox, label: str) -> list[int] | None:
    """Return the UIDs of the messages whose content the mailbox of a label has; None if it is this mailbox."""
    rows = reader.rows(_OTHERS, (mailbox.id, "INBOX" if label == INBOX else label, label in USES))
    others = [number for number, name, use in rows if label_of(name, use) == label]
    if mailbox.id in others:
        return None
    return [uid for other in others for (uid,) in reader.rows(_SHARED, (other, mailbox.id))]
