"""Packed blocks of mailboxes: what `entries` and `stretches` say of 4,096 UIDs, as columns to load a mailbox from.

A pack is derived from them. If a block has a pack, the pack is right: a commit that changes one of them deletes the
packs of the blocks in the same transaction (`database.packs`). `id` is the mailbox's id and, in the lowest 20 bits,
the block's number.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE packs (id INTEGER PRIMARY KEY, columns BLOB NOT NULL);
"""

STEPS = {3: SCHEMA}
