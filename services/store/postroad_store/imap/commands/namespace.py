"""NAMESPACE (RFC 2342)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.directory import PREFIX
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import ACL
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

NAMESPACE = Capability(b"NAMESPACE", "RFC 2342", after_login)


@value
class Namespace(Command):
    """The client asks where mailboxes are."""


def handle(session: Session, command: Namespace) -> None:
    """Name the personal namespace, and where other users' mailboxes are (RFC 2342 §5); there are no shared ones."""
    others = b'(("%b" "/"))' % session.encoded(PREFIX) if session.offers(ACL) else b"NIL"
    session.engine.send(b'* NAMESPACE (("" "/")) %b NIL\r\n' % others)
    session.finish(command, b"OK Namespace completed.")


SPECS = (Spec(b"NAMESPACE", AUTH, Namespace, no_arguments(Namespace), handle, "RFC 2342 §5", capability=NAMESPACE),)
