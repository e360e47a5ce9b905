"""Stretches: ranges of UIDs whose messages all have the same flags and mod-sequence.

A message whose UID is in a stretch has what that says, and not what its row in `entries` says. So a STORE on all
messages of a mailbox writes one row (`database.stretches`). Stretches of a mailbox do not overlap, each has a message,
and none reaches UIDNEXT. `flags` are as in `entries`; a stretch has no flag of `wide_flags`.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE stretches (
    mailbox INTEGER, uid_low INTEGER, uid_high INTEGER NOT NULL, flags INTEGER NOT NULL, modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid_low)
) WITHOUT ROWID;
"""

STEPS = {9: SCHEMA}
