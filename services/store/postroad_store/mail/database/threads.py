"""Finds the thread of a message that arrives, in the commit that stores it (RFC 8474 §5.2).

It costs one statement for a message that answers nothing, and no message that is there already is read. A thread is
never changed: RFC 8474 §5.2 forbids it, so an answer that arrives before what it answers begins the thread, and the
other joins it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from sqlite3 import Connection

    from postroad.mime.links import Links


def join_thread(db: Connection, account: int, content: int, named: Links) -> None:
    """Note which thread a new content belongs to, and the Message-IDs that lead there."""
    if not named.references:
        if named.own is not None:
            _begin(db, account, content, named.own)
        return
    ids = named.references if named.own is None else (named.own, *named.references)
    known: dict[int, int] = dict(
        db.execute(
            f"SELECT id, thread FROM message_ids WHERE id IN ({', '.join('?' * len(ids))}) AND account = ?",  # noqa: S608
            (*ids, account),
        ).fetchall()
    )
    # A copy of a message (Sent, a list) is in its thread; then the nearest of the messages that it answers counts.
    thread = next((known[number] for number in ids if number in known), content)
    if thread != content:
        db.execute("INSERT OR IGNORE INTO threads VALUES (?, ?, ?)", (content, account, thread))
    # Itself, what it answers, and the message that all began with: those that later messages will name as well.
    kept = dict.fromkeys((ids[0], *named.references[:1], *named.references[-1:]))
    db.executemany(_NAME, [(number, account, known.get(number, thread), content) for number in kept])


def _begin(db: Connection, account: int, content: int, own: int) -> None:
    """Do it for a message that answers nothing, as most: in one statement, unless it is a copy of another."""
    if db.execute(_NAME_FIRST, (own, account, content, content)).rowcount:
        return
    ((thread,),) = db.execute(_NAME_AGAIN, (content, account, own)).fetchall()
    if thread != content:  # else it is in another mailbox of the account already
        db.execute("INSERT OR IGNORE INTO threads VALUES (?, ?, ?)", (content, account, thread))


_NAME = "INSERT INTO message_ids VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content"
# To ask it for the thread by RETURNING would take as long as the rest of it: SQLite makes a table of the answer.
_NAME_FIRST = "INSERT INTO message_ids VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_NAME_AGAIN = "UPDATE message_ids SET content = ? WHERE account = ? AND id = ? RETURNING thread"


def forget_threads(db: Connection, contents: Sequence[tuple[int]]) -> None:
    """Forget contents that are removed; each is a row of parameters."""
    db.executemany("DELETE FROM message_ids WHERE content = ?", contents)
    db.executemany("DELETE FROM threads WHERE content = ?", contents)


def share_threads(db: Connection, source: int, account: int, contents: Iterable[int]) -> None:
    """Let contents that are copied from this mailbox to one of an account keep their threads (RFC 8474 §5.2)."""
    ((before,),) = db.execute("SELECT account FROM mailboxes WHERE id = ?", (source,)).fetchall()
    if before != account:
        db.executemany(_SHARE, [{"content": content, "before": before, "after": account} for content in contents])


# A content that the account has already keeps the thread that it has there.
_SHARE = (
    "INSERT OR IGNORE INTO threads SELECT content, :after, thread FROM threads"
    " WHERE content = :content AND account = :before AND NOT EXISTS (SELECT 1 FROM entries e JOIN mailboxes m"
    " ON m.id = e.mailbox WHERE e.content = :content AND m.account = :after)"
)
