"""Rows of the tables as Python has them: mailboxes, entries, and the two columns of an entry's flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_store.mail.database.schema import NARROW_BITS, NARROW_KEYWORDS
from postroad_store.mail.model.contents import Counts, MailboxRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

    from postroad_store.mail.model.columns import Entry

_COLUMNS = (
    "id, name, special_use, selectable, uid_validity, uid_next, modseq, recent_uid, lowest_known, object_id,"
    " account, acl, messages, unseen, deleted, octets, recent"
)


def read_mailbox(db: Connection, mailbox: int) -> MailboxRow | None:
    """Return the mailbox with this id, None if it has gone."""
    row = db.execute(f"SELECT {_COLUMNS} FROM mailboxes WHERE id = ?", (mailbox,)).fetchone()  # noqa: S608
    return None if row is None else _row(row)


def find_mailbox(db: Connection, account: int, name: str) -> MailboxRow | None:
    """Return the account's mailbox of this name, or None."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM mailboxes WHERE account = ? AND name = ?",  # noqa: S608
        (account, name),
    ).fetchone()
    return None if row is None else _row(row)


def _row(row: tuple[Any, ...]) -> MailboxRow:
    number, name, special_use, selectable, uid_validity, uid_next, modseq, recent_uid, lowest_known, object_id = row[
        :10
    ]
    account, acl = row[10:12]
    return MailboxRow(
        number,
        name,
        special_use,
        bool(selectable),
        uid_validity,
        uid_next,
        modseq,
        recent_uid,
        Counts(*row[12:]),
        lowest_known,
        object_id,
        account,
        acl,
    )


def insert_mailbox(
    db: Connection,
    account: int,
    name: str,
    now: int,
    *,
    special_use: str | None = None,
    selectable: bool = True,
    acl: str | None = None,
) -> MailboxRow:
    """Insert a mailbox under a UIDVALIDITY that was never used; `now` is in seconds since 1970.

    RFC 3501 §2.3.1.1: a new mailbox with the name of an old one must have another UIDVALIDITY. It is the time, so
    that no value comes back even if the database is lost; a counter makes sure that it rises.
    """
    ((uid_validity,),) = db.execute(
        "UPDATE counters SET value = max(value + 1, ?) WHERE name = 'uid_validity' RETURNING value", (now,)
    ).fetchall()
    cursor = db.execute(
        "INSERT INTO mailboxes"
        " (account, name, special_use, selectable, uid_validity, uid_next, modseq, recent_uid, object_id, acl)"
        " VALUES (?, ?, ?, ?, ?, 1, 1, 0, ?, ?)",
        (account, name, special_use, selectable, uid_validity, object_id := f"m{uid_validity:x}", acl),
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has just set it
    columns = (cursor.lastrowid, name, special_use, selectable, uid_validity, 1, 1, 0)
    return MailboxRow(*columns, object_id=object_id, account=account, acl=acl)


_NARROW = (1 << NARROW_BITS) - 1


def parted(flags: int) -> tuple[int, bytes | None]:
    """Return flags as the columns `flags` and `wide_flags` have them."""
    wide = flags >> NARROW_BITS
    return flags & _NARROW, wide.to_bytes((wide.bit_length() + 7) // 8, "little") if wide else None


def joined(narrow: int, wide: bytes | None) -> int:
    """Return the flags that the two columns have."""
    return narrow if wide is None else narrow | int.from_bytes(wide, "little") << NARROW_BITS


def has_wide_flags(db: Connection, mailbox: int) -> bool:
    """Return True if messages of the mailbox may have flags in `wide_flags`."""
    return db.execute(_WIDE, (mailbox, NARROW_KEYWORDS)).fetchone() is not None


_WIDE = "SELECT 1 FROM keywords WHERE mailbox = ? AND number >= ? LIMIT 1"


def insert_entries(
    db: Connection, mailbox: int, modseq: int, entries: Sequence[Entry], contents: Sequence[int], *, now: int
) -> None:
    """Insert entries, with the contents that they name. `wide_flags` would cost a fifth more if always inserted.

    `now` is their save date (RFC 8514 §2), in seconds since 1970.
    """
    if max([flags for _, flags, _, _ in entries]) > _NARROW:
        db.executemany(
            _INSERT_WIDE,
            [
                (mailbox, uid, content, internal_date, size, modseq, now, *parted(flags))
                for (uid, flags, size, internal_date), content in zip(entries, contents, strict=True)
            ],
        )
    else:
        insert_narrow(
            db,
            [
                (mailbox, uid, content, internal_date, size, modseq, now, flags)
                for (uid, flags, size, internal_date), content in zip(entries, contents, strict=True)
            ],
        )


def insert_narrow(db: Connection, rows: Sequence[tuple[int, ...]]) -> None:
    """Insert entries without `wide_flags`: mailbox, UID, content, internal date, size, modseq, save date, flags."""
    db.executemany(_INSERT, rows)


_INSERT = (
    "INSERT INTO entries (mailbox, uid, content, internal_date, size, modseq, save_date, flags)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_WIDE = (
    "INSERT INTO entries (mailbox, uid, content, internal_date, size, modseq, save_date, flags, wide_flags)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
