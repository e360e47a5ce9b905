"""APPEND (RFC 3501 §6.3.11): messages that arrive in pieces, and commits that are under way while the next arrives.

A client that pipelines APPENDs with non-synchronizing literals shares commits with itself: each message is handed
to the storage as soon as it is whole, and the engine goes on (RFC 3501 §5.5). The answers leave in the order of
the commands, each after its own commit. How much may be under way is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.mail.content import Content
from postroad_store.imap import commands
from postroad_store.imap.grammar import responses
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import MailError, NoSuchMailbox, StorageFull

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.imap.session import Handler, Session
    from postroad_store.mail.model.arrival import Stored
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.protocol.contract import Event

# What may be under way at a time, of one session: messages, and octets of them.
MAX_PENDING = 200
MAX_PENDING_OCTETS = 4 * 1024 * 1024


@dataclass(slots=True)
class Incoming:
    """The message that is arriving."""

    command: commands.Append
    mailbox: Mailbox
    content: Content
    error: MailError | None = None  # why it cannot be kept, though its octets must be read to the end


@dataclass(frozen=True, slots=True)
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
        self.pending: deque[Pending] = deque()
        self._octets = 0
        self._dropped = False

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
        """Wait until none is under way, and answer them all."""
        while self.pending:
            future = self.pending[0].future
            await asyncio.wait([future])
            self._answer()

    def drop_incoming(self) -> None:
        """Forget the message that is arriving."""
        if self.incoming is not None:
            self.incoming.content.close()
            self.incoming = None

    def drop(self) -> None:
        """Answer nothing any more: the client has gone. What is under way is committed all the same."""
        self._dropped = True
        self.drop_incoming()

    def _committed(self, future: asyncio.Future[list[Stored]]) -> None:
        if self._dropped:
            _ = future.cancelled() or future.exception()  # nobody is left to tell
            return
        if self.pending and self.pending[0].future.done() and self._answer():
            self._session.connection.flush()

    def _answer(self) -> bool:
        """Answer those at the front that are done, and say whether there were any."""
        answered = False
        session = self._session
        while self.pending and self.pending[0].future.done():
            one = self.pending.popleft()
            self._octets -= one.octets
            error = one.future.exception()
            if error is None:
                text = _completed(one.future.result()[0])
            elif isinstance(error, MailError):
                text = refusal(error)
            else:
                session.service.log_crash("APPEND", error)
                text = b"NO [SERVERBUG] Internal error occurred."
            view = session.view
            if view is not None and view.changed:  # §6.3.11: the client SHOULD be told at once
                session.tell(view, expunges=False)
            session.engine.complete_earlier(one.tag, text)
            answered = True
        return answered


def refusal(error: MailError) -> bytes:
    """Return the NO of an APPEND: RFC 3501 §6.3.11 wants TRYCREATE where the mailbox could be created."""
    return responses.no(error, "TRYCREATE" if isinstance(error, NoSuchMailbox) else None)


def _completed(stored: Stored) -> bytes:
    return b"OK [APPENDUID %d %d] Append completed." % (stored.uid_validity, stored.uid)  # RFC 4315 §3


def append(session: Session, command: commands.Append) -> Awaitable[None] | None:
    """Begin: the literal has been announced."""
    refused = _refused(session, command)
    if refused is not None:
        if session.appends.pending:
            return _refuse_in_turn(session, command, refused)
        session.engine.complete(command.tag, refused)
        return None
    mailbox = session.find_mailbox(command.mailbox)
    session.appends.incoming = Incoming(command, mailbox, Content(session.service.incoming))
    session.engine.take_literal()
    return None


def _refused(session: Session, command: commands.Append) -> bytes | None:
    """Return the completion of an APPEND that need not even send its message."""
    if command.size > session.service.message_size:
        return b"NO [TOOBIG] Message is too large."  # RFC 7889 §2, RFC 4469 §4.2
    if command.size == 0:
        return b"NO Can't save a zero byte message."
    try:
        session.find_mailbox(command.mailbox)
    except NoSuchMailbox as error:
        return refusal(error)
    return None


async def _refuse_in_turn(session: Session, command: commands.Append, text: bytes) -> None:
    await session.appends.settled()
    session.engine.complete(command.tag, text)


def append_data(session: Session, command: commands.AppendData) -> None:
    """Take octets of the message."""
    incoming = session.appends.incoming
    if incoming is None or incoming.error is not None:
        return
    try:
        incoming.content.write(command.octets)
    except OSError as error:
        incoming.content.close()
        incoming.error = StorageFull(f"Message can't be kept: {error.strerror}")


def append_end(session: Session, command: commands.AppendEnd) -> Awaitable[None] | None:
    """Hand the whole message to the storage."""
    appends = session.appends
    incoming, appends.incoming = appends.incoming, None
    if incoming is None:
        raise RuntimeError("an APPEND has ended that was not begun")
    if incoming.error is not None:
        return _refuse_in_turn(session, incoming.command, refusal(incoming.error))
    content = incoming.content.read()
    incoming.content.close()
    if content.count(b"\n") != content.count(b"\r\n"):
        # RFC 5322 §2.1 has CRLF alone; clients that send what their files hold mean it (Dovecot reads it so too).
        content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    given = incoming.command.internal_date
    moment = given.timestamp() if given is not None else session.service.clock()
    arrival = Arrival((incoming.mailbox,), content, int(moment), incoming.command.flags)
    appends.add(command.tag, session.service.as_future(session.storage.append([arrival])), len(content))
    if appends.full or not session.engine.has_input:
        return _answered(session)
    session.engine.proceed()
    return None


async def _answered(session: Session) -> None:
    """Answer all that is under way first: there is enough of it, or the client has sent no more."""
    await session.appends.settled()
    session.engine.proceed()


HANDLERS: dict[type[Event], Handler] = {
    commands.Append: append,
    commands.AppendData: append_data,
    commands.AppendEnd: append_end,
}
