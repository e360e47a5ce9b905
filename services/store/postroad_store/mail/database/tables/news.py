"""Events of the journal, until they are in its file (`mail.news`): what the last transactions have to tell.

A row has those of one transaction: the number in the journal behind which they are, and for each its time, the length
of its line's end, and that.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE news (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, events BLOB NOT NULL);
"""

STEPS = {10: SCHEMA}
