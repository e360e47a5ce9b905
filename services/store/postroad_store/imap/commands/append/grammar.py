"""The arguments of APPEND and REPLACE, from literal to literal (RFC 3501 §6.3.11, RFC 3502, RFC 4469, RFC 6855).

    append-message = [SP flag-list] [SP date-time] SP append-data
    append-data    = literal / literal8 / "CATENATE" SP "(" cat-part *(SP cat-part) ")" / "UTF8" SP "(" literal8 ")"
    cat-part       = "TEXT" SP literal / "URL" SP astring

Messages come as streamed literals, so a command is read in segments: `read_first` as far as the first message's octets,
`read_on` from there to the next ones, or to the end.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from postroad.value import value
from postroad_store.imap.events import Announcing
from postroad_store.imap.extensions import BINARY, CATENATE, MULTIAPPEND, UTF8_ACCEPT
from postroad_store.imap.grammar.dates import read_date_time
from postroad_store.imap.grammar.flags import read_flags
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.mail.model.flags import NO_FLAGS, FlagSet

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader


class Begin(NamedTuple):
    """A message begins."""

    flags: FlagSet
    internal_date: int | None  # seconds since 1970


class Url(NamedTuple):
    """The octets that an IMAP URL names come next."""

    text: bytes


class Place(Enum):
    """Where in the command a literal is."""

    WHOLE = auto()  # it is a message
    PART = auto()  # it is a part of CATENATE's message
    UTF8 = auto()  # it is UTF8's message
    UTF8_PART = auto()  # it is UTF8's, and a part of CATENATE's message

    __hash__ = object.__hash__  # an Enum's own is a function in Python


PARTS = frozenset({Place.PART, Place.UTF8_PART})
_UTF8 = frozenset({Place.UTF8, Place.UTF8_PART})
_WHOLE = Place.WHOLE  # each look-up of a member costs as much as a small function


@value
class Segment(Announcing):
    """A piece of the command: what comes before its literal, or before its end."""

    steps: tuple[Begin | Url, ...]
    place: Place
    several: bool  # more messages may follow


@value
class More(Segment):
    """What follows the literal of an earlier segment."""


class _Steps(NamedTuple):
    """A segment without its tag."""

    size: int | None
    binary: bool
    steps: tuple[Begin | Url, ...]
    place: Place


def read_first(reader: Reader) -> _Steps:
    """Take ` append-message` as far as its octets; or to the end of the command, if they are named by URLs alone."""
    reader.space()
    return _message(reader, [], several=reader.offers(MULTIAPPEND))


def read_only(reader: Reader) -> _Steps:
    """Do the same for a command that takes one message alone."""
    reader.space()
    return _message(reader, [], several=False)


def read_on(before: Segment, reader: Reader) -> More:
    """Take what follows the literal of a segment."""
    steps: list[Begin | Url] = []
    if before.place in _UTF8:
        reader.take(b")")
    read = (
        _parts(reader, steps, several=before.several, first=False)
        if before.place in PARTS
        else _next(reader, steps, several=before.several)
    )
    return More(before.tag, *read, before.several)


def _next(reader: Reader, steps: list[Begin | Url], *, several: bool) -> _Steps:
    """Take the end of the command, or another message."""
    if not several:
        reader.end()
    if reader.at_end():
        return _Steps(None, False, tuple(steps), _WHOLE)
    if not reader.skip(b" "):
        raise SyntaxFault("Unexpected argument")
    reader.skip(b" ")  # IMAPClient sends two, and Dovecot takes them
    return _message(reader, steps, several=several)


def _message(reader: Reader, steps: list[Begin | Url], *, several: bool) -> _Steps:
    """Take a message after its space, as far as its octets."""
    flags = NO_FLAGS
    if reader.peek() == b"(":
        flags = read_flags(reader, lenient=True)
        reader.space()
    internal_date = None
    if reader.peek() == b'"':
        internal_date = read_date_time(reader)
        reader.space()
    if reader.peek() == b"{":  # as nearly all of them
        steps.append(Begin(flags, internal_date))
        return _Steps(reader.literal_size(), False, tuple(steps), _WHOLE)
    if reader.offers(CATENATE) and reader.skip_word(b"CATENATE"):
        reader.take(b" (")
        steps.append(Begin(flags, internal_date))
        return _parts(reader, steps, several=several, first=True)
    if reader.offers(UTF8_ACCEPT) and reader.skip_word(b"UTF8"):
        # RFC 6855 §4: a literal8, whether or not BINARY is offered
        reader.take(b" (~")
        steps.append(Begin(flags, internal_date))
        return _Steps(reader.literal_size(), reader.offers(BINARY), tuple(steps), Place.UTF8)
    steps.append(Begin(flags, internal_date))
    return _literal(reader, steps, _WHOLE)


def _literal(reader: Reader, steps: list[Begin | Url], place: Place) -> _Steps:
    binary = reader.literal8_size() if reader.offers(BINARY) else None
    size = reader.literal_size() if binary is None else binary
    return _Steps(size, binary is not None, tuple(steps), place)


def _parts(reader: Reader, steps: list[Begin | Url], *, several: bool, first: bool) -> _Steps:
    """Take the parts of CATENATE, as far as the octets of one; or the parenthesis that ends them, and what follows."""
    while first or not reader.skip(b")"):
        if not first:
            reader.space()
        first = False
        word = reader.keyword()
        reader.space()
        if word == b"TEXT":
            return _literal(reader, steps, Place.PART)
        if word == b"UTF8" and reader.offers(UTF8_ACCEPT):  # RFC 6855 §4: cat-part =/ "UTF8" SP "(" literal8 ")"
            reader.take(b"(~")
            return _Steps(reader.literal_size(), reader.offers(BINARY), tuple(steps), Place.UTF8_PART)
        if word != b"URL":
            raise SyntaxFault("Invalid CATENATE part")
        steps.append(Url(reader.astring()))
    return _next(reader, steps, several=several)
