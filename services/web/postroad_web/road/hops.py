"""The hops of a message's road, from the events of the journals. Pure.

Each hop is something that has happened to the message, in the order of time: it was submitted, its domain was resolved,
an attempt was made, it came into a mailbox, somebody has read it. The outcomes of an attempt are its children, one per
recipient; the hops of a notification about the message are children of the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad.journal.uids import ranges_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Event: TypeAlias = "Mapping[str, Any]"  # as `GET /journal/search` shows it

OUTCOMES = {"delivered": "delivered", "deferred": "deferred", "failed": "failed", "expired": "expired"}
COPIES = frozenset({"copied", "moved", "renamed"})
_SHOWN = frozenset({"peer", "client", "host", "tls", "reply", "recipient", "session"})  # members of their own


@dataclass(slots=True)
class Hop:
    """One hop. `about` says to which line of the session's transcript it belongs."""

    kind: str
    at: float  # seconds since the epoch
    service: str
    latency: float | None = None  # seconds since the message came
    peer: str | None = None
    host: str | None = None
    tls: str | None = None
    reply: str | None = None
    recipient: str | None = None
    session: str | None = None
    line: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    children: list[Hop] = field(default_factory=list)
    about: Callable[[Mapping[str, Any]], bool] | None = None  # whether a fact of the session is about this hop

    def shown(self, time: Callable[[float], Any]) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "kind": self.kind,
            "at": time(self.at),
            "latency": self.latency,
            "service": self.service,
            "peer": self.peer,
            "host": self.host,
            "tls": self.tls,
            "reply": self.reply,
            "recipient": self.recipient,
            "session": self.session,
            "line": self.line,
            "detail": self.detail,
            "children": [child.shown(time) for child in self.children],
        }


def walk(hops: Sequence[Hop]) -> Iterator[Hop]:
    """Yield the hops and all below them."""
    for hop in hops:
        yield hop
        yield from walk(hop.children)


def hops_of(events: Sequence[Mapping[str, Any]]) -> list[Hop]:
    """Return the hops of one message."""
    start = events[0]["at"] if events else 0.0
    hops: list[Hop] = []
    attempts: dict[tuple[int, str], Hop] = {}  # by number and recipient
    for event in events:
        kind, detail = event["kind"], event["detail"]
        if kind in OUTCOMES:
            outcome = _outcome(event, start)
            attempt = attempts.get((detail.get("attempt", 0), str(detail.get("recipient"))))
            if attempt is None:
                hops.append(outcome)
            else:
                attempt.children.append(outcome)
                attempt.reply = attempt.reply or outcome.reply
            continue
        hop = _hop(event, start)
        if hop is None:
            if hops:  # QUEUED says how large the message is that has just come
                hops[-1].detail |= {name: detail[name] for name in ("size",) if name in detail}
            continue
        hops.append(hop)
        if hop.kind == "attempt":
            for recipient in detail.get("recipients", ()):
                attempts[detail.get("attempt", 0), str(recipient)] = hop
    return hops


def _hop(event: Mapping[str, Any], start: float) -> Hop | None:
    kind, detail = event["kind"], event["detail"]
    queue_id = event["queue_id"]
    match kind:
        case "accepted":
            hop = _made("submission", event, start)
            hop.reply = f"250 2.0.0 OK: queued as {queue_id}"
            hop.about = _carries(queue_id)
        case "queued" if "reports" not in detail:
            return None
        case "queued":
            hop = _made("submission", event, start)  # the relay wrote it
        case "resolved":
            hop = _made("dns", event, start)
        case "attempted":
            hop = _made("attempt", event, start)
            hop.about = _carries(queue_id)
        case "stored":
            hop = _made("captured" if detail.get("captured") else "delivery", event, start)
            hop.reply = f"250 2.0.0 OK stored as {queue_id}"
            hop.about = _carries(queue_id)
        case "retrieved":
            hop = _made("read", event, start)
            hop.about = _reads(detail)
        case "reported":
            hop = _made("report", event, start)
        case _ if kind in COPIES:
            hop = _made("copy", event, start)
            hop.detail["how"] = kind
        case _:
            hop = _made(kind, event, start)
    return hop


def _made(kind: str, event: Mapping[str, Any], start: float) -> Hop:
    detail = event["detail"]
    rest = {name: value for name, value in detail.items() if name not in _SHOWN and value not in (None, "", [])}
    return Hop(
        kind,
        event["at"],
        event["service"],
        latency=round(event["at"] - start, 6),
        peer=detail.get("peer"),
        host=detail.get("host") or detail.get("client"),
        tls=detail.get("tls"),
        reply=detail.get("reply"),
        recipient=detail.get("recipient"),
        session=detail.get("session"),
        detail=rest,
    )


def _outcome(event: Mapping[str, Any], start: float) -> Hop:
    hop = _made(OUTCOMES[event["kind"]], event, start)
    hop.session = None  # the attempt has it
    return hop


def _carries(queue_id: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda fact: fact.get("message") == queue_id


def _reads(detail: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    place = detail.get("account"), detail.get("mailbox"), detail.get("uid_validity")
    uids = ranges_in(detail.get("uid"))

    def about(fact: Mapping[str, Any]) -> bool:
        read = fact.get("read")
        if read is None or (read["account"], read["mailbox"], read["uid_validity"]) != place:
            return False
        return any(low <= last and first <= high for low, high in uids for first, last in ranges_in(read["uids"]))

    return about
