"""Packed blocks of mailboxes: what `entries` says of 4,096 UIDs, as columns that a mailbox is loaded from.

A pack is derived from `entries`. If a block has a pack, the pack is right: a commit that changes entries deletes the
packs of their blocks in the same transaction (`database.packs`). `id` is the mailbox's id and, in the lowest 20 bits,
the block's number.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE packs (id INTEGER PRIMARY KEY, columns BLOB NOT NULL);
"""

STEPS = {3: SCHEMA}
