"""The data items that are texts: BODY[...], BODY.PEEK[...], RFC822 and its likes (RFC 3501 §6.4.5, §9 section)."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from postroad.mime.part import Kind
from postroad.value import value
from postroad_store.imap.commands.fetch.item import Item
from postroad_store.imap.grammar.reader import MAX_NUMBER, Reader, SyntaxFault
from postroad_store.imap.grammar.responses import astring, string
from postroad_store.mail.model.message import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from postroad.mime.part import Part
    from postroad_store.imap.commands.fetch.item import Block, Message

PIECE = 256 * 1024  # octets of a large text that are read at a time


class Text(Enum):
    """The piece of a message or part that a section names (RFC 3501 §9 section-text)."""

    ALL = ""  # the part's body; without part numbers the whole message
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"

    __hash__ = object.__hash__  # an Enum's own is a function in Python


_STORED = {
    Text.ALL: Column.CONTENT,
    Text.HEADER: Column.HEADER,
    Text.FIELDS: Column.HEADER,
    Text.FIELDS_NOT: Column.HEADER,
    Text.TEXT: Column.TEXT,
}
_SUBSETS = frozenset({Text.FIELDS, Text.FIELDS_NOT})


@value
class Section(Item):
    """A text of a message or of one of its parts."""

    label: bytes  # the item's name as the response gives it, before the octets: b"BODY[1.MIME]<0>"
    part: tuple[int, ...]
    kind: Text
    fields: tuple[bytes, ...]  # of FIELDS and FIELDS_NOT, in upper case
    partial: tuple[int, int] | None  # the first octet wanted, and how many at most
    peek: bool  # \Seen is left alone

    is_text = True

    @property
    def reads(self) -> tuple[Column, ...]:
        """The columns to read at once, if the section has no part numbers."""
        return () if self.part else (_STORED[self.kind],)

    @property
    def alone(self) -> bool:
        """Parts are found message by message."""
        return bool(self.part)

    @property
    def sets_seen(self) -> bool:
        r"""RFC 3501 §6.4.5: BODY.PEEK is the form that does not set \Seen."""
        return not self.peek

    @property
    def whole(self) -> bool:
        """Whether nothing of the message is left out."""
        return self.kind is Text.ALL and not self.part and self.partial is None

    @property
    def template(self) -> bytes:
        """How it is written: a literal."""
        return self.label.replace(b"%", b"%%") + b" {%d}\r\n%b"

    def columns(self, block: Block) -> tuple[Iterable[object], ...]:
        """Return the lengths and the texts."""
        texts: Iterable[bytes] = block.stored[_STORED[self.kind]]
        if self.kind in _SUBSETS:
            texts = _fields(self.fields, others=self.kind is Text.FIELDS_NOT).of(texts)
        if self.partial is not None:
            first, length = self.partial
            texts = [text[first : first + length] for text in texts]
        return map(len, texts), texts

    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the literal in pieces."""
        size, pieces = text_of(self, message.root, message.text, self.partial)
        yield self.label + b" {%d}\r\n" % size
        yield from pieces

    def weight(self, root: Part) -> int:
        """Return the octets of the text, or the most that are wanted of it."""
        start, end = self.place(root)
        if self.partial is None or self.kind in _SUBSETS:
            return end - start
        return min(end - start, self.partial[1])

    def place(self, root: Part) -> tuple[int, int]:
        """Return where in the message the text begins and ends; a text that does not exist is empty."""
        part = root.find(self.part)
        if part is None:
            return 0, 0
        if self.kind is Text.MIME:
            return part.start, part.body
        if self.part and self.kind is not Text.ALL:
            # RFC 3501 §6.4.5: HEADER and TEXT want the part to be a message itself.
            if part.kind is not Kind.MESSAGE:
                return 0, 0
            part = part.children[0]
        if self.kind is Text.ALL:
            return (part.body, part.end) if self.part else (part.start, part.end)
        return (part.body, part.end) if self.kind is Text.TEXT else (part.start, part.body)


RFC822 = Section(b"RFC822", (), Text.ALL, (), None, peek=False)
RFC822_HEADER = Section(b"RFC822.HEADER", (), Text.HEADER, (), None, peek=True)
RFC822_TEXT = Section(b"RFC822.TEXT", (), Text.TEXT, (), None, peek=False)


def text_of(
    section: Section, root: Part, read: Callable[[int, int], bytes], partial: tuple[int, int] | None
) -> tuple[int, Iterator[bytes]]:
    """Return a section's text: its octets, and pieces of it. `read` returns octets of the message by offsets."""
    start, end = section.place(root)
    if section.kind in _SUBSETS:
        (fields,) = _fields(section.fields, others=section.kind is Text.FIELDS_NOT).of([read(start, end)])
        if partial is not None:
            fields = fields[partial[0] : partial[0] + partial[1]]
        return len(fields), iter((fields,))
    if partial is not None:
        first, length = partial
        start = min(start + first, end)
        end = min(start + length, end)
    return end - start, (read(at, min(at + PIECE, end)) for at in range(start, end, PIECE))


# -- header fields --------------------------------------------------------------------------------------------

_NEXT = re.compile(rb"\n(?![ \t])")  # where a field begins: its other lines are folded (RFC 5322 §2.2.3)
_NO_FIELD = re.compile(rb"[ \t]|\r?(?:\n|\Z)")  # a folded line without a field, or an empty line
_ENDS = (b"\n\r\n", b"\n\n")  # of a header section that has its empty line
_EMPTY = frozenset({b"\r\n", b"\n"})
_KEPT, _SHORT = 200, 80  # field names that are remembered at most, and the octets of one


class Fields(dict[bytes, bool]):
    """Whether a field has one of some names, by its name as a header spells it (RFC 3501 §6.4.5 HEADER.FIELDS)."""

    def __init__(self, names: tuple[bytes, ...], *, others: bool) -> None:
        """Want the fields of these names (upper case) or, with `others`, all others."""
        super().__init__()
        self._names = frozenset(name for name in names if _NO_FIELD.match(name) is None)
        self._others = others

    def __missing__(self, spelled: bytes) -> bool:
        """Look at a name for the first time."""
        named = spelled.rstrip(b" \t").upper() in self._names  # RFC 5322 §4.5.8: white space before the colon
        if len(spelled) <= _SHORT and len(self) < _KEPT:
            self[spelled] = named
        return named

    def _named(self, field: bytes) -> bool:
        name, colon, _ = field.partition(b":")
        return bool(colon) and self[name]

    def of(self, headers: Iterable[bytes]) -> list[bytes]:
        """Return the wanted fields of each header section, and the empty line that ends it, if it has one."""
        sections: list[bytes] = []
        split, others = _NEXT.split, self._others
        for header in headers:
            fields = split(header)
            if others:
                kept = [field for field in fields if not (self._named(field) or _NO_FIELD.match(field))]
            else:
                kept = [field for field in fields if (name := field.partition(b":"))[1] and self[name[0]]]
            if header.endswith(_ENDS) or header in _EMPTY:
                kept.append(b"\r\n")
            elif not kept or kept[-1] is not fields[-1]:
                kept.append(b"")
            sections.append(b"\n".join(kept))
        return sections


_fields = lru_cache(maxsize=32)(Fields)  # what is asked for of one message is asked for of the next


# -- syntax ---------------------------------------------------------------------------------------------------

# section-part = nz-number *("." nz-number)
_PART = re.compile(rb"[1-9]\d{0,9}(?:\.[1-9]\d{0,9})*")
_STRING_STARTS = frozenset({b'"', b"{"})
_TEXT = re.compile(rb"[A-Za-z.]*")
_PARTIAL = re.compile(rb"<(\d{1,10})\.([1-9]\d{0,9})>")


def read_section(reader: Reader, *, peek: bool) -> Section:
    """Take `section ["<" number "." nz-number ">"]`."""
    # section = "[" [section-spec] "]"; section-spec = section-msgtext / (section-part ["." section-text])
    reader.take(b"[")
    part: tuple[int, ...] = ()
    digits = b""
    if reader.peek().isdigit():
        digits, part = read_part(reader, "BODY[..] section")
    kind = Text.ALL
    if reader.peek() != b"]" and (not part or reader.skip(b".")):
        kind = _read_text(reader, part)
    names: list[bytes] = []
    label = b"BODY[" + b".".join(filter(None, (digits, kind.value.encode("ascii"))))
    if kind in _SUBSETS:
        names, written = _read_header_list(reader)
        label += b" (" + b" ".join(written) + b")"
    reader.take(b"]")
    label += b"]"
    partial = None
    if reader.peek() == b"<":
        partial = read_partial(reader)
        label += b"<%d>" % partial[0]
    return Section(label, part, kind, tuple(names), partial, peek)


def read_part(reader: Reader, what: str) -> tuple[bytes, tuple[int, ...]]:
    """Take a section-part; return its octets and its numbers."""
    digits = reader.match(_PART, what)
    part = tuple(map(int, digits.split(b".")))
    if max(part) > MAX_NUMBER:
        raise SyntaxFault(f"Invalid {what}")
    return digits, part


def _read_text(reader: Reader, part: tuple[int, ...]) -> Text:
    # section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"; section-text adds "MIME"
    name = reader.match(_TEXT, "BODY[..] section").upper().decode("ascii")
    if not name or (name == "MIME" and not part):
        raise SyntaxFault("Invalid BODY[..] section")
    try:
        return Text(name)
    except ValueError:
        raise SyntaxFault("Invalid BODY[..] section") from None


def _read_header_list(reader: Reader) -> tuple[list[bytes], list[bytes]]:
    """Take a header-list; return the names, and how the response writes each."""
    # header-list = "(" header-fld-name *(SP header-fld-name) ")"; header-fld-name = astring
    # RFC 3501 §7.4.2: the response repeats the section. A name that the client gives twice comes twice, an atom stays
    # an atom and a string a string. Names are in upper case, as Dovecot writes them: case does not matter in them.
    reader.take(b" (")
    names: list[bytes] = []
    written: list[bytes] = []
    for _ in reader.items():
        write = string if reader.peek() in _STRING_STARTS else astring
        names.append(reader.astring().upper())
        written.append(write(names[-1]))
    return names, written


def read_partial(reader: Reader) -> tuple[int, int]:
    """Take a partial; return the first octet wanted, and how many at most."""
    # "<" number "." nz-number ">"
    match = _PARTIAL.match(reader.match(_PARTIAL, "partial"))
    assert match is not None  # noqa: S101 - it has just matched
    partial = int(match[1]), int(match[2])
    if max(partial) > MAX_NUMBER:
        raise SyntaxFault("Number too large")
    return partial
