"""Counters that belong to no mailbox.

`uid_validity` is the highest UIDVALIDITY that was ever given. `content` is at least the highest id of a content that
has been removed: no id comes back, for EMAILID (RFC 8474 §4) is made of it. `untexted`, where it is there, is the
highest id of a content whose text for searches has to be made anew, and `account` that of an account that was dropped.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('uid_validity', 0), ('content', 0);
"""

_UNTEXTED = """
INSERT OR REPLACE INTO counters SELECT 'untexted', max(id) FROM contents WHERE NOT plain HAVING max(id) IS NOT NULL;
"""

STEPS = {
    3: """
INSERT INTO counters SELECT 'content', coalesce(max(id), 0) FROM contents;
""",
    5: _UNTEXTED,
    7: _UNTEXTED,
}
