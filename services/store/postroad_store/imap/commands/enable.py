"""ENABLE (RFC 5161)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

ENABLE = Capability(b"ENABLE", "RFC 5161", after_login)


@value
class Enable(Command):
    """The client wants extensions that change what it is sent; names in capitals."""

    names: tuple[bytes, ...]


def parse(tag: bytes, reader: Reader) -> Enable:
    """Take the names."""
    # capability =/ "ENABLE"; command-any = "ENABLE" 1*(SP capability)
    names: list[bytes] = []
    while not names or not reader.at_end():
        reader.space()
        names.append(reader.keyword())
    return Enable(tag, tuple(names))


def handle(session: Session, command: Enable) -> None:
    """Enable what can be, and pass over the rest (RFC 5161 §3.1)."""
    enabling = session.engine.offer.registry.enabling
    enabled = session.enable(*(enabling[name] for name in dict.fromkeys(command.names) if name in enabling))
    session.engine.send(b"* ENABLED%b\r\n" % b"".join(b" " + each.name for each in enabled))
    session.finish(command, b"OK Enabled.")


# RFC 5161 §3.1: only before a mailbox is selected, which the server need not check.
SPECS = (Spec(b"ENABLE", AUTH, Enable, parse, handle, "RFC 5161 §3.1", capability=ENABLE),)
