"""Final delivery: the store's policy behind the SMTP receiver (RFC 5321 §3.3, §4.4, §6.1), for LMTP too (RFC 2033).

Each recipient is verified when it is named, so that nothing is accepted that must be returned later. A message
is put into all mailboxes that its recipients lead to in one commit, each mailbox once; 250 follows the commit. An
account that has an active Sieve script says itself where its message goes (`sorting`).
The message is stored as it came, with Return-Path and Received in front. Only Return-Path fields that it had already
are removed (RFC 5321 §4.4: exactly one should be there).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.journal.refusals import Refusals
from postroad.mail.dates import local
from postroad.mail.header import read_header, without_return_path
from postroad.mail.reply import (
    LOCAL_ERROR,
    MAIL_LOOP,
    MAILBOX_FULL,
    MAILBOX_FULL_FOR_GOOD,
    NO_SUCH_USER,
    OK,
    RECIPIENT_OK,
    RELAY_DENIED,
    SENDER_OK,
    STORAGE_FULL,
    Reply,
)
from postroad.mail.trace_fields import received, return_path
from postroad.mime.fields import header_end
from postroad.smtp.server.events import details_of
from postroad.smtp.server.service import Purpose
from postroad.tap import Carried
from postroad.world.world import DEFAULT_WORLD
from postroad_store.delivery.queue_ids import QueueIds
from postroad_store.delivery.reached import Reached, has_script
from postroad_store.delivery.unanswered import Unanswered
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import MailError, OverQuota, StorageFull
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.model.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from postroad.journal import Journal, Line
    from postroad.mail.address import Address
    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.mail.header import Header
    from postroad.sasl.mechanism import Claim
    from postroad.smtp.server.events import Refused
    from postroad.smtp.server.service import Answer, Session
    from postroad.world.world import Account
    from postroad_store.accounts import Accounts
    from postroad_store.delivery.sorting import Ran, Sorter
    from postroad_store.mail.model import account as model
    from postroad_store.mail.model.telling import Places
    from postroad_store.mail.storage import Storage

APART = 256 * 1024  # octets; a larger message is put together in a thread
log = logging.getLogger(__name__)


class Delivery:
    """`postroad.smtp.server.service.Service` of the store's port 25. `sorter` gives what runs scripts."""

    def __init__(
        self,
        accounts: Accounts,
        storage: Storage,
        journal: Journal,
        *,
        hostname: str,
        sorter: Callable[[], Sorter],
        clock: Clock | None = None,
    ) -> None:
        self._accounts = accounts
        self._storage = storage
        self._journal = journal
        self._hostname = hostname
        self._clock = clock or Clock()
        self._ids = QueueIds(self._clock)
        self._sorter = sorter
        self._refusals = Refusals(journal, self._clock)
        self._unanswered = Unanswered(storage, storage.outbox.left)

    def connect(self, session: Session) -> Reply | None:  # noqa: ARG002 - Service's signature
        """Greet everyone."""
        return None

    async def authenticate(self, session: Session, claim: Claim) -> Account | None:  # noqa: ARG002 - as above
        """Accept no one: port 25 of the store is for other servers, and AUTH is not offered there."""
        return None

    def refused(self, session: Session, refused: Refused) -> None:
        """Note a refusal by the receiver itself."""
        self._refusals.note(refused.command, refused.reply, **session.facts, **refused.details)

    def handshake_failed(self, session: Session, why: str) -> None:
        """Note that TLS has not come about."""
        self._refusals.record("TLS", **session.facts, reason=why)

    def mail(self, session: Session, envelope: Envelope) -> Reply:  # noqa: ARG002 - as above
        """Accept any reverse-path."""
        return SENDER_OK

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:
        """Accept recipients that the world or the settings make known (RFC 5321 §3.3)."""
        reached = self._accounts.reached_by(recipient.address, envelope.world)
        if reached:
            answer = self._full([account.login for account in reached], envelope.declared_size or 0)
            if answer is None:
                return RECIPIENT_OK
        else:
            answer = NO_SUCH_USER if self._accounts.is_local(recipient.address, envelope.world) else RELAY_DENIED
        recipient_of = {"sender": envelope.sender, "recipient": str(recipient.address)}
        self._refusals.note("RCPT", answer, **session.facts, **recipient_of)
        return answer

    async def message(self, session: Session, envelope: Envelope, content: Content) -> Answer:
        """Put the message into the mailboxes; 250 once it is on disk. By LMTP a reply for each recipient."""
        section = content.header_section()
        header = read_header(section)
        if header.loops(hops=1):  # the relay in front of the store has counted, and has added a field
            details = details_of(envelope)
            self._refusals.note("content", MAIL_LOOP, message_id=header.message_id, **session.facts, **details)
            return MAIL_LOOP
        reached = self._reached(envelope)
        if reached is None:
            return LOCAL_ERROR
        if self._unanswered:
            octets = await _put_in_front(b"", content, len(section))
            if (known := await self._unanswered.take(envelope, octets)) is not None:
                return _stored_as(known)
        queue_id = self._ids.next()
        now = self._clock.now()
        fields = return_path(envelope.reverse_path) + received(
            session,
            envelope,
            hostname=self._hostname,
            queue_id=queue_id,
            when=local(now),  # RFC 5321 §4.4: local time, with its offset
        )
        octets = await _put_in_front(fields + header.separator, content, len(section))
        arrived = _Arrived(session, envelope, header, queue_id, now, octets)
        try:
            return await self._deliver(arrived, reached)
        except StorageFull as error:
            log.warning("no space to store a message: %s", error, extra={"queue_id": queue_id})
            return STORAGE_FULL
        except MailError as error:
            log.error("a message can't be stored: %s", error, extra={"queue_id": queue_id})  # noqa: TRY400 - said all
            return LOCAL_ERROR

    async def _deliver(self, arrived: _Arrived, reached: list[Reached]) -> Answer:
        """Store the message for these accounts; by LMTP those whose mailboxes are full are left out, and told so."""
        try:
            return await self._store(arrived, reached)
        except OverQuota as error:
            full = error.logins
        envelope = arrived.envelope
        answer = self._over(full, [copy.account.login for copy in reached])
        details = details_of(envelope)
        self._refusals.note("content", answer, message_id=arrived.header.message_id, **arrived.session.facts, **details)
        named = {address for copy in reached if copy.account.login in full for address in copy.recipients}
        # Who is reached by a full one's address alone gets the message when the client tries that address again.
        left = [copy for copy in reached if copy.account.login not in full and not named.issuperset(copy.recipients)]
        if arrived.session.purpose is not Purpose.LMTP or not left:
            return answer
        # RFC 2033 §4.2: a reply for each recipient
        rest = await self._deliver(arrived, left)
        told = self._over(full, full)
        answers = rest if isinstance(rest, tuple) else (rest,) * len(envelope.recipients)
        return tuple(
            told if recipient.address in named else other
            for recipient, other in zip(envelope.recipients, answers, strict=True)
        )

    async def _store(self, arrived: _Arrived, reached: list[Reached]) -> Answer:
        accounts = [await self._storage.account(copy.account.login) for copy in reached]
        if not any(has_script(self._storage, *pair) for pair in zip(reached, accounts, strict=True)):
            inboxes = tuple([account.inbox for account in accounts])
            arrival = Arrival(inboxes, arrived.octets, int(arrived.now), NO_FLAGS)
            await self._storage.append([arrival], self._told(arrived, reached))
            self._carried(arrived, reached)
            return _stored_as(arrived.queue_id)
        return await self._sort(arrived, list(zip(reached, accounts, strict=True)))

    async def _sort(self, arrived: _Arrived, accounts: list[tuple[Reached, model.Account]]) -> Answer:
        """Store the message as the scripts of its accounts say."""
        session, envelope, octets = arrived.session, arrived.envelope, arrived.octets
        plan = await self._sorter().plan(session, envelope, accounts, octets, arrived.now)
        refusals = plan.replies(envelope)
        by_lmtp = session.purpose is Purpose.LMTP
        refused = [refusal for refusal in refusals if refusal is not None]
        whole = len(refused) == len(refusals)
        # RFC 5429 §2.1.1: refused while the client is connected, where there is a reply that can say so
        told = [index for index, refusal in enumerate(refusals) if refusal is not None and (whole or by_lmtp)]
        named = {envelope.recipients[index].address for index in told}
        for login, (reached, _, letter) in plan.refused.items():
            if named.issuperset(reached.recipients):
                continue
            if letter is None:
                log.info("a refusal is told to nobody: the reverse-path is null", extra={"account": login})
            else:
                plan.letters.append(letter)
        arrivals = plan.arrivals(octets, header_end(octets, 0, len(octets)), int(arrived.now))
        if arrivals or plan.letters or plan.memories:
            world = self._accounts.world_id(accounts[0][0].account.login)
            letters = [letter if world == DEFAULT_WORLD else replace(letter, world=world) for letter in plan.letters]
            tell = self._told(arrived, plan.placed, plan.ran)
            await self._storage.outbox.deliver(arrivals, letters, plan.memories, arrived.now, tell)
            self._carried(arrived, plan.placed)
        else:
            self._journal.tell(self._filtered(arrived, plan.ran))
        for index in told:
            self._refusals.note(
                "content",
                refusals[index] or LOCAL_ERROR,
                message_id=arrived.header.message_id,
                **session.facts,
                sender=envelope.sender,
                recipient=str(envelope.recipients[index].address),
            )
        if whole and not by_lmtp:
            return refused[0]
        answer = _stored_as(arrived.queue_id)
        return tuple(refusal or answer for refusal in refusals) if by_lmtp else answer

    def _carried(self, arrived: _Arrived, reached: Iterable[Reached]) -> None:
        """Say in the session's transcript what it has brought."""
        listener = arrived.session.listener
        if listener is not None:
            for copy in reached:
                listener.noted(Carried(arrived.queue_id, self._accounts.world_id(copy.account.login)))

    def _told(self, arrived: _Arrived, reached: Sequence[Reached], ran: Sequence[Ran] = ()) -> Telling[Places]:
        """Tell where the message is, and what the scripts did; the journal is flushed before the reply leaves."""
        return Telling(
            lambda places: [*self._stored(arrived, reached, places), *self._filtered(arrived, ran)], hurry=False
        )

    def _stored(self, arrived: _Arrived, reached: Sequence[Reached], places: Places) -> Iterator[Line]:
        header, session = arrived.header, arrived.session
        more: dict[str, Any] = {"further_message_ids": header.further_message_ids} if header.further_message_ids else {}
        for (account, recipients, captured), box, uid in zip(reached, *places, strict=True):
            yield self._journal.line(
                Kind.STORED,
                arrived.queue_id,
                header.message_id,
                reverse_path=str(arrived.envelope.reverse_path or ""),
                recipients=list(map(str, recipients)),
                account=account.login,
                mailbox=box.name,
                uid_validity=box.uid_validity,
                uid=uid,
                size=len(arrived.octets),
                peer=session.host,
                client=session.client_name,
                tls=session.tls_version,
                session=session.session_id,
                **(more | {"captured": True} if captured else more),
            )

    def _filtered(self, arrived: _Arrived, ran: Iterable[Ran]) -> list[Line]:
        return [
            self._journal.line(
                Kind.FILTERED,
                arrived.queue_id,
                arrived.header.message_id,
                account=each.login,
                actions=each.actions,
                **({"error": each.error} if each.error else {}),
            )
            for each in ran
        ]

    def _full(self, logins: Sequence[str], size: int) -> Reply | None:
        """Return the reply to a recipient whose mailboxes have no room for so many octets; None if they have."""
        if self._storage.quotas.check is None:  # nothing limits anybody: no recipient costs a look at the database
            return None
        try:
            usages = [self._storage.quotas.usage(login) for login in logins]
        except MailError:
            return LOCAL_ERROR
        full = [usage for usage in usages if not usage.has_room(size)]
        if not full:
            return None
        return MAILBOX_FULL_FOR_GOOD if all(usage.quota.permanent for usage in full) else MAILBOX_FULL

    def _over(self, full: Collection[str], logins: Collection[str]) -> Reply:
        """Return the reply to a message that would put accounts over their quota, of those that it is for.

        With others among the recipients the client should try again: then RCPT says which ones are full, and the
        others get their mail.
        """
        permanent = all(self._storage.quotas.allowed(login).permanent for login in full)
        return MAILBOX_FULL_FOR_GOOD if permanent and full == set(logins) else MAILBOX_FULL

    def _reached(self, envelope: Envelope) -> list[Reached] | None:
        """Return each account once, with the forward-paths that led to it, and whether any of them is captured.

        None if a recipient no longer leads anywhere, because the world has changed since RCPT. The client will try
        again, and then the reply to RCPT says which recipient it is.
        """
        by_login: dict[str, tuple[Account, list[Address]]] = {}
        captured: set[str] = set()
        for recipient in envelope.recipients:
            accounts, is_captured = self._accounts.lead(recipient.address, envelope.world)
            if not accounts:
                return None
            for account in accounts:
                by_login.setdefault(account.login, (account, []))[1].append(recipient.address)
            if is_captured:
                captured.update(account.login for account in accounts)
        return [Reached(account, recipients, account.login in captured) for account, recipients in by_login.values()]


class _Arrived(NamedTuple):
    """A message as it came, with trace fields in front."""

    session: Session
    envelope: Envelope
    header: Header
    queue_id: str
    now: float
    octets: bytes


def _stored_as(queue_id: str) -> Reply:
    return Reply(250, OK.status, (f"OK stored as {queue_id}",))


async def _put_in_front(fields: bytes, content: Content, header_size: int) -> bytes:
    """Return the message with trace fields in front of it. To read and copy a large one may take 50 ms."""

    def message() -> bytes:
        return fields + without_return_path(content.read(), header_size)

    return await asyncio.to_thread(message) if content.size > APART else message()
