"""The chronicle of the queue: a message's road for the journal, in the peers' words, and failures for the log.

What an attempt does is recorded as it happens. What is decided about a message is a `Note`, which the spool takes with
the decision, and records once that is durable.

README.md lists the details of each event; the web service's catalog is made of them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from postroad.journal import Kind, Note
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
    """Records the events of queued messages in the journal, and makes notes for the spool.

    They are in no hurry: an attempt ends with a commit of the spool, which has the journal flushed behind each.
    """

    def __init__(self, journal: Journal, clocks: Clocks) -> None:
        self._journal = journal
        self._clocks = clocks

    def _lead(self, kind: Kind, active: Active, detail: dict[str, Any]) -> None:
        """Record what leads to an outcome."""
        self._journal.tell([self._note(kind, active.message, detail)])
        active.entry.led = self._journal.recorded

    def _note(self, kind: Kind, message: Message, detail: dict[str, Any], at: float | None = None) -> Note:
        """Return an event of a message; of now, unless it is told when that was."""
        world = message.world
        if at is None:
            at = self._clocks.of(world).now()
        return Note(at, kind, message.queue_id, message.message_id, detail, world=world)

    def resolved(self, active: Active, domain: str, route: Route | Deferred | Failed, *, unasked: bool = False) -> None:
        """Note the route of a domain's mail, or the failure to find one; `unasked`: without the name server."""
        detail: dict[str, Any] = {"domain": domain}
        if isinstance(route, Route):
            detail["mx"] = [f"{exchanger.preference} {exchanger.host}" for exchanger in route.mx]
        else:
            detail["mx"] = []
            detail["reason"] = route.reason
        if unasked:
            detail["asked"] = False
        self._lead(Kind.RESOLVED, active, detail)

    def attempted(self, active: Active, session: Session, recipients: Sequence[Address]) -> None:
        """Note that a transaction begins over a session."""
        session.note(Carried(active.message.queue_id, active.message.world))
        detail = {
            "attempt": active.attempt,
            "host": session.server,
            "tls": session.tls_version,
            "session": session.session_id,
            "reused": session.used,
            "recipients": [str(recipient) for recipient in recipients],
        }
        self._lead(Kind.ATTEMPTED, active, detail)

    def settled(self, active: Active, news: Iterable[tuple[int, Outcome]], due: float) -> list[Note]:
        """Note the outcomes of recipients (by index); those that are deferred are attempted again at `due`."""
        message, attempt = active.message, active.attempt
        now = self._clocks.of(active.entry.world).now()
        notes = []
        for index, outcome in news:
            recipient = str(message.envelope.recipients[index].address)
            detail: dict[str, Any] = {"recipient": recipient, "attempt": attempt}
            match outcome:
                case Delivered():
                    kind = Kind.DELIVERED
                    # Whole microseconds: `round` to six places takes three times as long as the rest of the line.
                    latency = int((now - message.arrived) * 1_000_000 + 0.5)
                    detail["host"], detail["reply"] = outcome.host, str(outcome.reply)
                    detail["latency"] = max(0, latency) / 1_000_000
                case Deferred():
                    kind = Kind.DEFERRED
                    detail |= {**_words(outcome), "next": due}
                case Expired():
                    kind = Kind.EXPIRED
                    detail |= _words(outcome)
                case Failed():
                    kind = Kind.FAILED
                    detail |= _words(outcome)
            notes.append(self._note(kind, message, detail, now))
        return notes

    @staticmethod
    def log(active: Active, news: Iterable[tuple[int, Outcome]]) -> None:
        """Log the outcomes of recipients that have not got the message, once these are durable."""
        for index, outcome in news:
            if not isinstance(outcome, Delivered):
                what = {Deferred: "deferred", Expired: "expired"}.get(type(outcome), "failed")
                recipient = str(active.message.envelope.recipients[index].address)
                extra = {"queue_id": active.message.queue_id, "recipient": recipient}
                log.info("%s: %s", what, outcome.reason, extra=extra)

    def late(self, active: Active, news: Sequence[tuple[int, Outcome]], due: float) -> None:
        """Record outcomes that are durable already."""
        self._journal.tell(self.settled(active, news, due))
        self.log(active, news)

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

    def reported(self, message: Message, report: Report) -> list[Note]:
        """Note that a DSN about a message is queued; the two events name each other."""
        notification = report.message
        more: dict[str, Any] = {"action": report.action} if report.action != "failed" else {}
        reported = {
            "dsn_queue_id": notification.queue_id,
            "dsn_message_id": notification.message_id,
            "to": str(message.envelope.reverse_path),
            "size": notification.size,
            **more,
            **world_detail(message.world),
        }
        queued = {
            "reports": message.queue_id,
            "reports_message_id": message.message_id,
            "size": notification.size,
            **world_detail(notification.world),
        }
        return [self._note(Kind.REPORTED, message, reported), self._note(Kind.QUEUED, notification, queued)]

    def put_back(self, message: Message, progress: Progress) -> Note:
        """Note that a message is in the queue again, as a snapshot had kept it."""
        recipients = [
            {"address": str(recipient.address), **_as_kept(index, progress)}
            for index, recipient in enumerate(message.envelope.recipients)
        ]
        return self._note(Kind.RESTORED, message, {"recipients": recipients, "held": progress.held})

    def held(self, message: Message) -> Note:
        """Note that no attempt is made until an administrator releases the message."""
        return self._note(Kind.HELD, message, {})

    def released(self, message: Message, due: float) -> Note:
        """Note that attempts go on, at `due`."""
        return self._note(Kind.RELEASED, message, {"next": due})

    def dropped(self, message: Message, recipients: Iterable[int], *, report: bool) -> Note:
        """Note that an administrator has taken a message out of the queue, with or without a DSN about recipients."""
        addresses = [str(message.envelope.recipients[index].address) for index in recipients]
        log.info("dropped by the administrator", extra={"queue_id": message.queue_id})
        return self._note(Kind.DROPPED, message, {"recipients": addresses, "report": report})

    def dropped_unread(self, entry: Entry) -> Note:
        """Note that an administrator has taken a message out of the queue that was not read for that."""
        at = self._clocks.of(entry.world).now()
        return Note(at, Kind.DROPPED, entry.queue_id, None, {"report": False}, world=entry.world)


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
