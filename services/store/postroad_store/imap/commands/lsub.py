"""LSUB (RFC 3501 §6.3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.imap import patterns
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session


@dataclass(frozen=True, slots=True)
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


def handle(session: Session, command: Lsub) -> None:
    r"""List subscriptions; a level above one is \Noselect."""
    names = map(session.encoded, session.current_account().subscriptions)
    matches = patterns.matching(command.reference, command.pattern, names)
    lines = [
        b'* LSUB (%b) "/" %b\r\n' % (b"" if subscribed else b"\\Noselect", session.as_name(name))
        for name, subscribed in matches.items()
    ]
    session.engine.send(b"".join(lines))
    session.finish(command, b"OK Lsub completed.")


SPECS = (Spec(b"LSUB", AUTH, Lsub, parse, handle, "RFC 3501 §6.3.9"),)
