"""What scripts remember: to whom a vacation response went (RFC 5230 §4.2), which message was seen (RFC 7352 §3).

`until` is in seconds since 1970.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE remembered (
    account INTEGER, key TEXT, until INTEGER NOT NULL, PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX remembered_by_time ON remembered (account, until);
"""

STEPS = {3: SCHEMA}
