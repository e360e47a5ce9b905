"""SEARCH and UID SEARCH (RFC 3501 §6.4.4, §6.4.8, RFC 4731, RFC 5182).

`grammar` reads search keys; `mail.search.keys` lists them and says what they match. `options` has the options of
RETURN.
"""

from postroad_store.imap.commands.search.command import SPECS, BadCharset, Search

__all__ = ["SPECS", "BadCharset", "Search"]
