"""Reading messages from the database, on a connection that only reads.

All is synchronous, and nearly all short: one message costs about 10 µs, a range about 2 µs per message plus the copying
of its octets. No statement stays open between two calls, so the log can always be copied back.
"""

from __future__ import annotations

import logging
import sqlite3
from array import array
from bisect import bisect_left
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad_store.mail.database.connection import explained, open_reader, storage_error
from postroad_store.mail.database.packs import CHUNK, read_columns
from postroad_store.mail.database.rows import read_mailbox
from postroad_store.mail.database.schema import PIECE, PIECE_BITS
from postroad_store.mail.database.stretches import read_parts
from postroad_store.mail.model.account import Named
from postroad_store.mail.model.contents import Contents, MailboxRow
from postroad_store.mail.model.message import BODIES, UID, Column
from postroad_store.mail.model.ranges import union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from postroad_store.mail.model.errors import StorageError
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import ReadColumns
    from postroad_store.mail.model.ranges import Runs

AccountRow: TypeAlias = "tuple[int, str, list[Named], list[str]]"  # id, login, mailboxes, subscriptions

BLOCK = 1 << 20  # octets of content that one SELECT reads, about
BLOCK_ROWS = 512  # messages that one SELECT reads

_log = logging.getLogger(__name__)

# The thread of the content that an entry `e` names, in the account that the mailbox belongs to
_THREAD = (
    "SELECT thread FROM threads WHERE content = e.content AND account ="
    " (SELECT account FROM mailboxes WHERE id = e.mailbox)"
)
_COLUMNS = {
    Column.ID: "e.content",
    # Those that came before schema 3 have none: RFC 8514 §4.3 has the internal date take its place then.
    Column.SAVE_DATE: "ifnull(e.save_date, e.internal_date)",
    Column.THREAD: f"ifnull(({_THREAD}), e.content)",
    Column.ENVELOPE: "c.envelope",
    Column.BODY: "c.body",
    Column.BODYSTRUCTURE: "c.bodystructure",
    Column.HEADER: "c.header",
    Column.TEXT: "o.octets",
    Column.CONTENT: "CAST(c.header || o.octets AS BLOB)",  # || makes text of two blobs without changing an octet
}
_OF_THREAD = (
    f"SELECT e.uid FROM entries e INDEXED BY entries_by_content WHERE e.mailbox = ? AND {_COLUMNS[Column.THREAD]} = ?"  # noqa: S608
    " AND e.content IN (SELECT content FROM threads WHERE thread = ? UNION ALL SELECT ?)"
)
_DELETED = (
    "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT size FROM entries"
    " WHERE mailbox = ? AND uid BETWEEN ? AND ? AND ifnull(?, flags) & 8 ORDER BY uid LIMIT ?)"
)
_NAMED = "SELECT id, name, special_use, selectable, acl FROM mailboxes WHERE account = ? ORDER BY name"
_TEXT = "iif(c.plain, c.header, (SELECT header FROM texts WHERE content = c.id))"


class Reader:
    """A reading connection, for one thread at a time. All methods that read raise `StorageError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_reader(path)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def rows(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """Return the rows of one SELECT."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    @contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def _refusal(self, error: sqlite3.Error) -> StorageError:
        """Log the error in full for the administrator, and return the error for the client."""
        _log.error("mail could not be read: %s", explained(error, self._path))
        return storage_error(error)

    def mailboxes_of(self, login: str) -> int:
        """Return how many mailboxes an account has, 0 if there is no such account."""
        rows = self.rows("SELECT mailboxes FROM accounts WHERE login = ?", (login,))
        return int(rows[0][0]) if rows else 0

    def account(self, login: str) -> AccountRow | None:
        """Return an account as its mailboxes are named; None if there is no such account."""
        accounts = self.rows("SELECT id FROM accounts WHERE login = ?", (login,))
        if not accounts:
            return None
        ((number,),) = accounts
        with self._refused(), self.moment():
            names = [name for (name,) in self._each("SELECT name FROM subscriptions WHERE account = ?", number)]
            mailboxes = [
                Named(each, name, special_use, bool(selectable), acl)
                for each, name, special_use, selectable, acl in self._each(_NAMED, number)
            ]
        return number, login, mailboxes, names

    def _each(self, sql: str, value: int) -> Iterator[tuple[Any, ...]]:
        """Yield rows, taken a few at a time: see `contents`."""
        cursor = self._db.execute(sql, (value,))
        while rows := cursor.fetchmany(CHUNK):
            yield from rows

    def deleted_octets(self, mailbox: Mailbox) -> int:
        """See `Storage.deleted_octets`; it ends with the last message that it looks for."""
        octets, left = 0, mailbox.counts.deleted
        with self._refused(), self.moment():
            for low, high, stretch in read_parts(self._db, mailbox.id, [(0, 1 << 32)]):
                said = stretch.flags if stretch else None
                ((count, size),) = self.rows(_DELETED, (mailbox.id, low, high, said, left))
                octets += size
                left -= count
        return octets

    def sharers(self, but: int) -> list[str]:
        """Return the logins of all accounts that have shared a mailbox, except one."""
        rows = self.rows(
            "SELECT DISTINCT a.login FROM mailboxes m INDEXED BY mailboxes_shared JOIN accounts a ON a.id = m.account"
            " WHERE m.acl IS NOT NULL AND m.account <> ? ORDER BY a.login",
            (but,),
        )
        return [login for (login,) in rows]

    def login(self, account: int) -> str:
        """Return the login of an account."""
        ((login,),) = self.rows("SELECT login FROM accounts WHERE id = ?", (account,))
        return str(login)

    def mailbox(self, number: int) -> MailboxRow | None:
        """Return a mailbox by its id, None if it has gone."""
        with self._refused():
            return read_mailbox(self._db, number)

    def contents(self, mailbox: Mailbox) -> Contents | None:
        """Return what is in the mailbox, all of one moment; None if it has gone."""
        with self._refused(), self.moment():
            row = read_mailbox(self._db, mailbox.id)
            if row is None:
                return None
            keywords = self.rows("SELECT number, keyword FROM keywords WHERE mailbox = ?", (mailbox.id,))
            return Contents(row, keywords, *read_columns(self._db, mailbox.id))

    def expunged(self, mailbox: Mailbox, since: int, upto: int) -> Runs | None:
        """Return the UIDs that have gone after the modseq `since`, up to `upto`; None if some of it is forgotten."""
        with self.moment():
            rows = self.rows("SELECT lowest_known FROM mailboxes WHERE id = ?", (mailbox.id,))
            if not rows or since < rows[0][0]:
                return None
            return union(
                self.rows(
                    "SELECT uid_low, uid_high FROM expunged WHERE mailbox = ? AND modseq > ? AND modseq <= ?",
                    (mailbox.id, since, upto),
                )
            )

    def url_key(self, mailbox: int, account: int) -> bytes | None:
        """Return the key of the mailbox's authorized URLs, None if it has none."""
        rows = self.rows("SELECT key FROM url_keys WHERE mailbox = ? AND account = ?", (mailbox, account))
        return bytes(rows[0][0]) if rows else None

    def with_content(self, mailbox: Mailbox, content: int) -> list[int]:
        """Return the UIDs of the messages that have this content."""
        rows = self.rows("SELECT uid FROM entries WHERE content = ? AND mailbox = ?", (content, mailbox.id))
        return [uid for (uid,) in rows]

    def with_thread(self, mailbox: Mailbox, thread: int) -> list[int]:
        """Return the UIDs of the messages that belong to this thread."""
        # The thread's first message has no row in `threads`, and may be in another thread in another account.
        rows = self.rows(_OF_THREAD, (mailbox.id, thread, thread, thread))
        return [uid for (uid,) in rows]

    def fetch(
        self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]
    ) -> Iterator[tuple[UID, tuple[bytes, ...]]]:
        """See `Storage.fetch`."""
        for block in _blocks(mailbox, uids, has_body=not BODIES.isdisjoint(columns)):
            yield from ((row[0], row[1:]) for row in self.block(mailbox, block, columns))

    def columns(self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]) -> ReadColumns:
        """See `Storage.columns`."""
        if uids[-1] - uids[0] + 1 == len(uids):  # if as many are there, it is these: their UIDs need not be read
            select, bodies = _block_of(tuple(columns), uids=False)
            rows = self.rows(select, (mailbox.id, uids[0], uids[-1]))
            read: Any = [tuple([value for (value,) in rows])] if len(columns) == 1 else [*zip(*rows, strict=True)]
            if len(rows) == len(uids) and not (bodies and max(map(len, read[bodies[0]])) >= PIECE):
                return uids, read
        rows = self.block(mailbox, uids, columns)
        there, *read = zip(*rows, strict=True) if rows else [()]
        return there, read

    def block(self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]) -> list[tuple[Any, ...]]:
        """See `Storage.block`."""
        select, bodies = _block_of(tuple(columns))
        rows = self._ranges(mailbox, uids, select) if uids else []
        if bodies and any(len(row[bodies[0]]) >= PIECE for row in rows):
            return [whole for row in rows if (whole := self._whole(mailbox, row, bodies)) is not None]
        return rows

    def _ranges(self, mailbox: Mailbox, uids: Sequence[int], select: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT of (UID, ...) by mailbox, first and last UID, for these UIDs."""
        rows: list[tuple[Any, ...]] = []
        for low, high, wanted in _ranges(mailbox, uids):
            more = self.rows(select, (mailbox.id, low, high))
            if wanted is not None:
                more = [row for row in more if row[0] in wanted]
            if rows:
                rows += more
            else:
                rows = more
        return rows

    def _whole(self, mailbox: Mailbox, row: tuple[Any, ...], bodies: list[int]) -> tuple[Any, ...] | None:
        """Return the row with all pieces of the body, of which it has the first; None if the message has gone."""
        if len(row[bodies[0]]) < PIECE:
            return row
        with self.moment():
            contents = self.rows("SELECT content FROM entries WHERE mailbox = ? AND uid = ?", (mailbox.id, row[0]))
            if not contents:
                return None
            rest = self._pieces(contents[0][0], 1, (1 << PIECE_BITS) - 1)
        return tuple(value + rest if place in bodies else value for place, value in enumerate(row))

    def _pieces(self, content: int, first: int, last: int) -> bytes:
        key = content << PIECE_BITS
        rows = self.rows(
            "SELECT octets FROM octets WHERE piece BETWEEN ? AND ? ORDER BY piece", (key + first, key + last)
        )
        return b"".join([octets for (octets,) in rows])

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Let several SELECTs see the database of one moment, while the writer goes on."""
        self.rows("BEGIN", ())
        try:
            yield
        finally:
            self.rows("COMMIT", ())

    def _select(
        self, mailbox: Mailbox, uids: Sequence[int], select: str, *, has_body: bool
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a SELECT, which is as `_ranges` takes it, block by block."""
        for block in _blocks(mailbox, uids, has_body=has_body):
            yield self._ranges(mailbox, block, select)

    def sent_days(self, mailbox: Mailbox, uids: Sequence[int]) -> Iterator[list[tuple[int, int | None]]]:
        """Yield lists of (UID, day of the Date field or None)."""
        return self._select(
            mailbox,
            uids,
            "SELECT e.uid, c.sent_day FROM entries e CROSS JOIN contents c ON c.id = e.content"
            " WHERE e.mailbox = ? AND e.uid BETWEEN ? AND ? ORDER BY e.uid",
            has_body=False,
        )

    def texts(self, mailbox: Mailbox, uids: Sequence[int]) -> Iterator[list[tuple[int, int, bytes | None, bytes]]]:
        """Yield lists of (UID, whether it is plain, header, body) for SEARCH: see `postroad.mime.text`.

        Header and body of a plain message are its own octets; those of another are its text. Without a header, the
        text of the message is not stored.
        """
        return self._select(
            mailbox,
            uids,
            f"SELECT e.uid, c.plain, {_TEXT},"  # noqa: S608
            " iif(c.plain, o.octets, coalesce((SELECT body FROM texts WHERE content = c.id), x''))"
            " FROM entries e CROSS JOIN contents c ON c.id = e.content CROSS JOIN octets o ON o.piece = c.id << 16"
            " WHERE e.mailbox = ? AND e.uid BETWEEN ? AND ? ORDER BY e.uid",
            has_body=True,
        )

    def headers(self, mailbox: Mailbox, uids: Sequence[int]) -> Iterator[list[tuple[int, int, bytes | None, bytes]]]:
        """Yield lists of (UID, whether it is plain, header as in `texts`, header section if it is not plain)."""
        return self._select(
            mailbox,
            uids,
            f"SELECT e.uid, c.plain, {_TEXT}, iif(c.plain, x'', c.header) FROM entries e"  # noqa: S608
            " CROSS JOIN contents c ON c.id = e.content"
            " WHERE e.mailbox = ? AND e.uid BETWEEN ? AND ? ORDER BY e.uid",
            has_body=False,
        )

    def content(self, mailbox: Mailbox, uid: int, start: int, end: int | None) -> bytes | None:
        """See `Storage.content`."""
        with self.moment():
            return self._content(mailbox, uid, start, end)

    def _content(self, mailbox: Mailbox, uid: int, start: int, end: int | None) -> bytes | None:
        rows = self.rows(
            "SELECT c.id, c.size, c.header_size FROM entries e CROSS JOIN contents c ON c.id = e.content"
            " WHERE e.mailbox = ? AND e.uid = ?",
            (mailbox.id, uid),
        )
        if not rows:
            return None
        ((content, size, header_size),) = rows
        return self.octets(content, size, header_size, start, end)

    def octets(self, content: int, size: int, header_size: int, start: int = 0, end: int | None = None) -> bytes:
        """Return octets `start` to `end` (None: to the end) of a content that is there, by its row."""
        end = size if end is None else min(end, size)
        if start >= end:
            return b""
        read: list[bytes] = []
        if start < header_size:
            ((header,),) = self.rows("SELECT header FROM contents WHERE id = ?", (content,))
            read.append(header[start:end])
        if end > header_size:
            low, high = max(start - header_size, 0), end - header_size
            first = low // PIECE
            octets = self._pieces(content, first, (high - 1) // PIECE)
            read.append(octets[low - first * PIECE : high - first * PIECE])
        return b"".join(read)


def _blocks(mailbox: Mailbox, uids: Sequence[int], *, has_body: bool) -> Iterator[Sequence[int]]:
    """Cut the UIDs into blocks, one per SELECT."""
    if not has_body:
        for start in range(0, len(uids), BLOCK_ROWS):
            yield uids[start : start + BLOCK_ROWS]
        return
    first = bisect_left(mailbox.uids, uids[0]) if uids else 0
    sizes: Sequence[int] = mailbox.sizes[first : first + len(uids)]
    if mailbox.uids[first : first + len(uids)] != array("I", uids):  # some between are not wanted, or not in memory
        places = map(mailbox.index, uids)
        sizes = [PIECE // 16 if place is None else mailbox.sizes[place] for place in places]
    start = octets = 0
    for at, size in enumerate(sizes):
        octets += min(size, PIECE)
        if octets >= BLOCK:
            yield uids[start : at + 1]
            start, octets = at + 1, 0
    if start < len(uids):
        yield uids[start:]


@lru_cache(maxsize=128)
def _block_of(columns: tuple[Column, ...], *, uids: bool = True) -> tuple[str, list[int]]:
    """Return the SELECT of UIDs and these columns by mailbox, first and last UID, and the places of bodies in a row."""
    selected = ", ".join(["e.uid"] * uids + [_COLUMNS[column] for column in columns])
    bodies = [place for place, column in enumerate(columns, int(uids)) if column in BODIES]
    join = "CROSS JOIN octets o ON o.piece = c.id << 16" if bodies else ""
    # A CROSS JOIN keeps the order: the entries by their key, then the content of each.
    return (
        f"SELECT {selected} FROM entries e CROSS JOIN contents c ON c.id = e.content {join}"  # noqa: S608
        " WHERE e.mailbox = ? AND e.uid BETWEEN ? AND ? ORDER BY e.uid"
    ), bodies


def _ranges(mailbox: Mailbox, uids: Sequence[int]) -> Iterator[tuple[int, int, set[int] | None]]:
    """Yield ranges to read, and which of their messages are wanted (None: all).

    It is one range for the whole block if at least a third of its messages are wanted.
    """
    first, last = uids[0], uids[-1]
    if first == last:
        yield first, last, None
        return
    mine = mailbox.uids
    between = bisect_left(mine, last + 1) - bisect_left(mine, first)
    if mailbox.loaded and between <= 3 * len(uids):
        yield first, last, None if between == len(uids) == last - first + 1 else set(uids)
        return
    for uid in uids:
        yield uid, uid, None
