"""STATUS, and its items, which LIST gives too (RFC 5819). To add an item is to add it to `items.ITEMS`."""

from postroad_store.imap.commands.status.command import SPECS

__all__ = ["SPECS"]
