"""CLOSE (RFC 3501 §6.4.2) and UNSELECT (RFC 3691): back to the authenticated state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.expunge import remove
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.arguments import no_arguments
from postroad_store.imap.selection import known
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import SELECT

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.session import Session

UNSELECT = Capability(b"UNSELECT", "RFC 3691", after_login)


@value
class Close(Command):
    """Leave the mailbox, and remove what is marked as deleted."""


@value
class Unselect(Command):
    """Leave the mailbox as it is."""


def close(session: Session, command: Close) -> Awaitable[None] | None:
    """Expunge without EXPUNGE responses, unless the mailbox is selected read-only, or gone."""
    view = session.selected_view()
    # RFC 4314 §4: without the right "e" CLOSE expunges nothing, and is OK
    if view.read_only or view.gone or "e" not in view.rights:
        _leave(session, command, b"OK Close completed.")
        return None
    return _close(session, command)


async def _close(session: Session, command: Close) -> None:
    view = session.selected_view()
    await remove(session, view.mailbox, known(view))
    _leave(session, command, b"OK Close completed.")


def unselect(session: Session, command: Unselect) -> None:
    """Leave."""
    _leave(session, command, b"OK Unselect completed.")


def _leave(session: Session, command: Command, text: bytes) -> None:
    session.leave_mailbox()
    session.engine.complete(command.tag, text)


SPECS = (
    Spec(b"CLOSE", SELECT, Close, no_arguments(Close), close, "RFC 3501 §6.4.2"),
    Spec(b"UNSELECT", SELECT, Unselect, no_arguments(Unselect), unselect, "RFC 3691 §2", capability=UNSELECT),
)
