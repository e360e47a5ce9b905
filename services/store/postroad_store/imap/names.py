"""Names of mailboxes: from the wire's form to the mail's own, with the errors of the mail."""

from __future__ import annotations

from postroad_store.imap.grammar import mailbox_name
from postroad_store.imap.grammar.mailbox_name import NameInvalid
from postroad_store.mail.model.account import checked_name
from postroad_store.mail.model.errors import NameNotAllowed, NoSuchMailbox


def new_name(name: bytes, *, utf8: bool) -> str:
    """Return the name of a new mailbox; raises `NameNotAllowed` (RFC 3501 §5.1.3: CREATE has to verify it)."""
    try:
        new = _decoded(name, utf8=utf8)
    except NameInvalid:
        raise NameNotAllowed(f"Mailbox name is not valid {'UTF-8' if utf8 else 'mUTF-7'}") from None
    if utf8 and not mailbox_name.is_normal(new):  # RFC 9051 §6.3.4: the server rejects it, or normalizes it and says so
        raise NameNotAllowed("Mailbox name is not in normalization form C")
    return new


def known_name(name: bytes, *, utf8: bool) -> str:
    """Return the name of a mailbox that may exist; if the octets are not a name, return "", which no mailbox has."""
    try:
        return _decoded(name, utf8=utf8)
    except NameInvalid:
        return ""


def _decoded(name: bytes, *, utf8: bool) -> str:
    return mailbox_name.decode_utf8(name) if utf8 else mailbox_name.decode(name)


def no_such_mailbox(name: bytes, *, utf8: bool) -> NoSuchMailbox | NameNotAllowed:
    """Return the error that says that there is no mailbox of this name, or that there never can be one.

    RFC 5530 §3: CANNOT is what "can never succeed"; no client must be invited to create such a mailbox (RFC 3501
    §6.3.11, §6.4.7).
    """
    try:
        checked_name(new_name(name, utf8=utf8))
    except NameNotAllowed as error:
        return error
    return NoSuchMailbox(f"Mailbox doesn't exist: {name.decode('ascii', 'replace')}")
