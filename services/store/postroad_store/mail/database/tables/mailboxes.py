r"""Mailboxes, and what STATUS tells of each.

- `modseq` rises with every commit that changes the mailbox (RFC 7162 §3.1.1). `recent_uid` is the highest UID that some
  session has seen as \Recent.
- `messages`, `unseen`, `deleted`, `octets`, `recent` are kept by every commit that changes entries, so that STATUS need
  not count: messages, those without \Seen, those with \Deleted, the octets of all, those above `recent_uid`.
- Messages that were expunged at a modseq of `lowest_known` or a lower one may be missing in `expunged`.
- `acl` says who may do what, besides the owner (`model.rights`).
- `object_id` is MAILBOXID (RFC 8474 §4): a mailbox keeps it when it is renamed, and no other one ever has it.
"""

from __future__ import annotations

SCHEMA = """
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
    messages INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    recent INTEGER NOT NULL DEFAULT 0,
    lowest_known INTEGER NOT NULL DEFAULT 0,
    object_id TEXT NOT NULL DEFAULT '',
    acl TEXT,
    UNIQUE (account, name)
);
CREATE INDEX mailboxes_shared ON mailboxes (account) WHERE acl IS NOT NULL;
"""

STEPS = {
    3: """
ALTER TABLE mailboxes ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN recent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN lowest_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN object_id TEXT NOT NULL DEFAULT '';
ALTER TABLE mailboxes ADD COLUMN acl TEXT;
CREATE INDEX mailboxes_shared ON mailboxes (account) WHERE acl IS NOT NULL;
UPDATE mailboxes SET (messages, unseen, deleted, octets, recent) = (
    SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0), coalesce(sum(size), 0),
        coalesce(sum(uid > recent_uid), 0)
    FROM entries WHERE mailbox = id
), lowest_known = modseq, object_id = printf('m%x', uid_validity);
"""
}
