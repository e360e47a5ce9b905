"""The data items that are short: flags, UID, date, size and structure (RFC 3501 §6.4.5, §7.4.2)."""

from __future__ import annotations

from abc import abstractmethod
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from postroad.mail.dates import MONTHS
from postroad.value import value
from postroad_store.imap.commands.fetch.item import Item
from postroad_store.imap.updates import FlagLists
from postroad_store.mail.model.message import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postroad_store.imap.commands.fetch.item import Block, Message

_MONTHS = tuple(month.encode("ascii") for month in MONTHS)
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTES = tuple(b" %02d:%02d:" % divmod(minute, 60) for minute in range(24 * 60))
_SECONDS = tuple(b"%02d +0000" % second for second in range(60))


class Value(Item):
    """An item with one short value per message."""

    __slots__ = ()

    @abstractmethod
    def value(self, message: Message) -> object:
        """Return the value for the template, of one message; raises `Gone`."""

    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the item in one piece."""
        yield self.template % self.value(message)


@value
class Flags(Value):
    """FLAGS."""

    template = b"FLAGS (%b)"

    def value(self, message: Message) -> bytes:
        """Return the flag list."""
        recent = message.uid in message.view.recent
        return FlagLists(message.mailbox, recent=recent)[message.entry(message.mailbox.flags)]

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the flag lists, each made once."""
        mailbox, recent, uids = block.view.mailbox, block.view.recent, block.uids
        flags = block.column(mailbox.flags)
        here = recent.between(uids[0], uids[-1]) if recent else ()
        if not here or len(here) == uids[-1] - uids[0] + 1:  # all alike
            return (map(FlagLists(mailbox, recent=bool(here)).__getitem__, flags),)
        some, fresh, lists = set(here), FlagLists(mailbox, recent=True), FlagLists(mailbox, recent=False)
        return ([(fresh if uid in some else lists)[value] for uid, value in zip(uids, flags, strict=True)],)


@value
class Uid(Value):
    """UID."""

    template = b"UID %d"

    def value(self, message: Message) -> int:
        """Return the UID."""
        return message.uid

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the UIDs."""
        return (block.uids,)


@value
class InternalDate(Value):
    """INTERNALDATE."""

    template = b'INTERNALDATE "%b"'

    def value(self, message: Message) -> bytes:
        """Return the date-time."""
        return internal_date(message.entry(message.mailbox.internal_dates))

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the date-times."""
        return (map(internal_date, block.column(block.view.mailbox.internal_dates)),)


@value
class Size(Value):
    """RFC822.SIZE."""

    template = b"RFC822.SIZE %d"

    def value(self, message: Message) -> int:
        """Return the octets."""
        return message.entry(message.mailbox.sizes)

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the octets."""
        return (block.column(block.view.mailbox.sizes),)


@value
class ModSeq(Value):
    """MODSEQ (RFC 7162 §3.1.4.2)."""

    template = b"MODSEQ (%d)"

    def value(self, message: Message) -> int:
        """Return the mod-sequence."""
        return message.entry(message.mailbox.modseqs)

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the mod-sequences."""
        return (block.column(block.view.mailbox.modseqs),)


@value
class Kept(Value):
    """An item whose octets are kept with the message as FETCH sends them: ENVELOPE, BODY or BODYSTRUCTURE."""

    name: bytes
    stored: Column

    @property
    def template(self) -> bytes:
        """How it is written."""
        return self.name + b" %b"

    @property
    def reads(self) -> tuple[Column, ...]:
        """The one column."""
        return (self.stored,)

    def value(self, message: Message) -> bytes:
        """Return the octets."""
        return message.read(self.stored)

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the octets."""
        return (block.stored[self.stored],)


@value
class ObjectId(Value):
    """EMAILID or THREADID (RFC 8474 §5.3): a number that never comes back, after a letter that says of what."""

    wire: bytes
    stored: Column

    @property
    def template(self) -> bytes:
        """How it is written."""
        return self.wire

    @property
    def reads(self) -> tuple[Column, ...]:
        """The one column."""
        return (self.stored,)

    def value(self, message: Message) -> int:
        """Return the number."""
        return message.number(self.stored)

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the numbers."""
        return (block.stored[self.stored],)


@value
class SaveDate(Value):
    """SAVEDATE (RFC 8514 §4.2)."""

    template = b'SAVEDATE "%b"'

    @property
    def reads(self) -> tuple[Column, ...]:
        """The one column."""
        return (Column.SAVE_DATE,)

    def value(self, message: Message) -> bytes:
        """Return the date-time."""
        return internal_date(message.number(Column.SAVE_DATE))

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the date-times."""
        return (map(internal_date, block.stored[Column.SAVE_DATE]),)


FLAGS, UID, INTERNALDATE, SIZE, MODSEQ = Flags(), Uid(), InternalDate(), Size(), ModSeq()
ENVELOPE = Kept(b"ENVELOPE", Column.ENVELOPE)
BODY = Kept(b"BODY", Column.BODY)
BODYSTRUCTURE = Kept(b"BODYSTRUCTURE", Column.BODYSTRUCTURE)
# RFC 8474 §8.1: ids begin with a letter, and no two differ by case alone. RFC 8474 §5.2: no email has a thread's id.
EMAILID = ObjectId(b"EMAILID (e%x)", Column.ID)
GMAIL_MESSAGE = ObjectId(b"X-GM-MSGID %d", Column.ID)
GMAIL_THREAD = ObjectId(b"X-GM-THRID %d", Column.THREAD)
THREADID = ObjectId(b"THREADID (t%x)", Column.THREAD)
SAVEDATE = SaveDate()


@lru_cache(maxsize=4096)
def _day(days: int) -> bytes:
    day = date.fromordinal(days + _EPOCH)
    return b"%02d-%b-%04d" % (day.day, _MONTHS[day.month - 1], day.year)


def internal_date(seconds: int) -> bytes:
    """Return a date-time (RFC 3501 §9) in UTC, without its quotes; from seconds since 1970."""
    days, rest = divmod(seconds, 86400)
    return _day(days) + _MINUTES[rest // 60] + _SECONDS[rest % 60]
