"""Annotations of mailboxes and of the server (RFC 5464 §3).

`mailbox` is 0 for those of the server. `account` is whose they are, 0 for those that are shared. Entry names are in
lower case, since they are compared in any case. What belongs to a mailbox goes with it (RFC 5464 §4.1).
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE metadata (
    mailbox INTEGER, account INTEGER, entry TEXT, value BLOB NOT NULL, PRIMARY KEY (mailbox, account, entry)
) WITHOUT ROWID;
CREATE TRIGGER annotated_gone AFTER DELETE ON mailboxes BEGIN DELETE FROM metadata WHERE mailbox = OLD.id; END;
"""

STEPS = {3: SCHEMA}
