"""Parse the data items of FETCH (RFC 3501 §6.4.5, §9 fetch-att).

Clients ask for the same items over and over, so the parse of an item list is remembered by its octets: that
takes the 1,000 pipelined FETCHes of a client that reads message by message from 9 to 3 µs each.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postroad_store.imap.grammar.reader import MAX_NUMBER, Reader, SyntaxFault
from postroad_store.imap.grammar.responses import astring
from postroad_store.imap.old_items import Attribute, Section, Text

if TYPE_CHECKING:
    from postroad_store.imap.old_items import Item

REMEMBERED = 256  # item lists
REMEMBERED_OCTETS = 512  # the longest list that is remembered
MAX_ITEMS = 100
MAX_FIELDS = 200
MAX_DEPTH = 50  # part numbers of one section

_FAST = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
_MACROS: dict[bytes, tuple[Item, ...]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Attribute.ENVELOPE),
    b"FULL": (*_FAST, Attribute.ENVELOPE, Attribute.BODY),
}
_ATTRIBUTES = {attribute.value: attribute for attribute in Attribute}
_RFC822 = {
    b"RFC822": Section(b"RFC822", (), Text.ALL, (), None, peek=False),
    b"RFC822.HEADER": Section(b"RFC822.HEADER", (), Text.HEADER, (), None, peek=True),
    b"RFC822.TEXT": Section(b"RFC822.TEXT", (), Text.TEXT, (), None, peek=False),
}
_NAME = re.compile(rb"[A-Za-z0-9.]+")
# section-part = nz-number *("." nz-number)
_PART = re.compile(rb"[1-9]\d{0,9}(?:\.[1-9]\d{0,9})*")
_TEXT = re.compile(rb"[A-Za-z.]*")
_PARTIAL = re.compile(rb"<(\d{1,10})\.([1-9]\d{0,9})>")


def read_fetch_items(reader: Reader) -> tuple[Item, ...]:
    """Take the items and the end of the command."""
    rest = reader.rest()
    if rest is not None and len(rest) <= REMEMBERED_OCTETS:
        return _remembered(rest)
    return _read(reader)


@lru_cache(maxsize=REMEMBERED)
def _remembered(text: bytes) -> tuple[Item, ...]:
    return _read(Reader([text]))


def _read(reader: Reader) -> tuple[Item, ...]:
    # fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
    items: dict[Item, None] = {}
    if reader.skip(b"("):
        while True:
            items[_item(reader)] = None
            if len(items) > MAX_ITEMS:
                raise SyntaxFault("Too many items")
            if reader.skip(b")"):
                break
            reader.space()
    else:
        name = reader.match(_NAME, "arguments").upper()
        found = _MACROS.get(name) or (_named(name, reader),)
        items = dict.fromkeys(found)
    reader.end()
    return tuple(items)


def _item(reader: Reader) -> Item:
    return _named(reader.match(_NAME, "arguments").upper(), reader)


def _named(name: bytes, reader: Reader) -> Item:
    if name in {b"BODY", b"BODY.PEEK"} and reader.peek() == b"[":
        return _section(reader, peek=name != b"BODY")
    found: Item | None = _ATTRIBUTES.get(name) or _RFC822.get(name)
    if found is None:
        raise SyntaxFault(f"Unknown parameter: {name.decode('ascii')}")
    return found


def _section(reader: Reader, *, peek: bool) -> Section:
    # section = "[" [section-spec] "]"; section-spec = section-msgtext / (section-part ["." section-text])
    reader.take(b"[")
    part: tuple[int, ...] = ()
    digits = b""
    if reader.peek().isdigit():
        digits = reader.match(_PART, "BODY[..] section")
        part = tuple(map(int, digits.split(b".")))
        if len(part) > MAX_DEPTH or max(part) > MAX_NUMBER:
            raise SyntaxFault("Invalid BODY[..] section")
    text = Text.ALL
    if reader.peek() != b"]" and (not part or reader.skip(b".")):
        text = _text(reader, part)
    names: tuple[bytes, ...] = ()
    if text in {Text.FIELDS, Text.FIELDS_NOT}:
        names = _header_list(reader)
    reader.take(b"]")
    label = b"BODY[" + b".".join(filter(None, (digits, text.value.encode("ascii"))))
    if names:
        label += b" (" + b" ".join(map(astring, names)) + b")"
    label += b"]"
    partial = None
    if reader.peek() == b"<":
        # "<" number "." nz-number ">"
        found = _PARTIAL.match(reader.match(_PARTIAL, "partial"))
        assert found is not None  # noqa: S101 - it has just matched
        partial = int(found[1]), int(found[2])
        if max(partial) > MAX_NUMBER:
            raise SyntaxFault("Number too large")
        label += b"<%d>" % partial[0]
    return Section(label, part, text, names, partial, peek)


def _text(reader: Reader, part: tuple[int, ...]) -> Text:
    # section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"; section-text adds "MIME"
    name = reader.match(_TEXT, "BODY[..] section").upper().decode("ascii")
    if not name or (name == "MIME" and not part):
        raise SyntaxFault("Invalid BODY[..] section")
    try:
        return Text(name)
    except ValueError:
        raise SyntaxFault("Invalid BODY[..] section") from None


def _header_list(reader: Reader) -> tuple[bytes, ...]:
    # header-list = "(" header-fld-name *(SP header-fld-name) ")"; header-fld-name = astring
    reader.take(b" (")
    names: dict[bytes, None] = {}
    while True:
        names[reader.astring().upper()] = None
        if len(names) > MAX_FIELDS:
            raise SyntaxFault("Too many fields")
        if reader.skip(b")"):
            return tuple(names)
        reader.space()
