"""The log of expunged messages (RFC 7162 §3.2.6): which UIDs have gone at which modseq.

It is bounded. The oldest of a mailbox's ranges are joined where they meet, under the highest modseq of them: a client
that knows of some of these hears of them again, which VANISHED (EARLIER) allows (RFC 7162 §3.2.10). Where that does not
help they are forgotten, and `lowest_known` tells up to which modseq. A client that asks for more gets all UIDs without
a message (RFC 7162 §3.2.6: "MUST behave as if it was requested to report all expunged messages").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.ranges import union

if TYPE_CHECKING:
    from sqlite3 import Connection

    from postroad_store.mail.model.ranges import Runs

MAX_RANGES = 2000  # per mailbox
KEPT = MAX_RANGES // 4  # of the newest ranges, which stay as they are when the others are joined


def log_expunged(db: Connection, mailbox: int, modseq: int, runs: Runs) -> None:
    """Note that these UIDs have gone at this modseq."""
    if len(runs) > MAX_RANGES:
        _forget(db, mailbox, modseq)
        return
    db.executemany(_INSERT, [(mailbox, modseq, low, high) for low, high in runs])
    (count,) = db.execute("SELECT count(*) FROM expunged WHERE mailbox = ?", (mailbox,)).fetchone()
    if count > MAX_RANGES:
        _compact(db, mailbox)


_INSERT = "INSERT INTO expunged (mailbox, modseq, uid_low, uid_high) VALUES (?, ?, ?, ?)"


def _compact(db: Connection, mailbox: int) -> None:
    """Join the oldest ranges; forget them if there are as many afterwards."""
    (modseq,) = db.execute(
        "SELECT modseq FROM expunged WHERE mailbox = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?", (mailbox, KEPT)
    ).fetchone()
    old = db.execute(
        "SELECT uid_low, uid_high FROM expunged WHERE mailbox = ? AND modseq <= ?", (mailbox, modseq)
    ).fetchall()
    joined = union(old)
    if len(joined) > MAX_RANGES // 2:
        _forget(db, mailbox, modseq)
        return
    db.execute("DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?", (mailbox, modseq))
    db.executemany(_INSERT, [(mailbox, modseq, low, high) for low, high in joined])


def _forget(db: Connection, mailbox: int, modseq: int) -> None:
    """Forget what has gone up to this modseq."""
    db.execute("DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?", (mailbox, modseq))
    db.execute("UPDATE mailboxes SET lowest_known = ? WHERE id = ?", (modseq, mailbox))
