"""Reads and writes what a snapshot keeps: one statement for each table that an account has rows in.

Mailboxes that come back get ids that no mailbox ever had. Nothing that still knows an old one can change them: a commit
that was under way, a pack, a mailbox in memory. What clients see of a mailbox is as it was: its name, UIDVALIDITY and
MAILBOXID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.tables.snapshots import ACCOUNTS, KEPT, MAILBOXES, METADATA, Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

_KEPT_ACCOUNTS = "(SELECT id FROM kept_accounts WHERE snapshot = :snapshot)"
_KEPT_MAILBOXES = "(SELECT id FROM kept_mailboxes WHERE snapshot = :snapshot)"


def _whose(kept: Kept, accounts: str, mailboxes: str) -> str:
    """Return the condition that a row is one of these accounts', or of these mailboxes'."""
    by_mailbox = f"{kept.mailbox} IN {mailboxes}"
    if kept is METADATA:  # those of the server have no mailbox
        return f"({by_mailbox} OR mailbox = 0 AND account IN {accounts})"
    return by_mailbox if kept.mailbox is not None else f"{kept.account} IN {accounts}"


def _take(kept: Kept) -> str:
    columns = ", ".join(kept.columns)
    where = _whose(kept, _KEPT_ACCOUNTS, _KEPT_MAILBOXES)
    if kept.table == "message_ids":  # some name contents that have gone, and with them they will go
        where += " AND EXISTS (SELECT 1 FROM entries WHERE entries.content = message_ids.content)"
    return f"INSERT INTO {kept.twin} SELECT :snapshot, {columns} FROM {kept.table} WHERE {where}"  # noqa: S608


def _moved(column: str, kept: Kept) -> str:
    """Return a column as it comes back: ids of mailboxes are new."""
    if kept is METADATA and column == "mailbox":
        return "iif(mailbox, mailbox + :moved, 0)"
    return f"{column} + :moved" if column == kept.mailbox or (kept is MAILBOXES and column == "id") else column


def _put(kept: Kept) -> str:
    columns, values = ", ".join(kept.columns), ", ".join(_moved(column, kept) for column in kept.columns)
    return f"INSERT INTO {kept.table} ({columns}) SELECT {values} FROM {kept.twin} WHERE snapshot = :snapshot"  # noqa: S608


_TAKE = tuple(_take(kept) for kept in KEPT if kept is not ACCOUNTS)
_PUT = tuple(_put(kept) for kept in KEPT if kept is not ACCOUNTS)
_FORGET = tuple(f"DELETE FROM {kept.twin} WHERE snapshot = ?" for kept in KEPT)  # noqa: S608


def keep(db: Connection, snapshot: int, accounts: Sequence[int]) -> tuple[int, int]:
    """Keep what these accounts have; return how many messages they have, and the octets of those."""
    db.executemany(
        "INSERT INTO kept_accounts SELECT ?, id, login FROM accounts WHERE id = ?",
        [(snapshot, account) for account in accounts],
    )
    for statement in _TAKE:
        db.execute(statement, {"snapshot": snapshot})
    ((messages, octets),) = db.execute(
        "SELECT coalesce(sum(messages), 0), coalesce(sum(octets), 0) FROM kept_mailboxes WHERE snapshot = ?",
        (snapshot,),
    ).fetchall()
    return messages, octets


def forget(db: Connection, snapshot: int) -> None:
    """Forget a snapshot. Its contents may be garbage now."""
    db.execute("INSERT OR IGNORE INTO garbage SELECT content FROM kept_entries WHERE snapshot = ?", (snapshot,))
    for statement in _FORGET:
        db.execute(statement, (snapshot,))
    db.execute("DELETE FROM snapshots WHERE id = ?", (snapshot,))


def clear(db: Connection, accounts: Sequence[int], snapshot: int) -> None:
    """Remove all that accounts have. Their contents may be garbage, except those that a snapshot keeps."""
    some = f"({', '.join('?' * len(accounts))})"
    mailboxes = f"(SELECT id FROM mailboxes WHERE account IN {some})"  # noqa: S608
    db.execute(
        f"INSERT OR IGNORE INTO garbage SELECT content FROM entries WHERE mailbox IN {mailboxes}"  # noqa: S608
        " AND content NOT IN (SELECT content FROM kept_entries WHERE snapshot = ?)",
        (*accounts, snapshot),
    )
    db.execute(
        "DELETE FROM packs WHERE id IN (SELECT p.id FROM mailboxes m JOIN packs p"  # noqa: S608
        f" ON p.id BETWEEN m.id << 20 AND (m.id + 1 << 20) - 1 WHERE account IN {some})",
        accounts,
    )
    for kept in reversed(KEPT):  # mailboxes after what is found by them
        if kept is not ACCOUNTS:
            values = (*accounts, *accounts) if kept is METADATA else accounts
            db.execute(f"DELETE FROM {kept.table} WHERE {_whose(kept, some, mailboxes)}", values)  # noqa: S608


def put_back(db: Connection, snapshot: int) -> None:
    """Let the accounts have what a snapshot kept of them; they must have nothing."""
    ((moved,),) = db.execute(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'mailboxes'), 0) + 1 - coalesce(min(id), 0)"
        " FROM kept_mailboxes WHERE snapshot = ?",
        (snapshot,),
    ).fetchall()
    for statement in _PUT:
        db.execute(statement, {"snapshot": snapshot, "moved": moved})
    db.execute(
        "UPDATE accounts SET (messages, octets) ="
        " (SELECT coalesce(sum(messages), 0), coalesce(sum(octets), 0) FROM mailboxes WHERE account = accounts.id)"
        " WHERE id IN (SELECT id FROM kept_accounts WHERE snapshot = ?)",
        (snapshot,),
    )


def renew_validity(db: Connection, snapshot: int, now: int) -> None:
    """Give the mailboxes that have come back UIDVALIDITY values that were never used (RFC 3501 §2.3.1.1)."""
    mailboxes = db.execute(
        "SELECT id FROM mailboxes WHERE account IN (SELECT id FROM kept_accounts WHERE snapshot = ?) ORDER BY id",
        (snapshot,),
    ).fetchall()
    ((last,),) = db.execute(
        "UPDATE counters SET value = max(value, ?) + ? WHERE name = 'uid_validity' RETURNING value",
        (now, len(mailboxes)),
    ).fetchall()
    first = last - len(mailboxes) + 1
    db.executemany(
        "UPDATE mailboxes SET uid_validity = ? WHERE id = ?",
        [(first + number, mailbox) for number, (mailbox,) in enumerate(mailboxes)],
    )
