"""What SORT sorts by (RFC 5256 §3, RFC 5957).

A new criterion is one class with an entry in `CRITERIA`: its word, the extension that has it, and the keys by which
messages are compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from postroad.mime.collation import casemap
from postroad.mime.envelope import sent_time
from postroad.mime.text import decode_words
from postroad.value import value
from postroad_store.mail.model.message import Column
from postroad_store.mail.order.subject import base_subject
from postroad_store.mail.order.values import Derived
from postroad_store.mail.search.envelopes import Place, first, string

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.order.ordering import Ordering

MAX_SUBJECT = 10_000  # octets of a Subject field that are looked at (its decoding takes some milliseconds)


class Criterion(ABC):
    """One criterion, without REVERSE."""

    __slots__ = ()
    word: ClassVar[str]
    extension: ClassVar[str] = ""  # besides SORT
    lasting: ClassVar[bool] = True  # what is compared is the message's own, and so never changes

    @abstractmethod
    async def keys(self, ordering: Ordering, numbers: Sequence[int]) -> list[Any]:
        """Return for each of these messages (ascending) what is compared."""


@value
class Arrival(Criterion):
    """The internal date and time."""

    word = "ARRIVAL"

    async def keys(self, ordering: Ordering, numbers: Sequence[int]) -> list[Any]:
        """Look at the mailbox in memory."""
        return await ordering.column(ordering.view.mailbox.internal_dates, numbers)


@value
class Size(Criterion):
    """The size in octets."""

    word = "SIZE"

    async def keys(self, ordering: Ordering, numbers: Sequence[int]) -> list[Any]:
        """Look at the mailbox in memory."""
        return await ordering.column(ordering.view.mailbox.sizes, numbers)


@value
class Date(Criterion):
    """The sent date and time (RFC 5256 §2.2)."""

    word = "DATE"

    async def keys(self, ordering: Ordering, numbers: Sequence[int]) -> list[Any]:
        """Read the Date fields; the internal date stands in for one that cannot be read."""
        return await ordering.sent(numbers)


def _mailbox_name(place: Place) -> Derived:
    def of(envelope: bytes) -> bytes:
        address = first(envelope, place)
        return b"" if address is None else casemap(decode_words(address[2]))

    return Derived(f"{place.name} mailbox", (Column.ENVELOPE,), of, b"")


def _display(place: Place) -> Derived:
    def of(envelope: bytes) -> bytes:
        # RFC 5957 §3: the decoded name; without one, mailbox@host; without a host, the mailbox
        address = first(envelope, place)
        if address is None:
            return b""
        name, _, mailbox, host = address
        shown = decode_words(name)
        if not shown:
            shown = decode_words(b"%b@%b" % (mailbox, host) if host else mailbox)
        return casemap(shown)

    return Derived(f"{place.name} display", (Column.ENVELOPE,), of, b"")


def _subject(envelope: bytes) -> bytes:
    return casemap(base_subject(decode_words(string(envelope, Place.SUBJECT)[:MAX_SUBJECT])).text)


SENT = Derived("sent", (Column.ENVELOPE,), lambda envelope: sent_time(string(envelope, Place.DATE)), None)
SUBJECT = Derived("subject", (Column.ENVELOPE,), _subject, b"")


@value
class _Text(Criterion):
    """Something that is read from the ENVELOPE, compared as text."""

    derived: ClassVar[Derived]

    async def keys(self, ordering: Ordering, numbers: Sequence[int]) -> list[Any]:
        """Read it."""
        return await ordering.values(self.derived, numbers)


class Cc(_Text):
    """The mailbox name of the first Cc address."""

    __slots__ = ()
    word = "CC"
    derived = _mailbox_name(Place.CC)


class From(_Text):
    """The mailbox name of the first From address."""

    __slots__ = ()
    word = "FROM"
    derived = _mailbox_name(Place.FROM)


class To(_Text):
    """The mailbox name of the first To address."""

    __slots__ = ()
    word = "TO"
    derived = _mailbox_name(Place.TO)


class Subject(_Text):
    """The base subject (RFC 5256 §2.1)."""

    __slots__ = ()
    word = "SUBJECT"
    derived = SUBJECT


class DisplayFrom(_Text):
    """The first From address as it is shown (RFC 5957)."""

    __slots__ = ()
    word = "DISPLAYFROM"
    extension = "SORT=DISPLAY"
    derived = _display(Place.FROM)


class DisplayTo(_Text):
    """The first To address as it is shown (RFC 5957)."""

    __slots__ = ()
    word = "DISPLAYTO"
    extension = "SORT=DISPLAY"
    derived = _display(Place.TO)


class Relevancy(Criterion):
    """How relevant a message is to a fuzzy search (RFC 6203 §6)."""

    __slots__ = ()
    word = "RELEVANCY"
    extension = "SEARCH=FUZZY"
    lasting = False

    async def keys(self, ordering: Ordering, numbers: Sequence[int]) -> list[Any]:
        """Look at what the search has noted."""
        # RFC 6203 §6: "The message with the highest score is returned first."
        return [-ordering.scores.of(number) for number in numbers]


CRITERIA: tuple[type[Criterion], ...] = (Arrival, Cc, Date, From, Size, Subject, To, DisplayFrom, DisplayTo, Relevancy)
