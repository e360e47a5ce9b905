"""Accounts, mailboxes and messages in memory, and what a session sees of them."""
