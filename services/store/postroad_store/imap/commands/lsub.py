"""LSUB (RFC 3501 §6.3.9)."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap import patterns
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

FEW = 500  # names that are looked at at once, some 2 ms


@value
class Lsub(Command):
    """Subscribed names that match a pattern."""

    reference: bytes
    pattern: bytes


def parse(tag: bytes, reader: Reader) -> Lsub:
    """Take the reference and the pattern."""
    reference = read_mailbox(reader)
    reader.space()
    pattern = reader.list_mailbox()
    reader.end()
    return Lsub(tag, reference, pattern)


def handle(session: Session, command: Lsub) -> Awaitable[None] | None:
    r"""List subscriptions; a level above one is \Noselect."""
    names = session.current_account().subscriptions
    matching = patterns.Matching(command.reference, command.pattern)
    if len(names) > FEW:
        return _in_steps(session, command, matching, iter(list(names)))
    matching.add(map(session.encoded, names))
    session.engine.send(_lines(session, matching.found()))
    session.finish(command, b"OK Lsub completed.")
    return None


async def _in_steps(session: Session, command: Lsub, matching: patterns.Matching, names: Iterator[str]) -> None:
    while some := list(islice(names, FEW)):
        matching.add(map(session.encoded, some))
        await asyncio.sleep(0)
    matches = iter(matching.found())
    while lines := list(islice(matches, FEW)):
        session.engine.send(_lines(session, lines))
        await give_way(session.connection)
    session.finish(command, b"OK Lsub completed.")


def _lines(session: Session, names: list[tuple[bytes, bool]]) -> bytes:
    return b"".join(
        [
            b'* LSUB (%b) "/" %b\r\n' % (b"" if subscribed else b"\\Noselect", session.as_name(name))
            for name, subscribed in names
        ]
    )


SPECS = (Spec(b"LSUB", AUTH, Lsub, parse, handle, "RFC 3501 §6.3.9"),)
