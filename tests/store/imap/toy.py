"""XTOY, a command that is not in the server: all that it takes to add one; and two that go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.reader import LimitExceeded
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session

XTOY = Capability(b"XTOY", "none", after_login, enables=True)
XBOX = Capability(b"XBOX", "none", after_login, on_request=True)
XTOYBOX = Capability(b"XTOYBOX", "none", after_login, enables=True, requires=(b"XTOY", b"XBOX"))


@value
class Toy(Command):
    """Something to play with."""

    name: bytes


def parse(tag: bytes, reader: Reader) -> Toy:
    """Take the toy's name."""
    reader.space()
    name = reader.astring()
    reader.end()
    if len(name) > 11:
        raise LimitExceeded("Toy too large")
    return Toy(tag, name)


def handle(session: Session, command: Toy) -> None:
    """Say its name aloud."""
    session.engine.send(b"* XTOY %b\r\n" % command.name.upper())
    session.finish(command, b"OK Toy completed.")


SPECS = tuple(Spec(each.name, AUTH, Toy, parse, handle, "none", capability=each) for each in (XTOY, XBOX, XTOYBOX))
