"""Threads of messages: sets of messages that answer each other, in one account (RFC 8474 §5.2).

A thread has the id of the content that began it, so neither ever comes back. A content that has no row in `threads` is
a thread of its own.

- `threads` has the contents that belong to the thread of another. One content may be in several accounts, and answer
  something that only one of them has.
- `message_ids` says which thread a Message-ID leads to. `id` is its hash (`mime.links`). `content` is the last one that
  named it: with this content the row goes, which is found by an index that only grows at its end.
"""

from __future__ import annotations

_THREADS = """
CREATE TABLE threads (content INTEGER, account INTEGER, thread INTEGER NOT NULL, PRIMARY KEY (content, account))
    WITHOUT ROWID;
CREATE INDEX threads_by_thread ON threads (thread);
"""

SCHEMA = f"""
{_THREADS}
CREATE TABLE message_ids (
    id INTEGER, account INTEGER, thread INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX message_ids_by_content ON message_ids (content);
"""

_BY_ID = f"""
{_THREADS}
CREATE TABLE message_ids (
    id INTEGER, account INTEGER, thread INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (id, account)
) WITHOUT ROWID;
"""

_BY_ACCOUNT = """
CREATE TABLE message_ids_by_account_first (
    id INTEGER, account INTEGER, thread INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
INSERT INTO message_ids_by_account_first SELECT id, account, thread, content FROM message_ids ORDER BY account, id;
DROP TABLE message_ids;
ALTER TABLE message_ids_by_account_first RENAME TO message_ids;
CREATE INDEX message_ids_by_content ON message_ids (content);
"""

STEPS = {3: _BY_ID, 8: _BY_ACCOUNT}
