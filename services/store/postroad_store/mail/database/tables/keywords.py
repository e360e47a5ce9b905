"""The keywords of mailboxes, each with its number (`model.keywords`)."""

from __future__ import annotations

_BY_NAME = """
CREATE UNIQUE INDEX keywords_by_name ON keywords (mailbox, keyword COLLATE NOCASE);
"""

SCHEMA = f"""
CREATE TABLE keywords (mailbox INTEGER, number INTEGER, keyword TEXT NOT NULL, PRIMARY KEY (mailbox, number))
    WITHOUT ROWID;
{_BY_NAME}
"""

STEPS = {2: _BY_NAME}  # a mailbox may have more than 57 keywords, and one is found without reading all of them
