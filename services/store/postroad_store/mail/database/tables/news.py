"""Events of the journal, until they are in its file (`mail.news`): what the last transactions have to tell.

A row has those of one transaction, `number` says behind which number of the journal they are, and `events` has for each
its time, the length of its line's end, and that. Transactions that have events are counted by `id`; all up to the one
that `told` names are in the journal's file. A later transaction takes the place of one of these.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE news (
    place INTEGER PRIMARY KEY, id INTEGER NOT NULL, told INTEGER NOT NULL, number INTEGER NOT NULL, events BLOB NOT NULL
);
"""

STEPS = {10: SCHEMA}
