"""Which messages were expunged, and at which modseq (RFC 7162 §3.2.6): ranges of UIDs, both ends included.

Bounded: see `commits.expunged`.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE expunged (
    mailbox INTEGER, modseq INTEGER, uid_low INTEGER, uid_high INTEGER NOT NULL, PRIMARY KEY (mailbox, modseq, uid_low)
) WITHOUT ROWID;
"""

STEPS = {3: SCHEMA}
