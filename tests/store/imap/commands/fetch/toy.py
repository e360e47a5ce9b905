"""X-TOY, a data item that is not in the server: all that it takes to add one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch.item import Item
from postroad_store.imap.commands.fetch.items import ItemSpec
from postroad_store.mail.model.message import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postroad_store.imap.commands.fetch.item import Block, Message
    from postroad_store.imap.grammar.reader import Reader


@dataclass(frozen=True, slots=True)
class Toy(Item):
    """How many octets a message's header has, times a number."""

    times: int

    template = b"X-TOY %d"

    @property
    def reads(self) -> tuple[Column, ...]:
        """The header section."""
        return (Column.HEADER,)

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Measure the headers of a block."""
        return ([len(header) * self.times for header in block.stored[Column.HEADER]],)

    def write(self, message: Message) -> Iterator[bytes]:
        """Measure one header."""
        yield self.template % (len(message.read(Column.HEADER)) * self.times)


def _read(reader: Reader) -> Toy:
    reader.take(b"<")
    times = reader.number()
    reader.take(b">")
    return Toy(times)


SPEC = ItemSpec(b"X-TOY", _read, "none")
