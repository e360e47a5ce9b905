"""All data items of FETCH, and the syntax of lists of them (RFC 3501 §6.4.5, §9 fetch-att).

A new item is one class (`item.py` says what it needs) and one entry in `ITEMS`.

Clients ask for the same items over and over, so a list that has been read is remembered by its octets: that takes the
1,000 pipelined FETCHes of a client that reads message by message from 9 to 3 µs each.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from postroad.remembered import remembered
from postroad.value import value
from postroad_store.imap.commands.fetch import binary, labels, preview, section, values
from postroad_store.imap.commands.fetch.plan import ItemList
from postroad_store.imap.extensions import BINARY, CONDSTORE, OBJECTID, PREVIEW, SAVEDATE, X_GM_EXT_1
from postroad_store.imap.grammar.reader import Reader, SyntaxFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad_store.imap.commands.fetch.item import Item
    from postroad_store.imap.spec import Capability

REMEMBERED = 256  # lists
REMEMBERED_OCTETS = 512  # of the longest list that is remembered


@value
class ItemSpec:
    """An item on the wire: its name in upper case, and the function that reads the octets after the name."""

    name: bytes
    read: Callable[[Reader], Item]
    rfc: str
    capability: Capability | None = None  # without which the item is unknown


def _just(item: Item) -> Callable[[Reader], Item]:
    return lambda _: item


def _read_body(reader: Reader) -> Item:
    """Take BODY's section; BODY without a section is the structure."""
    return section.read_section(reader, peek=False) if reader.peek() == b"[" else values.BODY


def _read_peek(reader: Reader) -> Item:
    if reader.peek() != b"[":
        raise SyntaxFault("Unknown parameter: BODY.PEEK")
    return section.read_section(reader, peek=True)


_GMAIL = "Google's X-GM-EXT-1"
ITEMS = (
    ItemSpec(b"FLAGS", _just(values.FLAGS), "RFC 3501 §6.4.5"),
    ItemSpec(b"UID", _just(values.UID), "RFC 3501 §6.4.5"),
    ItemSpec(b"INTERNALDATE", _just(values.INTERNALDATE), "RFC 3501 §6.4.5"),
    ItemSpec(b"RFC822.SIZE", _just(values.SIZE), "RFC 3501 §6.4.5"),
    ItemSpec(b"ENVELOPE", _just(values.ENVELOPE), "RFC 3501 §6.4.5"),
    ItemSpec(b"BODY", _read_body, "RFC 3501 §6.4.5"),
    ItemSpec(b"BODY.PEEK", _read_peek, "RFC 3501 §6.4.5"),
    ItemSpec(b"BODYSTRUCTURE", _just(values.BODYSTRUCTURE), "RFC 3501 §6.4.5"),
    ItemSpec(b"RFC822", _just(section.RFC822), "RFC 3501 §6.4.5"),
    ItemSpec(b"RFC822.HEADER", _just(section.RFC822_HEADER), "RFC 3501 §6.4.5"),
    ItemSpec(b"RFC822.TEXT", _just(section.RFC822_TEXT), "RFC 3501 §6.4.5"),
    ItemSpec(b"EMAILID", _just(values.EMAILID), "RFC 8474 §5.3", OBJECTID),
    ItemSpec(b"THREADID", _just(values.THREADID), "RFC 8474 §5.3", OBJECTID),
    ItemSpec(b"X-GM-MSGID", _just(values.GMAIL_MESSAGE), _GMAIL, X_GM_EXT_1),
    ItemSpec(b"X-GM-THRID", _just(values.GMAIL_THREAD), _GMAIL, X_GM_EXT_1),
    ItemSpec(b"X-GM-LABELS", _just(labels.LABELS), _GMAIL, X_GM_EXT_1),
    ItemSpec(b"PREVIEW", preview.read_preview, "RFC 8970 §3", PREVIEW),
    ItemSpec(b"SAVEDATE", _just(values.SAVEDATE), "RFC 8514 §4.2", SAVEDATE),
    ItemSpec(b"BINARY", partial(binary.read_binary, peek=False), "RFC 3516 §4.2", BINARY),
    ItemSpec(b"BINARY.PEEK", partial(binary.read_binary, peek=True), "RFC 3516 §4.2", BINARY),
    ItemSpec(b"BINARY.SIZE", binary.read_binary_size, "RFC 3516 §4.2", BINARY),
    ItemSpec(b"MODSEQ", _just(values.MODSEQ), "RFC 7162 §3.1.4.2", CONDSTORE),
)

_FAST = (values.FLAGS, values.INTERNALDATE, values.SIZE)
MACROS: dict[bytes, tuple[Item, ...]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, values.ENVELOPE),
    b"FULL": (*_FAST, values.ENVELOPE, values.BODY),
}

# ATOM-CHAR (`grammar.reader`) without "[" and "<", which follow a name: X-GM-LABELS is one name.
_NAME = re.compile(rb"[!#$&'+,\-./0-9:;=>?@A-Z^_`a-z|}~]+")


class ItemReader:
    """Reads lists of these items."""

    def __init__(self, specs: Iterable[ItemSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        extensions = [spec.capability for spec in self._specs.values() if spec.capability is not None]
        self.capabilities = tuple(dict.fromkeys(extensions))  # of items beyond RFC 3501

        @remembered(REMEMBERED, REMEMBERED_OCTETS)
        def read(text: bytes) -> tuple[ItemList, bytes]:
            reader = Reader([text])
            items = self._list(reader)
            return items, text.removesuffix(reader.rest() or b"")

        self._remembered = read

    def read(self, reader: Reader) -> ItemList:
        """Take a list of items; raises `SyntaxFault`."""
        rest = reader.rest()
        if rest is None:
            read = self._list(reader)
        else:
            read, taken = self._remembered(rest)
            reader.take(taken)
        return _offered(read, reader)

    def all_of(self, text: bytes, reader: Reader) -> ItemList | None:
        """Return a list of items that is all of the text; None if more follows. Raises `SyntaxFault`."""
        read, taken = self._remembered(text)
        return _offered(read, reader) if taken == text else None

    def _list(self, reader: Reader) -> ItemList:
        # fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
        items: list[Item] = []
        names: list[bytes] = []
        if reader.skip(b"("):
            for _ in reader.items():
                names.append(self._name(reader))
                items.append(self._item(names[-1], reader))
        else:
            name = self._name(reader)
            names.append(name)
            macro = MACROS.get(name)
            items += macro if macro is not None else [self._item(name, reader)]
        return ItemList(tuple(dict.fromkeys(items)), self._needs(names))

    def _needs(self, names: Iterable[bytes]) -> tuple[tuple[Capability, bytes], ...]:
        """Return the capabilities without which these items are unknown, each with the first name that needs it."""
        needs: dict[Capability, bytes] = {}
        for name in names:
            capability = self._specs[name].capability if name in self._specs else None
            if capability is not None:
                needs.setdefault(capability, name)
        return tuple(needs.items())

    @staticmethod
    def _name(reader: Reader) -> bytes:
        return reader.match(_NAME, "arguments").upper()

    def _item(self, name: bytes, reader: Reader) -> Item:
        spec = self._specs.get(name)
        if spec is None:
            raise _unknown(name)
        return spec.read(reader)


def _offered(read: ItemList, reader: Reader) -> ItemList:
    """Return the list; raises `SyntaxFault` if an item is hidden."""
    for capability, name in read.needs:
        if not reader.offers(capability):
            raise _unknown(name)
    return read


def _unknown(name: bytes) -> SyntaxFault:
    return SyntaxFault(f"Unknown parameter: {name.decode('ascii')}")


READER = ItemReader(ITEMS)
