"""The chronicle of the queue: a message's road for the journal, in the peers' words, and failures for the log.

README.md lists the details of each event; the web service's catalog is made of them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from postroad.journal import Kind
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome
from postroad.tap import Carried
from postroad.world.world import world_detail
from postroad_relay.delivery.routing import Route
from postroad_relay.queue.active import Active, Expired

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad.journal import Journal
    from postroad.mail.address import Address
    from postroad.smtp.client.session import Session
    from postroad_relay.dsn.report import Report
    from postroad_relay.queue.spool import Entry, Message, Progress
    from postroad_relay.queue.spool.clocks import Clocks


log = logging.getLogger(__name__)


class Chronicle:
    """Records the events of queued messages in the journal.

    Most are in no hurry: an attempt ends with a commit of the spool, which has the journal flushed behind each.
    """

    def __init__(self, journal: Journal, clocks: Clocks) -> None:
        self._journal = journal
        self._clocks = clocks

    def _record(self, kind: Kind, message: Message, *, hurry: bool = False, **detail: Any) -> None:
        at = self._clocks.of(message.world).now()
        self._journal.record(kind, message.queue_id, message.message_id, at=at, hurry=hurry, **detail)

    def resolved(self, message: Message, domain: str, route: Route | Deferred | Failed) -> None:
        """Note the route of a domain's mail, or the failure to find one."""
        if isinstance(route, Route):
            mx = [f"{exchanger.preference} {exchanger.host}" for exchanger in route.mx]
            self._record(Kind.RESOLVED, message, domain=domain, mx=mx)
        else:
            self._record(Kind.RESOLVED, message, domain=domain, mx=[], reason=route.reason)

    def attempted(self, active: Active, session: Session, recipients: Sequence[Address]) -> None:
        """Note that a transaction begins over a session."""
        session.note(Carried(active.message.queue_id, active.message.world))
        self._record(
            Kind.ATTEMPTED,
            active.message,
            attempt=active.attempt,
            host=str(session.target),
            tls=session.tls_version,
            session=session.session_id,
            reused=session.used,
            recipients=[str(recipient) for recipient in recipients],
        )

    def settled(self, active: Active, news: Iterable[tuple[int, Outcome]], due: float) -> None:
        """Note the outcomes of recipients (by index); those that are deferred are attempted again at `due`."""
        message, attempt = active.message, active.attempt
        for index, outcome in news:
            recipient = str(message.envelope.recipients[index].address)
            match outcome:
                case Delivered():
                    self._record(
                        Kind.DELIVERED,
                        message,
                        recipient=recipient,
                        attempt=attempt,
                        host=outcome.host,
                        reply=str(outcome.reply),
                        latency=max(0.0, round(self._clocks.of(message.world).now() - message.arrived, 6)),
                    )
                case Deferred():
                    self._record(
                        Kind.DEFERRED, message, recipient=recipient, attempt=attempt, **_words(outcome), next=due
                    )
                    _log("deferred", message, recipient, outcome)
                case Expired():
                    self._record(Kind.EXPIRED, message, recipient=recipient, attempt=attempt, **_words(outcome))
                    _log("expired", message, recipient, outcome)
                case Failed():
                    self._record(Kind.FAILED, message, recipient=recipient, attempt=attempt, **_words(outcome))
                    _log("failed", message, recipient, outcome)

    def waits(self, message: Message, indexes: Iterable[int], down: Deferred, now: float, due: float) -> None:
        """Note that recipients wait, unattempted, for servers that could not be reached; `due` is the next probe."""
        words = _words(down)
        record, of_message = self._journal.record, (message.queue_id, message.message_id)
        for index in indexes:
            recipient = str(message.envelope.recipients[index].address)
            record(Kind.DEFERRED, *of_message, at=now, hurry=False, recipient=recipient, **words, next=due)

    def unreadable(self, entry: Entry, reason: str) -> None:
        """Note that a queued message can't be read back."""
        self._journal.record(Kind.FAILED, entry.queue_id, None, at=self._clocks.of(entry.world).now(), reason=reason)

    def reported(self, message: Message, report: Report) -> None:
        """Note that a DSN about a message is queued; the two events name each other."""
        notification = report.message
        more: dict[str, Any] = {"action": report.action} if report.action != "failed" else {}
        self._record(
            Kind.REPORTED,
            message,
            dsn_queue_id=notification.queue_id,
            dsn_message_id=notification.message_id,
            to=str(message.envelope.reverse_path),
            size=notification.size,
            **more,
            **world_detail(message.world),
        )
        self._record(
            Kind.QUEUED,
            notification,
            reports=message.queue_id,
            reports_message_id=message.message_id,
            size=notification.size,
            **world_detail(notification.world),
        )

    def put_back(self, message: Message, progress: Progress) -> None:
        """Note that a message is in the queue again, as a snapshot had kept it."""
        recipients = [
            {"address": str(recipient.address), **_as_kept(index, progress)}
            for index, recipient in enumerate(message.envelope.recipients)
        ]
        self._record(Kind.RESTORED, message, hurry=True, recipients=recipients, held=progress.held)

    def held(self, message: Message) -> None:
        """Note that no attempt is made until an administrator releases the message."""
        self._record(Kind.HELD, message, hurry=True)

    def released(self, message: Message, due: float) -> None:
        """Note that attempts go on, at `due`."""
        self._record(Kind.RELEASED, message, hurry=True, next=due)

    def dropped(self, message: Message, recipients: Iterable[int], *, report: bool) -> None:
        """Note that an administrator has taken a message out of the queue, with or without a DSN about recipients."""
        addresses = [str(message.envelope.recipients[index].address) for index in recipients]
        self._record(Kind.DROPPED, message, hurry=True, recipients=addresses, report=report)
        log.info("dropped by the administrator", extra={"queue_id": message.queue_id})

    def dropped_unread(self, entry: Entry) -> None:
        """Note that an administrator has taken a message out of the queue that was not read for that."""
        self._journal.record(Kind.DROPPED, entry.queue_id, None, at=self._clocks.of(entry.world).now(), report=False)


def _log(what: str, message: Message, recipient: str, outcome: Deferred | Failed) -> None:
    log.info("%s: %s", what, outcome.reason, extra={"queue_id": message.queue_id, "recipient": recipient})


def _as_kept(index: int, progress: Progress) -> dict[str, Any]:
    if index in progress.done:
        return {"state": "failed" if index in progress.reported else "delivered"}
    outcome = progress.deferred.get(index)
    if outcome is None:
        return {"state": "queued"}
    return {"state": "deferred", "attempt": progress.attempts, "next": progress.due, **_words(outcome)}


def _words(outcome: Deferred | Failed) -> dict[str, Any]:
    return {
        "status": str(outcome.status),
        "host": outcome.host,
        "reply": str(outcome.reply) if outcome.reply is not None else None,
        "reason": outcome.reason,
    }
