"""Accounts, and the names that they are subscribed to (RFC 3501 §6.3.6).

`mailboxes`, `subscriptions`, `messages` and `octets` count what an account has, so that a limit is checked without
counting 50,000 rows. The triggers in `tallies` keep them.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE,
    mailboxes INTEGER NOT NULL DEFAULT 0, subscriptions INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0, octets INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE subscriptions (account INTEGER, name TEXT, PRIMARY KEY (account, name)) WITHOUT ROWID;
"""

STEPS = {
    3: """
ALTER TABLE accounts ADD COLUMN mailboxes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN subscriptions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
"""
}
