"""CAPABILITY (RFC 3501 §6.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import IMAP4REV2, INPROGRESS, LITERAL_MINUS, LITERAL_PLUS
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Capability as Offer
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import ANY, State

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

IMAP4REV1 = Offer(b"IMAP4rev1", "RFC 3501", kept="IMAP4rev1 cannot be hidden, it is the protocol itself")


@value
class Capability(Command):
    """The client asks for the capabilities."""


def handle(session: Session, command: Capability) -> None:
    """List the capabilities in this state."""
    session.engine.send(b"* CAPABILITY %b\r\n" % session.capabilities())
    if session.engine.state is State.NOT_AUTHENTICATED:
        session.finish(command, b"OK Pre-login capabilities listed, post-login capabilities have more.")
    else:
        session.finish(command, b"OK Capability completed.")


SPECS = (
    Spec(
        b"CAPABILITY",
        ANY,
        Capability,
        no_arguments(Capability),
        handle,
        "RFC 3501 §6.1.1",
        extensions=(IMAP4REV1, IMAP4REV2, LITERAL_PLUS, LITERAL_MINUS, INPROGRESS),
    ),
)
