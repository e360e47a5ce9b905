"""What is still under way and why, in sentences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_web.catalog.record import State
from postroad_web.waiting.criteria import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad_web.catalog.record import Record


def sentence(*, state: str, reason: str, host: str | None, due: float | None, now: float) -> str:
    """Return what keeps a recipient: `deferred by mx.beta.test: 451 4.2.0 …, next try in 4 s`."""
    if state == State.HELD:
        return "held by an administrator"
    if not reason:
        return "no attempt has ended yet"
    by = f" by {host}" if host else ""
    waiting = "" if due is None else f", next try in {max(0.0, due - now):.0f} s"
    return f"deferred{by}: {reason}{waiting}"


def of_records(records: Iterable[Record], now: float) -> list[dict[str, Any]]:
    """Return what is under way of these records, for a problem's members."""
    return [
        {
            "id": record.id,
            "recipient": recipient.address,
            "state": str(recipient.state),
            "detail": sentence(
                state=recipient.state, reason=recipient.reason, host=recipient.host, due=recipient.due, now=now
            ),
        }
        for record in records
        for recipient in record.recipients
        if recipient.state not in SETTLED
    ]


def of_queue(messages: Iterable[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
    """Return what is under way of the relay's queue entries."""
    under_way = []
    for message in messages:
        for recipient in message["recipients"]:
            if recipient["state"] not in {"pending", "deferred"}:
                continue
            state = State.HELD if message["held"] else recipient["state"]
            under_way.append(
                {
                    "id": message["queue_id"],
                    "recipient": recipient["address"],
                    "state": "queued" if state == "pending" else str(state),
                    "detail": sentence(
                        state=state,
                        reason=recipient["reason"],
                        host=recipient["host"],
                        due=message["due"],
                        now=now,
                    ),
                }
            )
    return under_way
