"""Threads of messages: sets of messages that answer each other, in one account (RFC 8474 §5.2).

A thread has the id of the content that began it, so neither ever comes back. A content that has no row in `threads` is
a thread of its own.

- `threads` has the contents that belong to the thread of another. One content may be in several accounts, and answer
  something that only one of them has.
- `message_ids` says which thread a Message-ID leads to. `id` is its hash (`mime.links`). `content` is the last one that
  named it: with this content the row goes.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE threads (content INTEGER, account INTEGER, thread INTEGER NOT NULL, PRIMARY KEY (content, account))
    WITHOUT ROWID;
CREATE INDEX threads_by_thread ON threads (thread);
CREATE TABLE message_ids (
    id INTEGER, account INTEGER, thread INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (id, account)
) WITHOUT ROWID;
"""

STEPS = {3: SCHEMA}
