"""APPEND and REPLACE: messages that a client brings (RFC 3501 §6.3.11, RFC 8508).

- `grammar`: the arguments, from literal to literal
- `building`: the messages as they come, from literals and from URLs, until they are stored
- `command`: APPEND; `replace`: REPLACE and UID REPLACE
"""

from postroad_store.imap.commands.append import command, replace
from postroad_store.imap.commands.append.command import Append

SPECS = (*command.SPECS, *replace.SPECS)

__all__ = ["SPECS", "Append"]
