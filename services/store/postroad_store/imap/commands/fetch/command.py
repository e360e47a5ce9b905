"""FETCH and UID FETCH: the commands and their syntax (RFC 3501 §6.4.5, §6.4.8); `answer` carries them out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.fetch.answer import handle
from postroad_store.imap.commands.fetch.items import READER, ItemReader
from postroad_store.imap.commands.fetch.modifiers import read_modifiers
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CONDSTORE, QRESYNC, UIDONLY
from postroad_store.imap.grammar.sequence import parse_sequence_set, read_sequence_set
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch.modifiers import Modifier
    from postroad_store.imap.commands.fetch.plan import ItemList
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.mail.model.message import UID


@value
class Fetch(Command):
    """FETCH, or UID FETCH."""

    uid: bool
    messages: SequenceSet
    items: ItemList
    modifiers: tuple[Modifier, ...] = ()
    lowest: UID | None = None  # the lowest message that is answered, if there are too many (RFC 9738)


_COMMON = re.compile(rb" ([\d:,*]+) (.+)")  # numbers and items: in one match, half the time


def _read(tag: bytes, reader: Reader, items: ItemReader, *, uid: bool) -> Fetch:
    common = _COMMON.fullmatch(reader.rest() or b"")
    if common is not None:
        messages, all_items = parse_sequence_set(common[1]), items.all_of(common[2], reader)
        if all_items is not None:
            return Fetch(tag, uid, messages, all_items)
    reader.space()
    messages = read_sequence_set(reader)
    reader.space()
    wanted = items.read(reader)
    modifiers = read_modifiers(reader, uid=uid) if reader.skip(b" ") else ()
    reader.end()
    return Fetch(tag, uid, messages, wanted, modifiers)


def specs(items: ItemReader) -> tuple[Spec, ...]:
    """Return the two forms of the command for these items."""

    def parse(tag: bytes, reader: Reader) -> Command:
        return _read(tag, reader, items, uid=False)

    def parse_uid(tag: bytes, reader: Reader) -> Command:
        return _read(tag, reader, items, uid=True)

    # PARTIAL is what SEARCH and FETCH both have to know: SEARCH lists it.
    capabilities = tuple(dict.fromkeys((*items.capabilities, CONDSTORE, QRESYNC, UIDONLY)))
    return (
        Spec(b"FETCH", SELECT, Fetch, parse, handle, "RFC 3501 §6.4.5", extensions=capabilities),
        Spec(b"UID FETCH", SELECT, Fetch, parse_uid, handle, "RFC 3501 §6.4.8", extensions=capabilities),
    )


SPECS = specs(READER)
