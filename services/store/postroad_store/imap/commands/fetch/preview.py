"""PREVIEW (RFC 8970): the first words of a message, for a list of messages.

A preview is made anew each time, of at most 64 KB of the message: a tenth of a millisecond for most. So LAZY has no
reason to answer NIL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.mime.preview import preview
from postroad.mime.strings import nstring
from postroad.value import value
from postroad_store.imap.commands.fetch.item import Alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.imap.commands.fetch.item import Message
    from postroad_store.imap.grammar.reader import Reader


@value
class Preview(Alone):
    """PREVIEW, with LAZY or without."""

    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the item."""
        text = preview(message.root, message.text)
        yield b"PREVIEW %b" % nstring(text.encode("utf-8"))


PREVIEW = Preview()

# fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]; preview-mod = "LAZY"
# Any other parenthesis is a fetch-modifier (RFC 4466 §2.4), which comes after all items.
_LAZY = re.compile(rb"(?: \(LAZY(?: LAZY)*\))?", re.IGNORECASE)


def read_preview(reader: Reader) -> Preview:
    """Take the modifiers of PREVIEW, if it has any."""
    reader.match(_LAZY, "PREVIEW modifier")
    return PREVIEW
