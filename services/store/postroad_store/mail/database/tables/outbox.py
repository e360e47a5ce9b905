"""Letters that scripts have written, until the relay has them; times in seconds since 1970."""

from __future__ import annotations

# `sender` is empty for the null reverse-path, `world` where the domain of the recipient says which world it is.
SCHEMA = """
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    written INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    content BLOB NOT NULL,
    world TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_by_due ON outbox (due);
"""

_BEFORE_WORLDS = """
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    written INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (due);
"""

STEPS = {3: _BEFORE_WORLDS, 6: "ALTER TABLE outbox ADD COLUMN world TEXT NOT NULL DEFAULT '';"}
