"""SEARCH and UID SEARCH (RFC 3501 §6.4.4, §6.4.8).

`grammar` reads search keys; `mail.search.keys` lists them and says what they match.
"""

from postroad_store.imap.commands.search.command import SPECS, BadCharset, Search

__all__ = ["SPECS", "BadCharset", "Search"]
