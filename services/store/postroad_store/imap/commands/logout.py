"""LOGOUT (RFC 3501 §6.1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import ANY

if TYPE_CHECKING:
    from postroad_store.imap.session import Session


@value
class Logout(Command):
    """The client is done."""


def handle(session: Session, command: Logout) -> None:
    """Say BYE, complete the command, close the connection."""
    session.close_view()
    session.engine.bye(b"Logging out")
    session.engine.complete(command.tag, b"OK Logout completed.")
    session.engine.close()


SPECS = (Spec(b"LOGOUT", ANY, Logout, no_arguments(Logout), handle, "RFC 3501 §6.1.3"),)
