"""The relay's answers as an SMTP server: those of the policy, and 250 for a message once it is in the spool."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.journal import Kind, Note
from postroad.journal.refusals import Refusals
from postroad.mail.dates import utc
from postroad.mail.header import read_header
from postroad.mail.reply import AUTH_FAILED, AUTH_UNAVAILABLE, MAIL_LOOP, OK, QUEUE_FULL, Reply, reply
from postroad.mail.trace_fields import received, with_protocol
from postroad.sasl.mechanism import LONGEST_NAME
from postroad.smtp.server.events import details_of
from postroad.smtp.server.service import Purpose
from postroad.tap import Carried
from postroad.world.guesses import NotAllowed, TooManyGuesses
from postroad.world.layers import Layers
from postroad.world.world import DEFAULT_WORLD, world_detail
from postroad_relay.queue.spool import UNTRIED, Message, Stored
from postroad_relay.submission.arriving import Arriving
from postroad_relay.submission.badline import BadLine, is_spared
from postroad_relay.submission.bound import Bound
from postroad_relay.submission.faults import Command
from postroad_relay.submission.fixup import fix_up
from postroad_relay.submission.portusers import PortUsers
from postroad_relay.submission.splitting import by_world
from postroad_relay.submission.worldfaults import WorldFaults

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad.journal import Journal
    from postroad.mail.address import Address
    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.mail.header import Header
    from postroad.sasl.mechanism import Claim
    from postroad.smtp.server.events import Refused
    from postroad.smtp.server.service import Session
    from postroad.smtp.server.shaping import Shaping
    from postroad.world.guesses import Guesses
    from postroad.world.world import Account, World
    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import Entry, Spool
    from postroad_relay.submission.policy import Policy
    from postroad_relay.submission.storelogins import StoreLogins

log = logging.getLogger(__name__)

WORLD_GONE = reply(554, "5.7.1", "The world of this session has been dropped")
TOO_MANY = "too many wrong passwords"
# A member of an enum takes 60 ns to be found in its class (Python 3.11).
_ACCEPTED, _QUEUED, _TRANSFER = Kind.ACCEPTED, Kind.QUEUED, Purpose.TRANSFER
NOT_ALLOWED = "the client may not act for another"


class RelayService:
    """The service behind the relay's listeners (`postroad.smtp.server.service.Service`).

    `policy` is replaced when the world file changes, and `faults`, which apply to submission and the app door, when a
    test asks for others; `layers` has all worlds. `most_queued` bounds the queue, in messages. `arriving` counts the
    messages whose content has come and that the manager does not have yet.
    """

    def __init__(
        self,
        policy: Policy,
        spool: Spool,
        manager: Manager,
        journal: Journal,
        *,
        hostname: str,
        guesses: Guesses,
        most_queued: int,
        clock: Clock | None = None,
        layers: Layers | None = None,
        logins: StoreLogins | None = None,
    ) -> None:
        self.policy = policy
        self.layers = layers or Layers(policy.world)
        self.faults = WorldFaults()
        self.arriving = Arriving()
        self._spool = spool
        self._manager = manager
        self._journal = journal
        self._hostname = hostname
        self._guesses = guesses
        self._logins = logins
        self._bound = Bound(spool, most_queued)
        self._refusals = Refusals(journal, clock or Clock())

    def connect(self, session: Session) -> Reply | None:  # noqa: ARG002 - the contract
        """Greet everyone."""
        return None

    async def authenticate(self, session: Session, claim: Claim) -> Account | str | Reply | None:
        """Return the world's account as which the client may act, or on the app door the name as it is.

        At GreenMail's ports the store is asked whether its password is right, or makes a user of a name that is none's.
        At a world's own port it is one of that world's users. Raises `TooManyGuesses`, `NotAllowed`.
        """
        facts = session.facts | claim.facts
        named = self.layers.world_of_user(claim.login)
        world_id = DEFAULT_WORLD if named is None else named.id
        refusal = None if is_spared(session) else self._fault(session, Command.AUTH, "", world_id)
        if refusal is not None:
            self._refusals.note("AUTH", refusal, **facts)
            return refusal
        layers = self.layers
        at_port = None if session.port_world is None else PortUsers(layers, session.port_world)
        if session.purpose is Purpose.APP and at_port is None:
            if session.checked and self._logins is not None and (named is None or not self._logins.takes_anyone):
                try:
                    is_right = await self._logins.is_right(claim)
                except OSError as error:
                    self._refusals.note("AUTH", AUTH_UNAVAILABLE, **facts, reason=str(error))
                    return AUTH_UNAVAILABLE
                if not is_right:
                    self._refusals.note("AUTH", AUTH_FAILED, **facts)
                    return None
            name = claim.login[:LONGEST_NAME]
            world = layers.world_of_user(name)
            session.world = None if world is None else world.id
            return name
        try:
            users = at_port or layers
            account = await self._guesses.log_in(
                users.account, claim, session.host, users.administrators, fellows=layers.fellows
            )
        except TooManyGuesses:
            self._refusals.note("AUTH", AUTH_UNAVAILABLE, **facts, reason=TOO_MANY)
            raise
        except NotAllowed:
            self._refusals.note("AUTH", AUTH_FAILED, **facts, reason=NOT_ALLOWED)
            raise
        if account is None:
            self._refusals.note("AUTH", AUTH_FAILED, **facts)
            return None
        of_session = {"peer": session.host, "session": session.session_id}
        log.info("logged in", extra=claim.facts | {"login": account.login} | of_session)
        if at_port is not None:
            return at_port.name(account)
        session.world = layers.world_of_login(account.login).id
        return account

    def _fault(self, session: Session, command: Command, address: str, world: str) -> Reply | None:
        """Return the refusal that a test has asked for, in the session's world, or else in this one."""
        return self.faults.of(session.world or world).refusal(command, address)

    def shaping(self) -> Shaping | None:
        """Return the line of a new connection, None for a good one."""
        return None if self.faults.spare_all_lines else BadLine(self.faults)

    def _policy(self, session: Session, recipient: Address | None = None) -> Policy | None:
        """Return the policy of the world of a transaction, or of a recipient; None if that world has gone.

        The world is the one that the client's name decides, or its port. Else it is that of the recipient's domain.
        """
        layers, policy = self.layers, self.policy
        world: World | None
        if session.world is not None:
            world = layers.world(session.world)
        elif recipient is None:
            world = layers.base
        else:
            world = layers.world_of_domain(recipient.domain)
        if world is policy.world:
            return policy
        return None if world is None else replace(policy, world=world)

    def mail(self, session: Session, envelope: Envelope) -> Reply:
        """Answer MAIL."""
        policy = self._policy(session)
        answer = WORLD_GONE if policy is None else policy.mail(session, envelope.reverse_path)
        if answer.is_success and self._bound.is_reached():
            answer = QUEUE_FULL
        if answer.is_success and not is_spared(session):
            answer = self._fault(session, Command.MAIL, envelope.sender, DEFAULT_WORLD) or answer
        if not answer.is_success:
            self._refusals.note("MAIL", answer, **session.facts, sender=envelope.sender)
        return answer

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:
        """Answer RCPT."""
        address = recipient.address
        policy = self._policy(session, address)
        answer = WORLD_GONE if policy is None else policy.rcpt(session, address)
        if answer.is_success and not is_spared(session):
            world = self.layers.world_of(address).id
            answer = self._fault(session, Command.RCPT, str(address), world) or answer
        if policy is not None and answer.is_success:
            self._manager.expect(address, policy.world.id)  # the world as `by_world` will find it
        else:
            recipient_of = {"sender": envelope.sender, "recipient": str(recipient.address)}
            self._refusals.note("RCPT", answer, **session.facts, **recipient_of)
        return answer

    def refused(self, session: Session, refused: Refused) -> None:
        """Note a refusal by the receiver itself."""
        self._refusals.note(refused.command, refused.reply, **session.facts, **refused.details)

    def handshake_failed(self, session: Session, why: str) -> None:
        """Note that a TLS handshake has failed."""
        self._refusals.record("TLS", **session.facts, reason=why)

    def message(self, session: Session, envelope: Envelope, content: Content) -> Reply | Awaitable[Reply]:
        """Take the message: 250 once it is durable and its first attempt has begun.

        A message that is on its way to the disk is queued even if the client goes away.
        """
        header = read_header(content.header_section())
        refusal = MAIL_LOOP if header.loops() else QUEUE_FULL if self._bound.is_reached() else None
        if refusal is not None:
            details = details_of(envelope)
            self._refusals.note("content", refusal, message_id=header.message_id, **session.facts, **details)
            return refusal
        envelopes = by_world(self.layers, session.world, envelope)
        if content.path is not None:
            return self._take_spilled(session, envelopes, header, content)
        octets = content.read()
        if len(envelopes) == 1:
            return self._take(session, envelopes[0], header, octets)
        return self._take_all(session, envelopes, header, octets)

    def _take(self, session: Session, envelope: Envelope, header: Header, octets: bytes) -> asyncio.Future[Reply]:
        world = envelope.world or DEFAULT_WORLD
        message, start = self._compose(session, envelope, header, len(octets), eight_bit=not octets.isascii())
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def written(error: Exception | None) -> None:
            if error is not None:
                self.arriving.end(world)
                self._manager.changed()
                answer.set_exception(error)
                return
            # The future wakes the receiver in the loop's next turn, after the next lines.
            answer.set_result(self._queued(session, entry, Stored(message, UNTRIED, start + octets)))
            self.arriving.end(world)

        entry = self._spool.put(message, (start, octets), written, notes=_arrival(session, header, message))
        self.arriving.come(world)
        return answer

    async def _take_all(self, session: Session, envelopes: list[Envelope], header: Header, octets: bytes) -> Reply:
        """Take a message once for each world that it goes to; the reply is the first one's."""
        taken = [self._take(session, envelope, header, octets) for envelope in envelopes]
        return (await asyncio.gather(*taken))[0]

    async def _take_spilled(
        self, session: Session, envelopes: list[Envelope], header: Header, content: Content
    ) -> Reply:
        worlds = [envelope.world or DEFAULT_WORLD for envelope in envelopes]
        for world in worlds:
            self.arriving.come(world)
        try:
            others = [self._take(session, envelope, header, content.read()) for envelope in envelopes[1:]]
            answer = await self._store_spilled(session, envelopes[0], header, content)
            await asyncio.gather(*others)
            return answer
        finally:
            for world in worlds:
                self.arriving.end(world)
            self._manager.changed()

    async def _store_spilled(self, session: Session, envelope: Envelope, header: Header, content: Content) -> Reply:
        eight_bit = await asyncio.to_thread(_eight_bit, content)
        message, start = self._compose(session, envelope, header, content.size, eight_bit=eight_bit)
        notes = _arrival(session, header, message)
        entry, durable = await self._spool.add_spilled(message, start, content, notes=notes)
        await durable
        return self._queued(session, entry, self._spool.read(entry))

    def _compose(
        self, session: Session, envelope: Envelope, header: Header, size: int, *, eight_bit: bool
    ) -> tuple[Message, bytes]:
        """Return the facts about a message, and the fields that go in front of its content."""
        now = self._spool.clocks.of(envelope.world or DEFAULT_WORLD).now()
        queue_id = self._spool.new_id()
        message_id, fields = header.message_id, b""
        if session.purpose is not _TRANSFER:
            added = fix_up(header, now=now, new_id=f"<{queue_id}.{secrets.token_hex(4)}@{self._hostname}>")
            message_id, fields = added.message_id, added.fields
        start = received(session, envelope, hostname=self._hostname, queue_id=queue_id, when=utc(now))
        start += fields + header.separator
        message = Message(
            queue_id=queue_id,
            arrived=now,
            envelope=envelope,
            message_id=message_id,
            size=len(start) + size,
            eight_bit=eight_bit,
            utf8_header=not header.is_ascii,
            login=session.login,
        )
        return message, start

    def _queued(self, session: Session, entry: Entry, stored: Stored) -> Reply:
        """Have a durable message delivered; return the reply to its content."""
        if self.layers.world(entry.world) is None:  # it was dropped meanwhile
            self._spool.finish(entry, notes=[self._manager.chronicle.dropped_unread(entry)])
            return WORLD_GONE
        if session.listener is not None:
            session.listener.noted(Carried(entry.queue_id, entry.world))
        self._manager.accepted(entry, stored)
        return Reply(250, OK.status, (f"OK: queued as {entry.queue_id}",))


def _arrival(session: Session, header: Header, message: Message) -> list[Note]:
    """Return what the journal has to say of a message that has come."""
    envelope, world = message.envelope, message.world
    accepted = {
        "peer": session.host,
        "client": session.client_name,
        "port": session.purpose.value,
        "protocol": with_protocol(session, envelope),
        "tls": session.tls_version,
        "session": session.session_id,
        "login": session.login,
        "mechanism": session.mechanism,
        "sender": envelope.sender,
        "recipients": [str(recipient.address) for recipient in envelope.recipients],
        **world_detail(world),
    }
    if header.further_message_ids:
        accepted["further_message_ids"] = header.further_message_ids
    at, queue_id, message_id = message.arrived, message.queue_id, message.message_id
    return [
        Note(at, _ACCEPTED, queue_id, message_id, accepted, world=world),
        Note(at, _QUEUED, queue_id, message_id, {"size": message.size}, world=world),
    ]


def _eight_bit(content: Content) -> bool:
    return not all(block.isascii() for block in content.blocks())
