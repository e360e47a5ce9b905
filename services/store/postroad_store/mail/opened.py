"""Messages that are being read piece by piece. Their octets stay until that ends, even if the messages go meanwhile.

RFC 2180 §4.1.1: messages that another session has expunged stay "available to satisfy subsequent FETCH commands". A
literal that has begun has to end; without its octets only the connection could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from postroad.mime.structure import unpack

if TYPE_CHECKING:
    from postroad.mime.part import Part
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.mailbox import Mailbox


class OpenMessage:
    """A message that is being read, for as long as somebody has this object."""

    __slots__ = ("__weakref__", "_header_size", "_reader", "content", "root", "size")

    def __init__(self, reader: Reader, content: int, size: int, header_size: int, root: Part) -> None:
        self._reader = reader
        self._header_size = header_size
        self.content = content
        self.size = size
        self.root = root

    def octets(self, start: int, end: int) -> bytes:
        """Read: return octets `start` to `end`, at the cost of the range (but a header section is read whole)."""
        with self._reader.moment():
            return self._reader.octets(self.content, self.size, self._header_size, start, end)


class OpenMessages:
    """All of them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._open: WeakValueDictionary[int, OpenMessage] = WeakValueDictionary()

    def open(self, mailbox: Mailbox, uid: int) -> OpenMessage | None:
        """Read: begin to read a message; None if it has gone."""
        rows = self._reader.rows(_FIND, (mailbox.id, uid))
        if not rows:
            return None
        content, size, header_size, parts = rows[0]
        opened = self._open.get(content)
        if opened is None:
            root = unpack(parts, header_size, size)
            self._open[content] = opened = OpenMessage(self._reader, content, size, header_size, root)
        return opened

    def has(self, content: int) -> bool:
        """Return True if somebody reads a content; any thread may ask."""
        return content in self._open


_FIND = (
    "SELECT c.id, c.size, c.header_size, c.parts FROM entries e CROSS JOIN contents c ON c.id = e.content"
    " WHERE e.mailbox = ? AND e.uid = ?"
)
