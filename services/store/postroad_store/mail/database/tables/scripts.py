"""Sieve scripts (RFC 5804 §1.4): each account has some, of which one at most is active. No id ever comes back."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE scripts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    active INTEGER NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (account, name)
);
CREATE UNIQUE INDEX active_scripts ON scripts (account) WHERE active;
"""

STEPS = {3: SCHEMA}
