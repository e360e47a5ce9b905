"""Capabilities of IMAP that are hidden from an account by the control door, in place of those that the world hides."""

from __future__ import annotations

# Names in capitals, with spaces between them.
SCHEMA = """
CREATE TABLE hidden (login TEXT PRIMARY KEY, capabilities TEXT NOT NULL) WITHOUT ROWID;
"""

STEPS = {3: SCHEMA}
