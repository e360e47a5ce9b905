"""UNAUTHENTICATE (RFC 8437)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

UNAUTHENTICATE = Capability(b"UNAUTHENTICATE", "RFC 8437", after_login)


@value
class Unauthenticate(Command):
    """The client wants to log in as somebody else."""


def handle(session: Session, command: Unauthenticate) -> None:
    """Forget all but the connection and its TLS; there is no NO (RFC 8437 §3)."""
    session.log_out()
    text = b"OK [CAPABILITY %b] Logged out" % session.capabilities()
    session.engine.unauthenticated(command.tag, text, compressed=session.connection.compressed)


SPECS = (
    Spec(
        b"UNAUTHENTICATE",
        AUTH,
        Unauthenticate,
        no_arguments(Unauthenticate),
        handle,
        "RFC 8437 §3",
        capability=UNAUTHENTICATE,
    ),
)
