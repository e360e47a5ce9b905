"""SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2).

- `command`: the commands, and how a mailbox is opened
- `parameters`: what may follow the mailbox's name in parentheses (RFC 4466 §2.1)
- `resynchronize`: what a client that comes back has missed (RFC 7162 §3.2.5)
"""

from postroad_store.imap.commands.select.command import SPECS, Select

__all__ = ["SPECS", "Select"]
