"""What the relay answers as an SMTP server: policy's replies, and the message taken into the spool."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING

from postroad import credentials
from postroad.journal import Kind
from postroad.reply import MAIL_LOOP, STORAGE_FULL, Reply, reply
from postroad.smtpd.service import Port
from postroad.trace_fields import received, with_protocol
from postroad_relay.dates import utc
from postroad_relay.spool import UNTRIED, Message, Stored
from postroad_relay.submission import fix_up, read_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.content import Content
    from postroad.envelope import Envelope, Recipient
    from postroad.journal import Journal
    from postroad.smtpd.service import Session
    from postroad.world import Account
    from postroad_relay.manager import Manager
    from postroad_relay.policy import Policy
    from postroad_relay.spool import Entry, Spool

log = logging.getLogger(__name__)


class RelayService:
    """The service behind the relay's listeners (`postroad.smtpd.service.Service`).

    `policy` is replaced when the world changes.
    """

    def __init__(
        self,
        policy: Policy,
        spool: Spool,
        manager: Manager,
        journal: Journal,
        *,
        hostname: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy
        self._spool = spool
        self._manager = manager
        self._journal = journal
        self._hostname = hostname
        self._clock = clock

    def connect(self, session: Session) -> Reply | None:  # noqa: ARG002 - the contract
        """Greet everyone."""
        return None

    async def authenticate(self, login: str, password: str) -> Account | None:
        """Return the world's account with this login name and password."""
        account = self.policy.world.account(login)
        if account is None:
            return None
        if credentials.is_quick(account.secret, password):
            return account if credentials.verify(account.secret, password) else None
        matches = await asyncio.to_thread(credentials.verify, account.secret, password)
        return account if matches else None

    def mail(self, session: Session, envelope: Envelope) -> Reply:
        """Answer MAIL."""
        return self.policy.mail(session, envelope.reverse_path)

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:  # noqa: ARG002
        """Answer RCPT."""
        answer = self.policy.rcpt(session, recipient.address)
        if answer.is_success:
            self._manager.expect(recipient.address)
        return answer

    async def message(self, session: Session, envelope: Envelope, content: Content) -> Reply:
        """Take the message: 250 once it is durable, and its first attempt has begun."""
        section = content.header_section()
        header = read_header(section)
        if header.loops:
            return MAIL_LOOP
        now = self._clock()
        queue_id = self._spool.new_id()
        message_id, fields = header.message_id, b""
        if session.port is not Port.TRANSFER:
            added = fix_up(header, now=now, new_id=f"<{queue_id}.{secrets.token_hex(4)}@{self._hostname}>")
            message_id, fields = added.message_id, added.fields
        start = received(session, envelope, hostname=self._hostname, queue_id=queue_id, when=utc(now)) + fields
        in_memory = content.read() if content.path is None else None
        message = Message(
            queue_id=queue_id,
            arrived=now,
            envelope=envelope,
            message_id=message_id,
            size=len(start) + content.size,
            eight_bit=not in_memory.isascii()
            if in_memory is not None
            else await asyncio.to_thread(_eight_bit, content),
            utf8_header=not header.is_ascii,
        )
        try:
            if in_memory is not None:
                entry, durable = self._spool.add(message, (start, in_memory))
                stored = Stored(message, UNTRIED, start + in_memory)
                durable.add_done_callback(lambda done: self._queued(session, entry, stored, done))
                # Whatever becomes of the client now, the message is on its way to the disk: let nothing stop it.
                await asyncio.shield(durable)
            else:
                await asyncio.shield(asyncio.create_task(self._take_spilled(session, message, start, content)))
        except OSError as error:
            log.error("the spool can't be written: %s", error)  # noqa: TRY400 - a full disk is no bug
            return STORAGE_FULL
        return reply(250, "2.0.0", f"OK: queued as {queue_id}")

    async def _take_spilled(self, session: Session, message: Message, start: bytes, content: Content) -> None:
        entry, durable = await self._spool.add_spilled(message, start, content)
        await durable
        self._queued(session, entry, self._spool.read(entry), durable)

    def _queued(self, session: Session, entry: Entry, stored: Stored, durable: asyncio.Future[None]) -> None:
        """Tell the journal, and have it delivered."""
        if durable.cancelled() or durable.exception() is not None:
            return
        message = stored.message
        envelope = message.envelope
        self._journal.record(
            Kind.ACCEPTED,
            message.queue_id,
            message.message_id,
            peer=str(session.peer),
            client=session.client_name,
            port=session.port.value,
            protocol=with_protocol(session, envelope),
            tls=session.tls_version,
            login=session.account.login if session.account is not None else None,
            sender=str(envelope.reverse_path) if envelope.reverse_path is not None else "",
            recipients=[str(one.address) for one in envelope.recipients],
        )
        self._journal.record(Kind.QUEUED, message.queue_id, message.message_id, size=message.size)
        self._manager.accepted(entry, stored)


def _eight_bit(content: Content) -> bool:
    return not all(block.isascii() for block in content.blocks())
