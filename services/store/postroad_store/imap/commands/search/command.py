"""SEARCH and UID SEARCH: the commands, and how they are answered (RFC 3501 §6.4.4, §6.4.8, §7.2.5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad_store.imap.commands.search.grammar import CharsetUnknown, read_search
from postroad_store.imap.events import Command
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Handler
    from postroad_store.mail.search.key import Key
    from postroad_store.protocol.contract import Event

STEP = 10_000  # numbers that are written at a time (about a millisecond)


@dataclass(frozen=True, slots=True)
class Search(Command):
    """SEARCH, or UID SEARCH; its strings have been decoded from their CHARSET."""

    uid: bool
    key: Key


@dataclass(frozen=True, slots=True)
class BadCharset(Command):
    """A SEARCH whose CHARSET is not known here."""


def _read(tag: bytes, reader: Reader, *, uid: bool) -> Command:
    try:
        return Search(tag, uid, read_search(reader))
    except CharsetUnknown:
        return BadCharset(tag)


def parse(tag: bytes, reader: Reader) -> Command:
    """Read the arguments of SEARCH."""
    return _read(tag, reader, uid=False)


def parse_uid(tag: bytes, reader: Reader) -> Command:
    """Read the arguments of UID SEARCH."""
    return _read(tag, reader, uid=True)


async def handle(session: Session, command: Search) -> None:
    """Search the selected mailbox, until the client goes away."""
    view = session.selected_view()
    pause = session.connection.wait_writable
    matched = await session.storage.search(view, command.key, between=pause)
    uids = view.uids
    session.engine.send(b"* SEARCH")
    for start in range(0, len(matched), STEP):
        numbers = matched[start : start + STEP]
        if start:
            await asyncio.sleep(0)
        if command.uid:
            numbers = [uids[number - 1] for number in numbers]
        session.engine.send(b"".join([b" %d" % number for number in numbers]))
    session.engine.send(b"\r\n")
    session.finish(command, b"OK Search completed.", expunges=command.uid, uid=command.uid)


def refuse_charset(session: Session, command: BadCharset) -> None:
    """Refuse a SEARCH in an unknown charset."""
    # RFC 3501 §6.4.4: a tagged NO response is the answer, never BAD.
    session.engine.complete(command.tag, b"NO [BADCHARSET] Unknown charset")


_FOLLOW: Mapping[type[Event], Handler] = MappingProxyType({BadCharset: refuse_charset})

SPECS = (
    Spec(b"SEARCH", SELECT, Search, parse, handle, "RFC 3501 §6.4.4", follow=_FOLLOW),
    Spec(b"UID SEARCH", SELECT, Search, parse_uid, handle, "RFC 3501 §6.4.8", follow=_FOLLOW),
)
