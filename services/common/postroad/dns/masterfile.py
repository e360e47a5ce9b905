"""Master files (RFC 1035 §5): text to records.

The reader takes the plain form, and also $TTL (RFC 2308 §4), TTLs with units such as 1h30m, class and TTL in either
order, parentheses, quoted strings, and RDATA of any type as octets (RFC 3597 §5). It refuses $INCLUDE, because the
world is one file, and strings over 255 octets (RFC 1035 §3.3), because the author knows best where to split them.

The world reader and the name server both use this reader, so they accept the same records.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.dns.words import ZoneFileError, parse_name, parse_rdata, parse_ttl
from postroad.dns.zone import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad.dns.name import Name

# A token as it is written: a quoted string with its quotes, or a bare word. A backslash takes the next character.
# A semicolon outside of quotes starts a comment.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v]+)|(?P<word>"(?:[^"\\]|\\.)*"|(?:[^\s;()"\\]|\\.)+)"""
    r"""|(?P<comment>;[^\n]*)|(?P<line>\n)|(?P<open>\()|(?P<close>\))""",
    re.DOTALL | re.ASCII,
)
_CLASSES = frozenset({"IN", "CH", "CS", "HS", "ANY", "NONE"})  # RFC 1035 §3.2.4, RFC 2136 §1.3


def parse(text: str, origin: Name, ttl: int) -> list[Record]:
    """Read a master file. `ttl` is for records without one, in seconds, until the file sets another.

    Raises `ZoneFileError`, whose message begins with the line.
    """
    records: list[Record] = []
    owner: Name | None = None
    entries = _Entries(text)
    try:
        for begins_blank, words in entries:
            if words[0].startswith("$") and not begins_blank:
                origin, ttl = _directive(words, origin, ttl)
                continue
            if not begins_blank:
                owner = parse_name(words.pop(0), origin)
            if owner is None:
                raise ZoneFileError("the first record has no owner name")
            records.append(_record(owner, words, origin, ttl))
    except ValueError as error:
        raise ZoneFileError(f"line {entries.line}: {error}") from error
    return records


def parse_record(text: str, origin: Name, ttl: int) -> Record:
    """Read one record, which is one line and begins with its owner; `ttl` is for a record without one, in seconds.

    Raises `ZoneFileError`.
    """
    if "\n" in text or "\r" in text:
        raise ZoneFileError("a record must be on one line")
    try:
        entry = next(iter(_Entries(text)), None)
        if entry is None or entry[0]:
            raise ZoneFileError("a record begins with its owner name; @ is the domain itself")
        words = entry[1]
        if words[0].startswith("$"):
            raise ZoneFileError(f"{words[0]} is a directive, not a record")
        return _record(parse_name(words[0], origin), words[1:], origin, ttl)
    except ZoneFileError:
        raise
    except ValueError as error:
        raise ZoneFileError(str(error)) from error


class _Entries:
    """The entries of a master file: for each, whether it begins with a blank, and its words.

    `line` is the line on which the last entry began, or of the fault.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.line = 1

    def __iter__(self) -> Iterator[tuple[bool, list[str]]]:
        words: list[str] = []
        position, line, begins_blank, nested, fresh = 0, 1, False, False, True
        for token in _TOKEN.finditer(self._text):
            if token.start() != position:
                break
            position = token.end()
            kind = token.lastgroup
            if fresh:
                self.line, begins_blank, fresh = line, kind == "space", False
            if kind == "word":
                words.append(token[0])
            elif kind in {"open", "close"}:
                if nested is (kind == "open"):
                    self.line = line
                    raise ZoneFileError(
                        "an opening parenthesis within parentheses" if nested else "a closing parenthesis too many"
                    )
                nested = not nested
            elif kind == "line" and not nested:
                if words:
                    yield begins_blank, words
                words, fresh = [], True
            line += token[0].count("\n")
        if position < len(self._text):
            self.line = line
            quote = self._text[position] == '"'
            raise ZoneFileError("a quote is left open" if quote else "the text ends in a backslash")
        if nested:
            raise ZoneFileError("an opening parenthesis without its closing one")
        if words:
            yield begins_blank, words


def _directive(words: Sequence[str], origin: Name, ttl: int) -> tuple[Name, int]:
    """Return the origin and the TTL that hold after a directive."""
    directive = words[0].upper()
    if directive == "$ORIGIN" and len(words) == 2:
        return parse_name(words[1], origin), ttl
    if directive == "$TTL" and len(words) == 2:
        return origin, parse_ttl(words[1])
    raise ZoneFileError(f"{words[0]} is not supported, or does not have exactly one argument")


def _record(owner: Name, words: Sequence[str], origin: Name, ttl: int) -> Record:
    """Read `[TTL] [class] type RDATA` or `[class] [TTL] type RDATA` (RFC 1035 §5.1)."""
    seen_ttl = seen_class = False
    position = 0
    for word in words:
        if word[0] in "0123456789" and not seen_ttl:
            ttl, seen_ttl = parse_ttl(word), True
        elif _capitals(word) in _CLASSES and not seen_class:
            seen_class = True
            if _capitals(word) != "IN":
                raise ZoneFileError(f"the class is IN, not {word}")
        else:
            break
        position += 1
    else:
        raise ZoneFileError("the record has no type")
    return Record(owner, ttl, parse_rdata(_capitals(word), words[position + 1 :], origin))


def _capitals(word: str) -> str:
    """Return the word in capitals if it is ASCII; some other letters would become ASCII ones."""
    return word.upper() if word.isascii() else word
