"""The limits on the messages of one command (RFC 9738), and on the size of one that is appended (RFC 7889).

A command that would treat more treats the newest ones and says how far it has come, so that a client goes on below.
COPY and APPEND store all or nothing (RFC 3501 §6.4.7, RFC 3502), and are refused; so are SORT and THREAD, of which a
part says nothing (RFC 9738 §3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.extensions import MESSAGELIMIT, SAVELIMIT
from postroad_store.mail.search.keys import And, InSet
from postroad_store.mail.search.uids import UidAfter, UidBefore

if TYPE_CHECKING:
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View
    from postroad_store.mail.search.key import Key


def append_limit(session: Session, mailbox: Mailbox) -> int:
    """Return the octets of the largest message that may be appended to a mailbox (RFC 7889 §3)."""
    shared = session.shared
    own = shared.accounts.append_limit(session.directory.owner_of(mailbox), mailbox.name)
    return shared.message_size if own is None else min(own, shared.message_size)


def message_limit(session: Session) -> int | None:
    """Return how many messages a command may treat; None: any number."""
    limit = session.shared.message_limit
    return limit if limit and session.offers(MESSAGELIMIT) else None


def save_limit(session: Session) -> int | None:
    """Return how many messages COPY and APPEND may store; None: any number."""
    return session.shared.message_limit if session.offers(SAVELIMIT) else None


def newest(view: View, spans: list[range], limit: int | None) -> tuple[list[range], UID | None]:
    """Return those of the sequence numbers that a command treats, and the UID of the lowest if there are more."""
    if limit is None or sum(map(len, spans)) <= limit:
        return spans, None
    kept: list[range] = []
    for span in reversed(spans):
        kept.insert(0, span[-limit:])
        limit -= len(kept[0])
        if not limit:
            break
    return kept, view.uids[kept[0][0] - 1]


async def searched(session: Session, view: View, key: Key) -> tuple[Key, UID | None]:
    """Return the key for those of the messages that a search treats, and the UID of the lowest if there are more.

    Sets of messages say beforehand which ones are meant, so that a client can go on where it has been stopped.
    """
    limit = message_limit(session)
    if limit is None or len(view.uids) <= limit:
        return key, None
    numbers = await session.storage.finder.search(view, And(_sets(key)), between=session.connection.wait_writable)
    if len(numbers) <= limit:
        return key, None
    lowest = view.uids[numbers[-limit] - 1]
    return And((UidAfter(lowest - 1), key)), lowest


def _sets(key: Key) -> tuple[Key, ...]:
    """Return the keys that every message must match and that name messages."""
    keys: list[Key] = []
    todo = [key]
    while todo:
        each = todo.pop()
        if isinstance(each, And):
            todo += each.keys
        elif isinstance(each, InSet | UidAfter | UidBefore):
            keys.append(each)
    return tuple(keys)


def code(session: Session, lowest: UID | None = None) -> bytes:
    """Return the response code with a space behind it."""
    # resp-text-code =/ "MESSAGELIMIT" SP message-limit [SP uniqueid]                            (RFC 9738 §5)
    last = b"" if lowest is None else b" %d" % lowest
    return b"[MESSAGELIMIT %d%b] " % (session.shared.message_limit, last)


def refusal(session: Session, lowest: UID | None = None) -> bytes:
    """Return the completion of a command that is refused."""
    return b"NO %bToo many messages for one command." % code(session, lowest)


def told(session: Session, text: bytes, lowest: UID | None, *, coded: bool = False) -> bytes:
    """Return a completion that says how far the command has come, or say it before where another code takes the place.

    With `coded`, a client that takes mod-sequences finds HIGHESTMODSEQ in the completion (`Session.finish`).
    """
    if lowest is None:
        return text
    status, rest = text.split(b" ", 1)
    if rest.startswith(b"[") or (coded and session.manner.modseq):
        session.engine.send(b"* OK %bNot all messages were treated.\r\n" % code(session, lowest))
        return text
    return b"%b %b%b" % (status, code(session, lowest), rest)
