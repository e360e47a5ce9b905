"""Names of mailboxes: from the wire's form to the mail's own, with the errors of the mail."""

from __future__ import annotations

from postroad_store.imap.grammar.mailbox_name import NameInvalid, decode
from postroad_store.mail.model.errors import NameNotAllowed, NoSuchMailbox


def new_name(name: bytes) -> str:
    """Return the name of a new mailbox; raises `NameNotAllowed` (RFC 3501 §5.1.3: CREATE has to verify it)."""
    try:
        return decode(name)
    except NameInvalid:
        raise NameNotAllowed("Mailbox name is not valid mUTF-7") from None


def known_name(name: bytes) -> str:
    """Return the name of a mailbox that may exist; if the octets are not a name, return "", which no mailbox has."""
    try:
        return decode(name)
    except NameInvalid:
        return ""


def no_such_mailbox(name: bytes) -> NoSuchMailbox:
    """Return the error that says that there is no mailbox of this name."""
    return NoSuchMailbox(f"Mailbox doesn't exist: {name.decode('ascii', 'replace')}")
