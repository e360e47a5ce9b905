"""A LIST response that no LIST has asked for, of SELECT (RFC 9051 §6.3.2), CREATE and NOTIFY (RFC 5465 §5.4, §5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.list.attributes import Attributes
from postroad_store.mail.model.account import DELIMITER

if TYPE_CHECKING:
    from postroad_store.imap.session import Session


def list_response(
    session: Session,
    name: str,
    *,
    old_name: str | None = None,
    mailboxes_only: bool = False,
    no_access: bool = False,
) -> bytes:
    r"""Return the response of a name as it is now; `old_name`: it has just been renamed (RFC 9051 §6.3.9.7).

    With `mailboxes_only` a name that has only inferiors does not exist (RFC 5465 §5.4). With `no_access` it is said to
    be \NoAccess (RFC 5465 §3.1).
    """
    account, directory = session.current_account(), session.directory
    entry = directory.listed(name)
    if mailboxes_only and not directory.is_mailbox(name):
        entry = None
    subscribed = name in account.subscriptions
    start = Attributes(session, b"LIST", extended=True).of(entry, directory.has_inferiors(name), subscribed, name)
    if no_access:
        start = start.replace(b"(", b"(\\NoAccess ", 1)
    end = b"" if old_name is None else b' ("OLDNAME" (%b))' % session.written(old_name)
    return b"%b%b%b\r\n" % (start, session.written(name), end)


def respelt(session: Session, given: bytes, name: str) -> bool:
    """Whether a client of IMAP4rev2 is to be told that a name is spelt otherwise here than it has given it.

    RFC 9051 §6.3.4, §6.3.5, §6.3.6, §6.3.12. A delimiter at the end is no part of a name.
    """
    return session.rev2 and given.decode().removesuffix(DELIMITER) != name


def tell_spelling(session: Session, given: bytes, name: str) -> None:
    """Tell a client of IMAP4rev2 how a name that it has given is spelt here, if that is otherwise."""
    if respelt(session, given, name):
        session.engine.send(list_response(session, name, old_name=given.decode()))
