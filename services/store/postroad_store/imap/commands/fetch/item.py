"""A FETCH data item, as parser, plan and both ways of writing responses know it.

A new item is one class here or in a module of its own, and one entry in `items.ITEMS`. It must say how it is written
for one message (`write`) and for a block of messages (`columns`); a class that lacks either cannot be made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postroad.mime.part import Part
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID, Column
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage

SPREAD = 4  # if sequence numbers are further apart than this on average, each is looked up by itself


class Gone(Exception):  # noqa: N818 - not an error
    """Another session has expunged the message."""


class Refused(Exception):  # noqa: N818 - not an error
    """An item of a message cannot be given: its response is left out, and the command is answered NO with `text`."""

    def __init__(self, text: bytes) -> None:
        self.text = text  # the response code and a sentence


class Block:
    """Messages whose responses are written at once, for `Item.columns`."""

    __slots__ = ("_first", "_following", "_last", "numbers", "stored", "uids", "view")

    def __init__(self, view: View, numbers: Sequence[int], uids: Sequence[UID], *, following: bool) -> None:
        self.view = view
        self.numbers = numbers  # sequence numbers, ascending
        self.uids = uids  # parallel to them
        self.stored: dict[Column, Sequence[Any]] = {}  # the columns that the items read; parallel as well
        self._first, self._last = numbers[0], numbers[-1]
        self._following = following  # no number is missing between the first and the last

    def column(self, values: Sequence[int]) -> Sequence[int]:
        """Return the messages' entries of one of the mailbox's parallel lists."""
        first, last = self._first, self._last
        if self._following:
            return self.view.pick(values, first, last)
        numbers = self.numbers
        if last - first < SPREAD * len(numbers):
            between = self.view.pick(values, first, last)
            return [between[number - first] for number in numbers]
        return self.view.pick_each(values, numbers)


class Message:
    """One message whose response is written in pieces, for `Item.write`; its octets stay until that is done."""

    __slots__ = ("_at", "_opened", "mailbox", "storage", "uid", "view")

    def __init__(self, storage: Storage, view: View, uid: UID) -> None:
        """Find the message; raises `Gone`."""
        self.storage = storage
        self.view = view
        self.mailbox: Mailbox = view.mailbox
        self.uid = uid
        at, opened = self.mailbox.index(uid), storage.opened.open(self.mailbox, uid)
        if at is None or opened is None:
            raise Gone
        self._at = at
        self._opened = opened

    @property
    def root(self) -> Part:
        """The root of its parts."""
        return self._opened.root

    @property
    def content(self) -> int:
        """The number of its content, which all copies of the message share."""
        return self._opened.content

    def number(self, stored: Column) -> int:
        """Return a column of the message that is a number; raises `Gone`."""
        return int(self.read(stored))

    def entry(self, values: Sequence[int]) -> int:
        """Return the message's entry of one of the mailbox's parallel lists."""
        return values[self._at]

    def read(self, stored: Column) -> bytes:
        """Return a whole column of the message, which must be short; raises `Gone`."""
        for _, (octets,) in self.storage.fetch(self.mailbox, [self.uid], [stored]):
            return octets
        raise Gone

    def text(self, start: int, end: int) -> bytes:
        """Return octets of the message; raises `Gone`."""
        octets = self._opened.octets(start, end)
        if len(octets) != end - start:
            raise Gone
        return octets


class Item(ABC):
    """A data item as a FETCH asks for it: frozen, and equal to any other that asks for the same."""

    __slots__ = ()

    @property
    def reads(self) -> tuple[Column, ...]:
        """The columns that must be in `Block.stored`."""
        return ()

    @property
    def is_text(self) -> bool:
        """Whether it is a literal that may be long: it comes after all short items."""
        return False

    @property
    def alone(self) -> bool:
        """Whether only `write` can write it, message by message."""
        return False

    @property
    def sets_seen(self) -> bool:
        r"""Whether \Seen is implicitly set (RFC 3501 §6.4.5)."""
        return False

    @property
    def whole(self) -> bool:
        """Whether the client gets the whole message."""
        return False

    def weight(self, root: Part) -> int:  # noqa: ARG002 - most items are short, whatever the message
        """Return how many octets of a message have to be read for the item, beyond what the storage keeps apart."""
        return 0

    def check(self, message: Message) -> None:  # noqa: B027 - most items can always be given
        """Raise `Refused` if the item of this message cannot be given; raises `Gone`."""

    @property
    @abstractmethod
    def template(self) -> bytes:
        """How the item is written, for `%`, with one placeholder per column."""

    @abstractmethod
    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the values for the template's placeholders, one column each, of a block of messages."""

    @abstractmethod
    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the item of one message in pieces; raises `Gone`. An empty piece lets other sessions run."""


class Alone(Item):
    """An item that only `write` can write."""

    __slots__ = ()

    alone = True
    template = b""

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Never called: the plain way writes the item."""
        raise NotImplementedError
