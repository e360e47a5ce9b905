"""How the control door describes a queued message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_relay.queue.spool import SpoolError

if TYPE_CHECKING:
    from postroad.smtp.client.outcome import Deferred, Failed
    from postroad_relay.queue.active import Active
    from postroad_relay.queue.manager import Manager
    from postroad_relay.queue.spool import Entry, Message, Progress


def describe(manager: Manager, entry: Entry) -> dict[str, Any]:
    """Return what is known of a message and of each of its recipients."""
    active = manager.active.get(entry.queue_id)
    progress: Active | Progress
    if active is not None:
        message, progress = active.message, active
    else:
        try:
            message, progress = manager.spool.facts(entry)
        except SpoolError:
            return _unreadable(entry)
    return {
        "queue_id": entry.queue_id,
        "world": entry.world,
        "message_id": message.message_id,
        "arrived": message.arrived,
        "sender": str(message.envelope.reverse_path) if message.envelope.reverse_path is not None else None,
        "size": message.size,
        "attempts": entry.attempts,
        "due": None if active is not None or entry.held else _due(manager, entry),
        "held": entry.held,
        "active": active is not None,
        "login": message.login,
        "reports": message.reports,
        "recipients": _recipients(message, progress),
    }


def _due(manager: Manager, entry: Entry) -> float:
    """Return when the next attempt is, in seconds since the epoch: where the domain rests, when that is tried again."""
    if entry.turn is None and (lane := manager.lanes.lane_of(entry)) is not None:
        return lane.probe_at + manager.clock_of(entry).ahead
    return entry.due


def _recipients(message: Message, progress: Active | Progress) -> list[dict[str, Any]]:
    outcomes: dict[int, Deferred | Failed] = {**progress.failed, **progress.deferred}
    described = []
    for index, recipient in enumerate(message.envelope.recipients):
        outcome = outcomes.get(index)
        if index in progress.reported:
            state = "failed"
        elif index in progress.done:
            state = "delivered"
        elif outcome is None:
            state = "pending"
        else:
            state = "deferred" if outcome.status.klass == 4 else "failed"
        described.append(
            {
                "address": str(recipient.address),
                "state": state,
                "status": str(outcome.status) if outcome is not None else None,
                "reason": outcome.reason if outcome is not None else "",
                "host": outcome.host if outcome is not None else None,
            }
        )
    return described


def _unreadable(entry: Entry) -> dict[str, Any]:
    """Return what the index knows of a message whose record can't be read."""
    return {
        "queue_id": entry.queue_id,
        "world": entry.world,
        "message_id": None,
        "arrived": entry.arrived,
        "sender": None,
        "size": 0,
        "attempts": entry.attempts,
        "due": None,
        "held": entry.held,
        "active": False,
        "login": None,
        "reports": None,
        "recipients": [],
    }
