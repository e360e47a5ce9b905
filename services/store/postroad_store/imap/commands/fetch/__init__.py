"""FETCH and UID FETCH (RFC 3501 §6.4.5, §6.4.8).

- `item`: what a data item is; `values`, `section`: the items; `items`: the list of all of them, and their syntax
- `plan`: the columns to read and the template to fill, for a list of items
- `fast`, `plain`: the two ways to write responses, octet for octet the same; `blocks` chooses
- `modifiers`: which of the messages are answered, and what comes before
- `command`: the command and its syntax; `answer`: how it is carried out
"""

from postroad_store.imap.commands.fetch.blocks import responses
from postroad_store.imap.commands.fetch.command import SPECS, Fetch
from postroad_store.imap.commands.fetch.fast import fast
from postroad_store.imap.commands.fetch.item import Item
from postroad_store.imap.commands.fetch.items import READER
from postroad_store.imap.commands.fetch.plan import FLAGS_AND_MODSEQ, JUST_FLAGS, JUST_MODSEQ, ItemList

__all__ = [
    "FLAGS_AND_MODSEQ",
    "JUST_FLAGS",
    "JUST_MODSEQ",
    "READER",
    "SPECS",
    "Fetch",
    "Item",
    "ItemList",
    "fast",
    "responses",
]
