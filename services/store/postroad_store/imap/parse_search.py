"""Parse SEARCH (RFC 3501 §6.4.4, §9 search-key) and decode its strings from their CHARSET."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import read_sequence_set
from postroad_store.imap.old_keys import And, Not, Numbers, Or
from postroad_store.mail.mime.charsets import codec_of
from postroad_store.mail.model import flags
from postroad_store.mail.search import keys as search

if TYPE_CHECKING:
    from postroad_store.imap.old_keys import Key

MAX_DEPTH = 50  # of keys in keys
MAX_KEYS = 1000

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# date = date-text / DQUOTE date-text DQUOTE; date-text = date-day "-" date-month "-" date-year
_DATE = re.compile(rb'("?)(\d{1,2})-([A-Za-z]{3})-(\d{4})\1(?![^ )])')

_FLAGS = {
    "ANSWERED": flags.ANSWERED,
    "DELETED": flags.DELETED,
    "DRAFT": flags.DRAFT,
    "FLAGGED": flags.FLAGGED,
    "SEEN": flags.SEEN,
}
_SIMPLE: dict[str, Key] = {
    "ALL": And(()),
    "NEW": And((search.Recent(), Not(search.Flag(flags.SEEN)))),
    "OLD": Not(search.Recent()),
    "RECENT": search.Recent(),
    **{name: search.Flag(bit) for name, bit in _FLAGS.items()},
    **{"UN" + name: Not(search.Flag(bit)) for name, bit in _FLAGS.items()},
}
_FIELDS = frozenset({"BCC", "CC", "FROM", "SUBJECT", "TO"})


class CharsetUnknown(Exception):  # noqa: N818 - not an error of syntax: it is answered NO
    """The CHARSET is not supported."""


class _Search:
    """The parse of one SEARCH: its charset, and how many keys it has had."""

    __slots__ = ("_codec", "_keys", "_reader")

    def __init__(self, reader: Reader, codec: str) -> None:
        self._reader = reader
        self._codec = codec
        self._keys = 0

    def keys(self, depth: int, first: str | None = None) -> Key:
        """Take `search-key *(SP search-key)`; the first key's word may have been taken already."""
        keys = [self.key(depth, first)]
        while self._reader.skip(b" "):
            keys.append(self.key(depth))
        return keys[0] if len(keys) == 1 else And(tuple(keys))

    def key(self, depth: int, word: str | None = None) -> Key:
        """Take one search-key."""
        reader = self._reader
        self._keys += 1
        if depth > MAX_DEPTH or self._keys > MAX_KEYS:
            raise SyntaxFault("Too many search keys")
        if word is None:
            if reader.skip(b"("):
                inner = self.keys(depth + 1)
                reader.take(b")")
                return inner
            if reader.peek() in _SET_STARTS:
                return Numbers(uid=False, messages=read_sequence_set(reader))
            word = reader.keyword().decode("ascii")
        simple = _SIMPLE.get(word)
        if simple is not None:
            return simple
        return self._with_argument(word, depth)

    def _with_argument(self, word: str, depth: int) -> Key:
        reader = self._reader
        if word not in _WITH_ARGUMENT:
            raise SyntaxFault(f"Unknown argument {word}")
        reader.space()
        if word in _FIELDS:
            return search.Header(word, self._string())
        match word:
            case "BODY":
                return search.Body(self._string())
            case "TEXT":
                return search.Text(self._string())
            case "HEADER":
                name = reader.astring().decode("latin-1").upper()
                reader.space()
                return search.Header(name, self._string())
            case "KEYWORD":
                return search.Keyword(reader.atom().decode("ascii"))
            case "UNKEYWORD":
                return Not(search.Keyword(reader.atom().decode("ascii")))
            case "LARGER":
                return search.Larger(reader.number())
            case "SMALLER":
                return search.Smaller(reader.number())
            case "NOT":
                return Not(self.key(depth + 1))
            case "OR":
                left = self.key(depth + 1)
                reader.space()
                return Or(left, self.key(depth + 1))
            case "UID":
                return Numbers(uid=True, messages=read_sequence_set(reader))
            case "SENTBEFORE" | "SENTON" | "SENTSINCE":
                return search.SentDate(search.When(word[4:]), self._date())
            case _:
                return search.InternalDate(search.When(word), self._date())

    def _string(self) -> str:
        octets = self._reader.astring()
        try:
            return octets.decode(self._codec)
        except UnicodeDecodeError:
            raise SyntaxFault("A search string is not valid in its charset") from None

    def _date(self) -> date:
        found = _DATE.match(self._reader.match(_DATE, "search date"))
        assert found is not None  # noqa: S101 - it has just matched
        try:
            return date(int(found[4]), _MONTHS.index(found[3].decode("ascii").upper()) + 1, int(found[2]))
        except ValueError:
            raise SyntaxFault("Invalid search date") from None


_SET_STARTS = frozenset(bytes([octet]) for octet in b"0123456789*")
_WITH_ARGUMENT = _FIELDS | {
    *("BODY", "HEADER", "TEXT", "KEYWORD", "UNKEYWORD", "LARGER", "SMALLER", "NOT", "OR", "UID"),
    *("BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"),
}


def _codec(charset: bytes) -> str:
    """Return the codec of a charset's name; raises `CharsetUnknown`."""
    name = codec_of(charset)
    if name is None:
        raise CharsetUnknown
    # US-ASCII is asked for by clients that then send UTF-8; in ASCII proper the two are the same.
    return "utf-8" if name == "ascii" else name


def read_search(reader: Reader) -> Key:
    """Take ` [CHARSET astring] search-key ...` and the end of the command."""
    # search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)
    if reader.at_end():
        raise SyntaxFault("Missing search parameters")
    reader.space()
    codec, first = "utf-8", None
    if reader.peek() not in _SET_STARTS and reader.peek() != b"(":
        first = reader.keyword().decode("ascii")
        if first == "CHARSET":
            reader.space()
            codec = _codec(reader.astring())
            reader.space()
            first = None
    key = _Search(reader, codec).keys(0, first)
    reader.end()
    return key
