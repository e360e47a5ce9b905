"""Messages that one session appends: the one that arrives in pieces, and those that are being committed.

A client that pipelines APPENDs with non-synchronizing literals shares commits with itself: each message is handed
to the storage as soon as it is whole, and the engine goes on (RFC 3501 §5.5). The answers leave in the order of
the commands, each after its own commit. How much may be under way is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.extensions import UIDPLUS
from postroad_store.imap.grammar import responses
from postroad_store.mail.model.errors import MailError, NoSuchMailbox

if TYPE_CHECKING:
    from postroad.mail.content import Content
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.arrival import Stored
    from postroad_store.mail.model.flags import FlagSet
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID

log = logging.getLogger(__name__)

# How many messages, and octets of them, one session may have under way at a time.
MAX_PENDING = 200
MAX_PENDING_OCTETS = 4 * 1024 * 1024


@dataclass(slots=True)
class Draft:
    """A message that is arriving."""

    flags: FlagSet
    internal_date: int | None  # seconds since 1970; None: when it has arrived
    content: Content
    is_binary: bool = False  # it may hold NULs (RFC 3516 §4.4)


@dataclass(slots=True)
class Incoming:
    """The messages that a command brings, all of which are stored, or none (RFC 3502)."""

    mailbox: Mailbox
    replaced: UID | None  # the message of the selected mailbox that goes when they are stored (RFC 8508)
    drafts: list[Draft] = field(default_factory=list)
    error: MailError | None = None  # why it is refused; its octets must still be read to the end

    @property
    def octets(self) -> int:
        """How many octets have come."""
        return sum(draft.content.size for draft in self.drafts)

    def close(self) -> None:
        """Forget the messages."""
        for draft in self.drafts:
            draft.content.close()
        self.drafts.clear()


@value
class Pending:
    """A message that is being committed."""

    tag: bytes
    future: asyncio.Future[list[Stored]]
    octets: int


class Appends:
    """The APPENDs of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.incoming: Incoming | None = None
        self.pending: list[Pending] = []  # not a deque: an empty one takes 0.7 KiB of each session
        self._octets = 0
        self._dropped = False
        self._settled: asyncio.Future[None] | None = None  # what `settled` waits for

    def add(self, tag: bytes, future: asyncio.Future[list[Stored]], octets: int) -> None:
        """Answer the command when the future has ended, and those before it have been answered."""
        self.pending.append(Pending(tag, future, octets))
        self._octets += octets
        future.add_done_callback(self._committed)

    @property
    def full(self) -> bool:
        """Whether no more should be begun."""
        return len(self.pending) >= MAX_PENDING or self._octets >= MAX_PENDING_OCTETS

    async def settled(self) -> None:
        """Wait until all are committed and answered; the last answers are written when the caller is done."""
        if self.pending:
            self._settled = asyncio.get_running_loop().create_future()
            await self._settled

    def drop_incoming(self) -> None:
        """Forget the messages that are arriving."""
        if self.incoming is not None:
            self.incoming.close()
            self.incoming = None

    def drop(self) -> None:
        """Answer nothing any more: the client has gone. Messages under way are still committed."""
        self._dropped = True
        self.drop_incoming()

    def _committed(self, future: asyncio.Future[list[Stored]]) -> None:
        if self._dropped:
            _ = future.cancelled() or future.exception()  # nobody is left to answer
            return
        if not self._answer():
            return
        if self._settled is None or self.pending:
            self._session.connection.flush()
        else:  # to write now would let the client's next command come while this one is not over yet
            self._settled.set_result(None)
            self._settled = None

    def _answer(self) -> bool:
        """Answer those at the front that are done; return True if there were any."""
        answered = False
        session = self._session
        while self.pending and self.pending[0].future.done():
            pending = self.pending.pop(0)
            self._octets -= pending.octets
            text = self._result(pending.future)
            if session.notify is not None and pending.future.exception() is None:
                for stored in pending.future.result():
                    session.notify.forget(stored.mailbox, [stored.uid])
            view = session.view
            if view is not None and view.changed:  # RFC 3501 §6.3.11: the client SHOULD hear of it at once
                session.tell(view, expunges=False, flags=not view.much(expunges=False))
            if view is not None and session.manner.modseq:
                # RFC 7162 §6: expunges wait, and the client must not take what it has seen for all that there was.
                before, text = session.highest.completed(view, text, coded=False)
                session.engine.send(before)
            session.engine.complete_earlier(pending.tag, text)
            answered = True
        return answered

    def _result(self, future: asyncio.Future[list[Stored]]) -> bytes:
        """Return the completion of an APPEND whose commit has ended."""
        error = future.exception()
        if isinstance(error, MailError):
            return refusal(error)
        if error is not None:
            log.error("imap: APPEND failed", exc_info=error)
            return b"NO [SERVERBUG] Internal error occurred."
        return b"OK %bAppend completed." % append_uid(self._session, future.result())


def append_uid(session: Session, stored: list[Stored]) -> bytes:
    """Return the code APPENDUID and a space, or nothing if it is hidden (RFC 4315 §3, RFC 3502)."""
    if not session.offers(UIDPLUS):
        return b""
    first, last = stored[0].uid, stored[-1].uid  # one commit has stored them, so their UIDs follow each other
    uids = b"%d" % first if first == last else b"%d:%d" % (first, last)
    return b"[APPENDUID %d %b] " % (stored[0].uid_validity, uids)


def refusal(error: MailError) -> bytes:
    """Return the NO of an APPEND, with TRYCREATE if the mailbox could be created (RFC 3501 §6.3.11)."""
    return responses.no(error, "TRYCREATE" if isinstance(error, NoSuchMailbox) else None)
