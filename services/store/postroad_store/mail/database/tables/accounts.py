"""Accounts, and the names that they are subscribed to (RFC 3501 §6.3.6)."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE);
CREATE TABLE subscriptions (account INTEGER, name TEXT, PRIMARY KEY (account, name)) WITHOUT ROWID;
"""

STEPS: dict[int, str] = {}
