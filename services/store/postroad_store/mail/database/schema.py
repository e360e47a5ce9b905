"""The tables of the mail's database.

- `entries` is narrow and has no rowid. A range of UIDs lies together, so the flags of 10,000 messages change in one
  statement and about a millisecond. A message's flags are one number (`model.flags`). `flags` has its lowest
  `NARROW_BITS`, and `wide_flags` the bits above, as little-endian octets. Only mailboxes with more than 57 keywords
  have such bits.
- `contents` has the columns that FETCH reads of a message, the header section last. The body is in `octets`, cut in
  pieces. So FETCH ENVELOPE reads no body, and a range of a large body is read without the rest.
- All entries that name a content share it. If a content may have lost its last entry, it goes into `garbage` in the
  same transaction; soon after, it is removed if it has.

To change these tables, raise `VERSION` and add the step to `migrations` that brings older databases there.
"""

from __future__ import annotations

from postroad_store.mail.model.flags import FIRST_KEYWORD

VERSION = 2  # kept as user_version
APPLICATION = 0x506F7374  # "Post", kept as application_id

PIECE = 1 << 20  # octets of a body in one row of `octets`
PIECE_BITS = 16  # a piece's key is the content's id and, in this many bits, its number

NARROW_BITS = 62  # of a message's flags, in `flags`; SQLite's integers have 63 and a sign
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
