"""The catalog's database, `catalog.sqlite`: derived from the journals and the mail, and made anew when it is lost.

- `records` has a row per record. `number` is that of the relay's journal event that began the record, so that it grows
  with each arrival, is the same after a rebuild, and serves as the cursor of lists. The columns are what lists,
  filters and searches look at; `rest` is the fold's own state (`rows`), packed.
- Columns with addresses of the header are JSON, `[["name","address"],…]`. `bcc` has the recipients of the envelope
  that no field names, too. `recipients` has the envelope's recipients in lower case, each between line feeds.
- `present` is 1 for what Mailpit's dialect shows: the message came in from outside, its content has been read, and it
  is not removed from all mailboxes.
- `world` is the world's ID. Every reader of lists looks at one world, or at all of them (`within`).
- `changed` is the cursor of a record's last change, `appeared` that of the change with its arrival.
- `digested` is 0 until the content has been read, then 1, or 2 if there was none to be read.
- `tags` has the tags of a record in force: those that people gave it, or else those of the message itself.
- `bodies` has the text of a record in which searches look (`searchable`): subject, addresses, text, names
  of attachments. `texts` is its index of trigrams (SQLite FTS5, contentless; rowid = number). The index follows a
  little later: numbers that it lacks are in `unindexed`, so that no search misses them.
- `headers` has the header fields of a record, each on a line of its own (`name: value`, the name in lower case, the
  value decoded), with a line feed on both sides.
- `links` leads from the store's queue ID, which its 250 named, to the record; `copies` from a place in a mailbox. A
  copy that no record is known for has no number yet. After a restore two copies may have had the same place.
- `kept` has the places in which an account had copies when a snapshot was taken (`token`), for its restore. A row
  without a mailbox says that there is such a snapshot. Another snapshot of the same `name` takes its place.
- `facts` has the numbers of the last journal events that are folded, `counts` how many records there are in each world
  that has some, and in all (`*`). All of a batch is one transaction. Triggers keep the counts, and take what belongs to
  a record away with it. The index of texts keeps what it had of removed records, which nothing finds (`stale` counts
  them), until that is more than the rest; then it is made anew.

A database with another `VERSION` is thrown away: it is cheaper to fold again than to migrate.
"""

from __future__ import annotations

import sqlite3
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postroad_web.catalog.searchable import searchable
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

VERSION = 5  # kept as user_version
FILE = "catalog.sqlite"
DAMAGED = "catalog.damaged"  # is there if the database was found to be damaged

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO facts VALUES ('stale', 0);
CREATE TABLE counts (
    world TEXT PRIMARY KEY,
    total INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0,
    present INTEGER NOT NULL DEFAULT 0,
    present_unread INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO counts (world) VALUES ('*');
CREATE TABLE records (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    world TEXT NOT NULL,
    changed INTEGER NOT NULL,
    appeared INTEGER NOT NULL DEFAULT 0,
    origin TEXT NOT NULL,
    arrived REAL NOT NULL,
    sender TEXT,
    recipients TEXT NOT NULL,
    message_id TEXT,
    size INTEGER NOT NULL,
    login TEXT,
    about TEXT,
    state TEXT NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    digested INTEGER NOT NULL DEFAULT 0,
    present INTEGER NOT NULL DEFAULT 0,
    read INTEGER NOT NULL DEFAULT 0,
    subject TEXT NOT NULL DEFAULT '',
    from_ TEXT NOT NULL DEFAULT '[]',
    to_ TEXT NOT NULL DEFAULT '[]',
    cc TEXT NOT NULL DEFAULT '[]',
    bcc TEXT NOT NULL DEFAULT '[]',
    reply_to TEXT NOT NULL DEFAULT '[]',
    attachments INTEGER NOT NULL DEFAULT 0,
    inline INTEGER NOT NULL DEFAULT 0,
    tagged TEXT NOT NULL DEFAULT '[]',
    digest BLOB,
    rest BLOB NOT NULL
);
CREATE INDEX records_world ON records (world, number);
CREATE INDEX records_changed ON records (changed);
CREATE INDEX records_world_changed ON records (world, changed);
CREATE INDEX records_undigested ON records (number) WHERE digested <> 1;
CREATE INDEX records_pending ON records (world, number) WHERE state IN ('queued', 'deferred', 'held');
CREATE TABLE tags (
    tag TEXT NOT NULL COLLATE NOCASE,
    number INTEGER NOT NULL,
    world TEXT NOT NULL,
    PRIMARY KEY (tag, number)
) WITHOUT ROWID;
CREATE INDEX tags_number ON tags (number);
CREATE INDEX tags_world ON tags (world, tag);
CREATE TABLE bodies (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE headers (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE unindexed (number INTEGER PRIMARY KEY);
CREATE TABLE links (store_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX links_number ON links (number);
CREATE TABLE copies (
    account TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    store_id TEXT NOT NULL,
    recipients BLOB NOT NULL,
    captured INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    number INTEGER,
    PRIMARY KEY (account, mailbox, uid_validity, uid, store_id)
) WITHOUT ROWID;
CREATE TABLE kept (
    token TEXT NOT NULL,
    name TEXT NOT NULL,
    account TEXT NOT NULL,
    world TEXT NOT NULL,
    mailbox TEXT,
    uid_validity INTEGER,
    uid INTEGER,
    store_id TEXT,
    recipients BLOB,
    captured INTEGER
);
CREATE INDEX kept_token ON kept (token, account);
CREATE INDEX kept_account ON kept (account);
CREATE INDEX kept_world ON kept (world);
CREATE INDEX copies_unlinked ON copies (store_id) WHERE number IS NULL;
CREATE INDEX copies_number ON copies (number) WHERE number IS NOT NULL;
CREATE TRIGGER record_added AFTER INSERT ON records BEGIN
    INSERT OR IGNORE INTO counts (world) VALUES (NEW.world);
    UPDATE counts SET total = total + 1, unread = unread + NOT NEW.read,
        present = present + NEW.present, present_unread = present_unread + (NEW.present AND NOT NEW.read)
        WHERE world IN (NEW.world, '*');
END;
CREATE TRIGGER record_changed AFTER UPDATE OF read, present ON records
WHEN OLD.read <> NEW.read OR OLD.present <> NEW.present BEGIN
    UPDATE counts SET unread = unread + OLD.read - NEW.read, present = present + NEW.present - OLD.present,
        present_unread = present_unread + (NEW.present AND NOT NEW.read) - (OLD.present AND NOT OLD.read)
        WHERE world IN (NEW.world, '*');
END;
"""
REMOVING = """
CREATE TRIGGER record_removed AFTER DELETE ON records BEGIN
    UPDATE counts SET total = total - 1, unread = unread - NOT OLD.read, present = present - OLD.present,
        present_unread = present_unread - (OLD.present AND NOT OLD.read) WHERE world IN (OLD.world, '*');
    DELETE FROM counts WHERE world = OLD.world AND total = 0;
    UPDATE facts SET value = value + 1 WHERE name = 'stale';
    DELETE FROM tags WHERE number = OLD.number;
    DELETE FROM bodies WHERE number = OLD.number;
    DELETE FROM headers WHERE number = OLD.number;
    DELETE FROM unindexed WHERE number = OLD.number;
    DELETE FROM links WHERE number = OLD.number;
    DELETE FROM copies WHERE number = OLD.number;
END;
"""
DEPENDENT = ("tags", "bodies", "headers", "unindexed", "links", "copies")  # tables with rows of records
INDEX = """
CREATE VIRTUAL TABLE texts USING fts5 (
    text, content = '', detail = none, columnsize = 0, tokenize = 'trigram case_sensitive 1'
);
"""
MERGING = "INSERT INTO texts (texts, rank) VALUES ('automerge', 8);"  # with FTS5's own 4, it takes a sixth more time

TRIGRAM = 3  # characters; the index can't find fewer
_ASKED = 500  # values per statement

_CONTAINS = "EXISTS (SELECT 1 FROM bodies WHERE bodies.number = records.number AND instr(bodies.text, ?))"
_CANDIDATE = (
    "records.number IN (SELECT rowid FROM texts WHERE texts MATCH ? UNION ALL SELECT number FROM unindexed"
    " UNION ALL SELECT number FROM records WHERE digested <> 1)"
)
_SELECTING = "records.number IN (SELECT "  # how conditions begin that name the records that they may be true for
PENDING = "state IN ('queued', 'deferred', 'held')"  # there is an index of these
TAGGED = "records.number IN (SELECT tags.number FROM tags WHERE tags.tag = ?)"
IN_MAILBOX = (
    "records.number IN (SELECT copies.number FROM copies WHERE copies.mailbox = ? AND NOT copies.removed"
    " AND copies.number IS NOT NULL)"
)
# The same conditions, asked of one record at a time.
_ONE_BY_ONE = {
    _CANDIDATE: "1",
    TAGGED: "EXISTS (SELECT 1 FROM tags WHERE tags.tag = ? AND tags.number = records.number)",
    IN_MAILBOX: (
        "EXISTS (SELECT 1 FROM copies WHERE copies.mailbox = ? AND NOT copies.removed AND copies.number IS NOT NULL"
        " AND copies.number = records.number)"
    ),
}
FEW = 2000  # records of a world that are looked at one by one: 10 µs each


class Trigrams(str):
    """A parameter of `_CANDIDATE`."""

    __slots__ = ()


class Share(Enum):
    """How much of the catalog a world has."""

    FEW = auto()  # records
    SOME = auto()
    MOST = auto()  # of all records


def share_of(total: int, everything: Callable[[], int]) -> Share:
    """Return the share of a world that has so many of all records; these are counted if need be."""
    if total <= FEW:
        return Share.FEW
    return Share.MOST if 2 * total >= everything() else Share.SOME


def within(world: str, condition: str, values: Sequence[Any], share: Share) -> tuple[str, Sequence[Any]]:
    """Return a condition for the records of one world, or of `EVERY`.

    Few records are looked at one by one, and not what the index of texts finds in all worlds. Elsewhere SQLite has to
    begin with what a condition selects, if it does; and where most records are the world's, to read them in their order
    takes a fifth of the time that its index of worlds takes. `+` keeps it from that index.
    """
    if world == EVERY:
        return f"({condition})", values
    if share is Share.FEW:
        for selecting, asking in _ONE_BY_ONE.items():
            condition = condition.replace(selecting, asking)
        values = [value for value in values if not isinstance(value, Trigrams)]
    by_world = condition == "1" or PENDING in condition or share is Share.FEW
    own = "records.world" if by_world or (share is Share.SOME and _SELECTING not in condition) else "+records.world"
    return f"({condition}) AND {own} = ?", [*values, world]


def containing(text: str) -> tuple[str, list[Any]]:
    """Return a condition on `records`, and its parameters: the record's searchable text contains `text`.

    The index gives candidates, with all trigrams of the text; the text itself decides.
    """
    text = searchable(text)
    condition, values = candidates(text)
    return f"{condition} AND {_CONTAINS}", [*values, text]


def candidates(text: str) -> tuple[str, list[Any]]:
    """Return a condition on `records` that all those meet in whose text `text` is, and few others do.

    Records whose text is not known meet it, too.
    """
    trigrams = dict.fromkeys(text[at : at + TRIGRAM] for at in range(len(text) - TRIGRAM + 1))
    if not trigrams:
        return "1", []
    return _CANDIDATE, [Trigrams(" AND ".join('"{}"'.format(trigram.replace('"', '""')) for trigram in trigrams))]


def is_damage(error: BaseException) -> bool:
    """Return whether an error says that the file is damaged, or no database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the lowest octet: https://www.sqlite.org/rescode.html
    return isinstance(error, sqlite3.Error) and code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def note_damage(directory: Path) -> None:
    """Have the database made anew at the next start."""
    (directory / DAMAGED).touch()


def open_writer(directory: Path) -> sqlite3.Connection:
    """Open the database for the writer's thread; make it if it is missing, damaged or of another version.

    Raises `sqlite3.Error` if it can't be opened for another reason, such as another process that has it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path, damaged = directory / FILE, directory / DAMAGED
    if not damaged.exists():
        try:
            connection = _connect(path)
            if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                return connection
            connection.close()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    damaged.unlink(missing_ok=True)
    connection = _connect(path)
    connection.executescript(f"BEGIN; {SCHEMA} {REMOVING} {INDEX} {MERGING} PRAGMA user_version = {VERSION}; COMMIT")
    return connection


def open_reader(directory: Path) -> sqlite3.Connection:
    """Open the database for one thread that only reads."""
    return _connect(directory / FILE, "ro")


def rows_with(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query that ends with the name of a column: those where it has one of the values."""
    for start in range(0, len(values), _ASKED):
        some = values[start : start + _ASKED]
        yield from connection.execute(f"{sql} IN ({','.join('?' * len(some))})", some).fetchall()


def add_tags(connection: sqlite3.Connection, number: int, tags: Iterable[str], world: str) -> None:
    """Write down that a record has these tags; of those that differ in case alone the first counts."""
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", [(tag, number, world) for tag in tags])


def _connect(path: Path, mode: str = "rwc") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        if mode != "ro":
            connection.execute("PRAGMA journal_mode = WAL")
            # A commit that the machine's death undoes is folded again: no commit need wait for the disk.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {16 << 20}")
            connection.execute("PRAGMA secure_delete = OFF")  # by default, Debian's SQLite overwrites what is deleted
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = {-8000 if mode != 'ro' else -4000}")
    except BaseException:
        connection.close()
        raise
    return connection
