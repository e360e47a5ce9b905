"""Contents: messages without the mailboxes that they are in.

- `contents` has the columns that FETCH reads of a message, the header section last. The body is in `octets`, cut in
  pieces. So FETCH ENVELOPE reads no body, and a range of a large body is read without the rest.
- `checksum` is the CRC-32 of the octets, by which `postroad fsck` sees whether they are still what came. It is NULL for
  those that came before schema 3.
- `texts` has what is searched of messages that are not plain, unless it is long (`postroad.mime.text`).
- All entries that name a content share it. If a content may have lost its last entry, it goes into `garbage` in the
  same transaction; soon after, it is removed if it has.
"""

from __future__ import annotations

SCHEMA = """
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
    header BLOB NOT NULL,
    checksum INTEGER
);
CREATE TABLE octets (piece INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE texts (content INTEGER PRIMARY KEY, header BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE garbage (content INTEGER PRIMARY KEY);
"""

STEPS = {
    3: "ALTER TABLE contents ADD COLUMN checksum INTEGER;",
    # Texts are prepared by another collation (`postroad.mime.collation`). Until they have been made anew, behind the
    # sessions, searches make them themselves, as they do for long messages.
    5: "DELETE FROM texts;",
    # The header sections of parts have gone from the text of the body to that of the header.
    7: "DELETE FROM texts;",
}
