"""A LIST response that no LIST has asked for, as of SELECT (RFC 9051 §6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.list.attributes import Attributes

if TYPE_CHECKING:
    from postroad_store.imap.session import Session


def list_response(session: Session, name: str, *, old_name: str | None = None) -> bytes:
    """Return the response of a name as it is now; `old_name`: it has just been renamed (RFC 9051 §6.3.9.7)."""
    account, directory = session.current_account(), session.directory
    subscribed = name in account.subscriptions
    start = Attributes(session, b"LIST", extended=True).of(
        directory.listed(name), directory.has_inferiors(name), subscribed, name
    )
    end = b"" if old_name is None else b' ("OLDNAME" (%b))' % session.written(old_name)
    return b"%b%b%b\r\n" % (start, session.written(name), end)
