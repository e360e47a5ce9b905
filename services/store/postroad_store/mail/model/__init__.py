"""Accounts, mailboxes and messages in memory, and the views of sessions."""
