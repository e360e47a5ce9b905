"""NOOP (RFC 3501 §6.1.2) and CHECK (RFC 3501 §6.4.1): they only report changes of the mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import ANY, SELECT

if TYPE_CHECKING:
    from postroad_store.imap.session import Session


@value
class Noop(Command):
    """The client asks for news, or keeps the connection alive."""


@value
class Check(Command):
    """The client asks for a checkpoint of the mailbox."""


def noop(session: Session, command: Noop) -> None:
    """Report changes."""
    session.finish(command, b"OK NOOP completed.")


def check(session: Session, command: Check) -> None:
    """Do as NOOP does: everything is on disk at any time."""
    session.finish(command, b"OK Check completed.")


SPECS = (
    Spec(b"NOOP", ANY, Noop, no_arguments(Noop), noop, "RFC 3501 §6.1.2"),
    Spec(b"CHECK", SELECT, Check, no_arguments(Check), check, "RFC 3501 §6.4.1"),
)
