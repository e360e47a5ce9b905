"""IDLE (RFC 2177)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command, Done
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Capability, Spec
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

IDLE = Capability(b"IDLE", "RFC 2177")


@value
class Idle(Command):
    """The client waits for news, until it sends DONE."""


def handle(session: Session, command: Idle) -> None:
    """Report changes as they come."""
    session.engine.begin_idle(command.tag)
    session.watch.start()
    session.connection.rest()


def done(session: Session, event: Done) -> None:
    """End IDLE."""
    session.watch.stop()
    session.finish(event, b"OK Idle completed.")


SPECS = (
    Spec(
        b"IDLE",
        AUTH,
        Idle,
        no_arguments(Idle),
        handle,
        "RFC 2177 §3",
        capability=IDLE,
        follow=MappingProxyType({Done: done}),
    ),
)
