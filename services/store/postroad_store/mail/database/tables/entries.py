"""Messages in mailboxes.

`entries` is narrow and has no rowid. A range of UIDs lies together, so the flags of 10,000 messages change in one
statement and three milliseconds. Those of a message that is in one of the `stretches` are there, and so is its
mod-sequence: the row says what it had before. A message's flags are one number (`model.flags`). `flags` has its lowest
`NARROW_BITS`, and `wide_flags` the bits above, as little-endian octets. Only mailboxes with more than 57 keywords have
such bits. `save_date` is when the message came into this mailbox (RFC 8514 §2), in seconds since 1970. It is NULL for
those that came before schema 3.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE entries (
    mailbox INTEGER, uid INTEGER, content INTEGER NOT NULL, flags INTEGER NOT NULL, internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL, modseq INTEGER NOT NULL, wide_flags BLOB, save_date INTEGER, PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX entries_by_content ON entries (content);
"""

STEPS = {
    2: "ALTER TABLE entries ADD COLUMN wide_flags BLOB;",
    3: "ALTER TABLE entries ADD COLUMN save_date INTEGER;",
}
