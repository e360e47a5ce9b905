"""Read search keys (RFC 3501 §6.4.4, §9 search-key), their strings decoded from the CHARSET.

The words and their arguments are those of the keys (`mail.search.keys.KEYS`). Keys in keys are kept on a stack, not
read by recursion: the length of the command alone bounds how deep a client may nest them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from postroad.mail.dates import MONTHS
from postroad.mime.charsets import codec_of
from postroad_store.imap.extensions import (
    CONDSTORE,
    FILTERS,
    MESSAGELIMIT,
    OBJECTID,
    SAVEDATE,
    SEARCH_FUZZY,
    UIDONLY,
    UTF8_ACCEPT,
    WITHIN,
    X_GM_EXT_1,
)
from postroad_store.imap.grammar import mailbox_name
from postroad_store.imap.grammar.mailbox_name import NameInvalid
from postroad_store.imap.grammar.modseq import read_modseq
from postroad_store.imap.grammar.reader import ATOM, Reader, SyntaxFault, UidRequired
from postroad_store.imap.grammar.sequence import SAVED, PinnedSet, SequenceSet, read_sequence_set
from postroad_store.mail.search import gmail, objectids
from postroad_store.mail.search.filter import Filter
from postroad_store.mail.search.key import Argument
from postroad_store.mail.search.keys import KEYS, And, InSet, Or

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from postroad_store.mail.search.key import Key, Word

_MONTHS = {name.upper(): number for number, name in enumerate(MONTHS, 1)}
# date = date-text / DQUOTE date-text DQUOTE; date-text = date-day "-" date-month "-" date-year
_DATE = re.compile(rb'("?)(\d{1,2})-([A-Za-z]{3})-(\d{4})\1(?![^ )])')
# objectid = 1*255(ALPHA / DIGIT / "_" / "-")                                             (RFC 8474 §7)
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}(?![^ )])")
EXTENSIONS = {
    each.name.decode("ascii"): each
    for each in (CONDSTORE, FILTERS, MESSAGELIMIT, OBJECTID, SAVEDATE, SEARCH_FUZZY, WITHIN, X_GM_EXT_1)
}  # those that have search keys
_ENTRY = re.compile(rb"/flags/\\?" + ATOM.pattern + rb"\Z", re.IGNORECASE)
# filter-name = 1*<any ATOM-CHAR except "/">                                                   (RFC 5466 §4)
_FILTER = re.compile(ATOM.pattern.replace(rb"\-./0", rb"\-.0") + rb"(?![^ )])")
_ENTRY_TYPES = frozenset({b"PRIV", b"SHARED", b"ALL"})
NUMBERS = "#"  # in `Program.words`: there are message numbers among the keys
_SET_STARTS = frozenset(bytes([octet]) for octet in b"0123456789*$")


class CharsetUnknown(Exception):  # noqa: N818 - not an error of syntax: it has an answer of its own
    """The CHARSET is not supported; the text is the answer."""

    def __init__(self, answer: bytes = b"NO [BADCHARSET] Unknown charset") -> None:
        super().__init__()
        self.answer = answer  # RFC 3501 §6.4.4: a tagged NO response, never BAD


class Program(NamedTuple):
    """What is searched for, and the words that say so (the MODSEQ key changes the answer, for one)."""

    key: Key
    words: frozenset[str]
    pinned: tuple[PinnedSet, ...] = ()  # has to be told which messages it means before the search
    filters: tuple[Filter, ...] = ()  # so have these what they stand for


def words_of(keys: Iterable[type[Key]]) -> Mapping[str, Word]:
    """Return the words of the wire that the keys have."""
    return {word.name: word for key in keys for word in key.words()}


_WORDS = words_of((*KEYS, *objectids.KEYS, *gmail.KEYS))


class _Open:
    """A key whose own keys are being read: a list in parentheses, or a word with keys for arguments."""

    __slots__ = ("keys", "word")

    def __init__(self, word: Word | None) -> None:
        self.word = word  # None: a list
        self.keys: list[Key] = []


class _Search:
    """The reading of one SEARCH's keys."""

    __slots__ = ("_codec", "_filters", "_open", "_pinned", "_reader", "_used", "_words")

    def __init__(self, reader: Reader, codec: str, words: Mapping[str, Word], *, pins: bool) -> None:
        self._reader = reader
        self._filters: list[Filter] = []
        self._pinned: list[PinnedSet] | None = [] if pins else None
        self._codec = codec
        self._words = words
        self._open = [_Open(None)]
        self._used: set[str] = set()

    def program(self, first: str | None) -> Program:
        """Take the keys and the end of the command; the first key's word may have been taken already."""
        key = self._keys(first)
        self._reader.end()
        if self._filters and self._codec != "utf-8":
            # RFC 5466 §3.1: "the explicit CHARSET parameter with the value other than "UTF-8" or "US-ASCII" [...] MUST
            # result in the tagged BAD response", with the BADCHARSET response code
            raise CharsetUnknown(b"BAD [BADCHARSET (UTF-8)] FILTER is for UTF-8 alone")
        return Program(key, frozenset(self._used), tuple(self._pinned or ()), tuple(self._filters))

    def _in(self, messages: SequenceSet, *, uid: bool) -> Key:
        """Return the key of a set of UIDs or of message numbers; numbers that `$` follows are either of two keys."""
        if messages.saved and messages.ranges:
            return Or(self._in(SequenceSet(messages.ranges), uid=uid), self._in(SAVED, uid=uid))
        if self._pinned is None or (uid and not messages.saved):
            return InSet(uid, messages)
        self._pinned.append(PinnedSet(messages))
        return InSet(uid=True, messages=self._pinned[-1])

    def _keys(self, first: str | None) -> Key:
        """Take `search-key *(SP search-key)`."""
        key = self._begin(first)
        while True:
            while key is None:
                key = self._begin(None)
            finished = self._end(key)
            if finished is not None:
                return finished
            key = None

    def _begin(self, word: str | None) -> Key | None:
        """Take a key, or the beginning of one that has keys itself: then return None."""
        reader = self._reader
        if word is None:
            if reader.skip(b"("):
                self._open.append(_Open(None))
                return None
            if reader.peek() in _SET_STARTS:
                if reader.has_enabled(UIDONLY) and reader.peek() != b"$":
                    raise UidRequired
                self._used.add(NUMBERS)
                return self._in(read_sequence_set(reader), uid=False)
            word = reader.keyword().decode("ascii")
        known = self._words.get(word)
        if known is None or not (known.extension == "" or reader.offers(EXTENSIONS[known.extension])):
            raise SyntaxFault(f"Unknown argument {word}")
        self._used.add(word)
        if not known.arguments:
            return known.make()
        reader.space()
        if known.arguments[0] is Argument.KEY:
            self._open.append(_Open(known))
            return None
        arguments = [_READ[known.arguments[0]](self)]
        for argument in known.arguments[1:]:
            reader.space()
            arguments.append(_READ[argument](self))
        key = known.make(*arguments)
        if isinstance(key, Filter):
            self._filters.append(key)
        return key

    def _end(self, key: Key) -> Key | None:
        """Close the keys that end with this key; at the end of the command, return the key of the whole search."""
        reader = self._reader
        while True:
            innermost = self._open[-1]
            keys, word = innermost.keys, innermost.word
            keys.append(key)
            if word is not None:
                if len(keys) < len(word.arguments):
                    reader.space()
                    return None
                key = word.make(*keys)
            else:
                if reader.skip(b" "):
                    return None
                key = keys[0] if len(keys) == 1 else And(tuple(keys))
                if len(self._open) == 1:
                    return key
                reader.take(b")")
            self._open.pop()

    def string(self) -> str:
        """Take an astring in the charset of the search."""
        octets = self._reader.astring()
        try:
            return octets.decode(self._codec)
        except UnicodeDecodeError:
            raise SyntaxFault("A search string is not valid in its charset") from None

    def name(self) -> str:
        """Take a header field's name."""
        return self._reader.astring().decode("latin-1").upper()

    def atom(self) -> str:
        """Take a keyword."""
        return self._reader.atom().decode("ascii")

    def label(self) -> str:
        """Take a label of Gmail."""
        if self._reader.peek() == b"\\":
            return self._reader.flag().decode("ascii")
        octets = self._reader.astring()
        if octets.startswith(b"\\"):
            return octets.decode("latin-1")
        try:
            return mailbox_name.decode(octets)
        except NameInvalid:
            raise SyntaxFault("Invalid label") from None

    def object_id(self) -> str:
        """Take an objectid."""
        return self._reader.match(_OBJECT_ID, "objectid").decode("ascii")

    def number(self) -> int:
        """Take a number of octets."""
        return self._reader.octets()

    def date(self) -> date:
        """Take a date."""
        match = _DATE.match(self._reader.match(_DATE, "search date"))
        assert match is not None  # noqa: S101 - it has just matched
        try:
            return date(int(match[4]), _MONTHS[match[3].decode("ascii").upper()], int(match[2]))
        except (KeyError, ValueError):
            raise SyntaxFault("Invalid search date") from None

    def filter(self) -> str:
        """Take the name of a filter."""
        return self._reader.match(_FILTER, "filter name").decode("ascii")

    def interval(self) -> int:
        """Take a number of seconds."""
        seconds = self._reader.number()
        if not seconds:  # RFC 5032 §3: nz-number
            raise SyntaxFault("Invalid search interval parameter")
        return seconds

    def uid(self) -> int:
        """Take a UID."""
        # search-key =/ ("UIDAFTER" SP uniqueid) / ("UIDBEFORE" SP uniqueid); uniqueid = nz-number     (RFC 9738 §5)
        uid = self._reader.number()
        if not uid:
            raise SyntaxFault("Invalid UID")
        return uid

    def modseq(self) -> int:
        """Take a mod-sequence; the flag before it says nothing here, where a message has one mod-sequence for all."""
        # search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer                (RFC 7162 §7)
        # search-modseq-ext = SP entry-name SP entry-type-req; entry-name = DQUOTE "/flags/" attr-flag DQUOTE
        reader = self._reader
        if reader.peek() == b'"':
            if not _ENTRY.match(reader.string()):
                raise SyntaxFault("Invalid entry name")
            reader.space()
            if reader.keyword() not in _ENTRY_TYPES:
                raise SyntaxFault("Invalid entry type")
            reader.space()
        return read_modseq(reader, zero=True)

    def set(self) -> Key:
        """Take a sequence set of UIDs, which is a key."""
        return self._in(read_sequence_set(self._reader), uid=True)


_READ: dict[Argument, Callable[[_Search], object]] = {
    Argument.STRING: _Search.string,
    Argument.NAME: _Search.name,
    Argument.ATOM: _Search.atom,
    Argument.NUMBER: _Search.number,
    Argument.DATE: _Search.date,
    Argument.SET: _Search.set,
    Argument.OBJECT_ID: _Search.object_id,
    Argument.LABEL: _Search.label,
    Argument.FILTER: _Search.filter,
    Argument.UID: _Search.uid,
    Argument.INTERVAL: _Search.interval,
    Argument.MODSEQ: _Search.modseq,
}


def _codec(charset: bytes) -> str:
    """Return the codec of a charset's name; raises `CharsetUnknown`."""
    name = codec_of(charset)
    if name is None:
        raise CharsetUnknown
    # Some clients announce US-ASCII and then send UTF-8; for ASCII the two are the same.
    return "utf-8" if name == "ascii" else name


def first_word(reader: Reader) -> str | None:
    """Take a space and the word after it; None if a set or a parenthesis comes there."""
    if reader.at_end():
        raise SyntaxFault("Missing search parameters")
    reader.space()
    if reader.peek() in _SET_STARTS or reader.peek() == b"(":
        return None
    return reader.keyword().decode("ascii")


def read_program(
    reader: Reader, word: str | None, words: Mapping[str, Word] = _WORDS, *, pins: bool = False
) -> Program:
    """Take what follows the first word, to the end of the command; raises `SyntaxFault`, `CharsetUnknown`.

    With `pins`, message numbers mean the same messages for as long as the key is used.
    """
    # search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)                  (RFC 4466 §6)
    codec = "utf-8"
    if word == "CHARSET":
        if reader.has_enabled(UTF8_ACCEPT):  # RFC 6855 §3: what is said in two charsets SHOULD be BAD
            raise SyntaxFault("CHARSET is not for clients that have enabled UTF8=ACCEPT")
        reader.space()
        codec = _codec(reader.astring())
        word = first_word(reader)
    return _Search(reader, codec, words, pins=pins).program(word)


def read_criteria(reader: Reader, *, pins: bool = False) -> Program:
    """Take ` charset search-key ...` and the end of the command, as SORT and THREAD have it; raises the same."""
    # search-criteria = charset 1*(SP search-key); charset = atom / quoted                          (RFC 5256 §5)
    reader.space()
    charset = reader.astring()
    word = first_word(reader)
    return _Search(reader, _codec(charset), _WORDS, pins=pins).program(word)
