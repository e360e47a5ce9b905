"""The tables of the mail's database.

- `entries` is narrow and has no rowid: a range of UIDs lies together, so the flags of 10,000 messages change in one
  statement and about a millisecond. A message's flags are one number (`model.flags`), of which SQLite's integer takes
  the lowest `NARROW_BITS`; what lies above is in `wide_flags`, and only a mailbox with more than 57 keywords has any.
- `contents` has what FETCH reads of a message, the header section last; the body is in `octets`, cut in pieces, so
  that ENVELOPE never reads past it and a range of a large body is read without the rest.
- A content is shared by all entries that name it. One that may have lost its last entry goes into `garbage` in the
  same transaction, and is removed soon after if it has.

A change of these tables is a new `VERSION`, and a step in `migrations` that brings older databases there.
"""

from __future__ import annotations

from postroad_store.mail.model.flags import FIRST_KEYWORD

VERSION = 2  # kept as user_version
APPLICATION = 0x506F7374  # "Post", kept as application_id

PIECE = 1 << 20  # octets of a body in one row of `octets`
PIECE_BITS = 16  # a piece's key is the content's id and, in this many bits, its number

NARROW_BITS = 62  # of a message's flags are in `flags`; SQLite's integers have 63 and a sign
NARROW_KEYWORDS = NARROW_BITS - FIRST_KEYWORD  # 57: a keyword with this number or a higher one is in `wide_flags`

SCHEMA = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('uid_validity', 0);
CREATE TABLE accounts (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE);
CREATE TABLE mailboxes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    special_use TEXT,
    selectable INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL UNIQUE,
    uid_next INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    recent_uid INTEGER NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE keywords (mailbox INTEGER, number INTEGER, keyword TEXT NOT NULL, PRIMARY KEY (mailbox, number))
    WITHOUT ROWID;
CREATE UNIQUE INDEX keywords_by_name ON keywords (mailbox, keyword COLLATE NOCASE);
CREATE TABLE subscriptions (account INTEGER, name TEXT, PRIMARY KEY (account, name)) WITHOUT ROWID;
CREATE TABLE entries (
    mailbox INTEGER, uid INTEGER, content INTEGER NOT NULL, flags INTEGER NOT NULL, internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL, modseq INTEGER NOT NULL, wide_flags BLOB, PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX entries_by_content ON entries (content);
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    header_size INTEGER NOT NULL,
    sent_day INTEGER,
    plain INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    parts BLOB NOT NULL,
    header BLOB NOT NULL
);
CREATE TABLE octets (piece INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE texts (content INTEGER PRIMARY KEY, header BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE garbage (content INTEGER PRIMARY KEY);
"""
