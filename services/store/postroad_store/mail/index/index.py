"""The index's file: an FTS5 table of trigrams that keeps no texts (a third of their size, nine tenths of it postings).

A row's number is that of a content (`database.tables.contents`), which never comes back. So a removed message needs no
removal here. The file is worth nothing without the mail's database: `Index` begins anew if it is not of this one, and
gives up, with one sentence in the log, if it is damaged.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_store.mail.database.connection import connect
from postroad_store.mail.database.texts import UNTEXTED
from postroad_store.mail.index.rarity import worth_asking
from postroad_store.mail.index.trigrams import indexed_text, query, trigrams_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILE = "index.sqlite"
VERSION = 2  # kept as user_version; another one is made anew
BATCH_ROWS = 200  # messages of one commit
BATCH_OCTETS = 4 << 20  # octets of text, about
PROOFS = 8  # contents whose checksums tell whether the index is of this mail
_SPARE = 10_000  # rows of removed messages that do not matter
_WASTE = 2  # times as many rows as there are messages, above which the index is made anew

_SCHEMA = """
CREATE VIRTUAL TABLE trigrams USING fts5
    (text, tokenize = 'trigram case_sensitive 1', content = '', detail = none, columnsize = 0);
CREATE TABLE unread (content INTEGER PRIMARY KEY);
CREATE TABLE reached (upto INTEGER NOT NULL, rows INTEGER NOT NULL);
INSERT INTO reached VALUES (0, 0);
CREATE TABLE proofs (content INTEGER PRIMARY KEY, checksum INTEGER NOT NULL);
"""
# The highest id of a content that was ever given (`tables.counters`)
HIGHEST = "SELECT max(ifnull((SELECT max(id) FROM contents), 0), (SELECT value FROM counters WHERE name = 'content'))"
_TEXTS = (
    "SELECT c.id, c.plain, iif(c.plain, c.header, (SELECT header FROM texts WHERE content = c.id)),"
    " iif(c.plain, (SELECT octets FROM octets WHERE piece = c.id << 16),"
    " (SELECT body FROM texts WHERE content = c.id)), c.envelope FROM contents c WHERE c.id > ? ORDER BY c.id"
)
_log = logging.getLogger(__name__)


class Candidates(NamedTuple):
    """Contents that may have a text: these, and all above `upto`, which have not been indexed."""

    contents: list[int]
    upto: int


class Index:
    """The index of one mail database; `extend` in one thread, `candidates` in any."""

    def __init__(self, mail: Path) -> None:
        self._mail_path = mail
        self._path = mail.with_name(FILE)
        self._db: sqlite3.Connection | None = None  # writes; of the thread that extends
        self._mail: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._reading = threading.Lock()
        self.useful = False  # `candidates` may be asked

    def exists(self) -> bool:
        """Return True if there is a file."""
        return self._path.exists()

    def close(self) -> None:
        """Close the file."""
        with self._reading:
            self.useful = False
            for connection in (self._db, self._mail, self._reader):
                if connection is not None:
                    connection.close()
            self._db = self._mail = self._reader = None

    # -- making it --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the file; make it if it is missing, old or of another mail. Raises `sqlite3.Error`."""
        self._mail = connect(self._mail_path, read_only=True)
        try:
            self._db = self._opened()
            valid = self._is_valid()
        except sqlite3.DatabaseError:
            valid = False
        if not valid:
            if self._db is not None:
                self._db.close()
            for path in self._path.parent.glob(f"{FILE}*"):
                path.unlink()
            self._db = self._opened()
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._reader = connect(self._path, read_only=True)
        self.useful = True

    def _opened(self) -> sqlite3.Connection:
        connection = connect(self._path)
        connection.execute("PRAGMA journal_mode = WAL")
        # After a power failure the file may lack the last commits, and they are made again: no fsync is waited for.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -8000")
        return connection

    def _is_valid(self) -> bool:
        """Return True if the file is whole and of this mail, and mostly of messages that are still there."""
        assert self._db is not None  # noqa: S101 - `open` has made both
        assert self._mail is not None  # noqa: S101
        if self._db.execute("PRAGMA user_version").fetchone() != (VERSION,):
            return False
        ((upto, rows),) = self._db.execute("SELECT upto, rows FROM reached").fetchall()
        ((highest,),) = self._mail.execute(HIGHEST).fetchall()
        ((messages,),) = self._mail.execute("SELECT count(*) FROM entries").fetchall()
        if upto > highest or rows > _WASTE * messages + _SPARE:
            return False
        for content, checksum in self._db.execute("SELECT content, checksum FROM proofs").fetchall():
            row = self._mail.execute("SELECT envelope FROM contents WHERE id = ?", (content,)).fetchone()
            if row is not None and zlib.crc32(row[0]) != checksum:
                return False
        return True

    def extend(self) -> bool:
        """Index some more messages; return False if there are none, or texts are made anew. Raises `sqlite3.Error`."""
        assert self._db is not None  # noqa: S101 - `open` has made both
        assert self._mail is not None  # noqa: S101
        ((upto, count),) = self._db.execute("SELECT upto, rows FROM reached").fetchall()
        rows = [] if self._mail.execute(UNTEXTED).fetchone() else self._batch(upto)
        if not rows:
            return False
        texts = [
            (row[0], indexed_text(plain=row[1], header=row[2], body=row[3] or b"", envelope=row[4]))
            for row in rows
            if row[2] is not None
        ]
        proofs = [(row[0], zlib.crc32(row[4])) for row in rows[-PROOFS:]]
        with _transaction(self._db):
            self._db.executemany("INSERT INTO trigrams (rowid, text) VALUES (?, ?)", texts)
            self._db.executemany("INSERT INTO unread VALUES (?)", [(row[0],) for row in rows if row[2] is None])
            self._db.execute("UPDATE reached SET upto = ?, rows = ?", (rows[-1][0], count + len(rows)))
            self._db.execute("DELETE FROM proofs")
            self._db.executemany("INSERT INTO proofs VALUES (?, ?)", proofs)
        return True

    def _batch(self, upto: int) -> list[tuple[Any, ...]]:
        """Return the next messages: content, plain, header and body (None: too long to be kept), ENVELOPE."""
        assert self._mail is not None  # noqa: S101 - `open` has made it
        rows = []
        octets = 0
        cursor = self._mail.execute(_TEXTS, (upto,))
        for row in cursor:
            rows.append(row)
            octets += len(row[2] or b"") + len(row[3] or b"")
            if len(rows) >= BATCH_ROWS or octets >= BATCH_OCTETS:
                break
        cursor.close()
        return rows

    # -- asking it --------------------------------------------------------------------------------------------

    def candidates(self, needles: Sequence[bytes], limit: int) -> Candidates | None:
        """Return which contents may have any of the folded texts; None if the index does not help, or for too many."""
        texts = [trigrams for needle in needles if (trigrams := trigrams_of(needle)) is not None]
        with self._reading:
            if len(texts) < len(needles) or self._reader is None or not self.useful:
                return None
            try:
                return self._asked(self._reader, texts, limit)
            except sqlite3.Error as error:
                self.useful = False
                _log.warning("the search index %s is not used until the next start: %s", self._path, error)
                return None

    @staticmethod
    def _asked(reader: sqlite3.Connection, texts: Sequence[Sequence[str]], limit: int) -> Candidates | None:
        with _transaction(reader):
            ((upto,),) = reader.execute("SELECT upto FROM reached").fetchall()
            asked = query(worth_asking(reader, trigrams, upto) for trigrams in texts)
            match = "SELECT rowid FROM trigrams WHERE trigrams MATCH ? LIMIT ?"
            rows = reader.execute(match, (asked, limit)).fetchall()
            if len(rows) == limit:
                return None
            rows += reader.execute("SELECT content FROM unread").fetchall()
        return Candidates([content for (content,) in rows], upto)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
