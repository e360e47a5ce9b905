"""STARTTLS (RFC 3501 §6.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Capability, Spec
from postroad_store.imap.states import NONAUTH, State

if TYPE_CHECKING:
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Conditions


def _shown(conditions: Conditions) -> bool:
    return conditions.tls and not conditions.secure and conditions.state is State.NOT_AUTHENTICATED


STARTTLS = Capability(b"STARTTLS", "RFC 3501 §6.2.1", _shown)


@value
class StartTls(Command):
    """The client wants to go on over TLS."""


def handle(session: Session, command: StartTls) -> None:
    """Begin the handshake, once."""
    if session.engine.secure:
        session.engine.complete(command.tag, b"BAD TLS is already active.")
    else:
        session.engine.start_tls(command.tag)


SPECS = (Spec(b"STARTTLS", NONAUTH, StartTls, no_arguments(StartTls), handle, "RFC 3501 §6.2.1", capability=STARTTLS),)
