"""The keys by which IMAP URLs are authorized: one for each mailbox of an account (RFC 4467 §2.2).

A mailbox keeps its key when it is renamed; a mailbox that is removed takes it along.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE url_keys (mailbox INTEGER, account INTEGER, key BLOB NOT NULL, PRIMARY KEY (mailbox, account))
    WITHOUT ROWID;
CREATE TRIGGER url_key_gone AFTER DELETE ON mailboxes BEGIN DELETE FROM url_keys WHERE mailbox = OLD.id; END;
"""

STEPS = {3: SCHEMA}
