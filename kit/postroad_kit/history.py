"""What happened, as values: the road of a message, transcripts of sessions, snapshots, the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postroad_kit.reading import when
from postroad_kit.table import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hop:
    """A step of a message's road.

    `kind` is submission, dns, attempt, deferred, delivery, captured, copy, read or report.
    """

    kind: str
    at: datetime | None
    service: str
    peer: str
    host: str
    tls: str
    reply: str
    recipient: str
    session: str | None
    detail: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Road:
    """One message's whole story, hop by hop; its text is what a failing test prints."""

    id: str
    hops: tuple[Hop, ...]

    def __str__(self) -> str:
        return "\n".join([self.id, *_lines(self.hops, "  ")])

    def of(self, *kinds: str) -> tuple[Hop, ...]:
        """Return the hops of these kinds, those within others too, in their order."""
        return tuple(hop for hop in _all(self.hops) if hop.kind in kinds)


def _all(hops: Sequence[Hop]) -> Iterator[Hop]:
    for hop in hops:
        yield hop
        yield from _all(hop.children)


def _lines(hops: Sequence[Hop], indent: str) -> Iterator[str]:
    for hop in hops:
        at = "" if hop.at is None else f"{hop.at:%H:%M:%S}.{hop.at.microsecond // 1000:03} "
        words = [hop.service, hop.kind, hop.recipient, hop.host or hop.peer, hop.tls, _found(hop.detail), hop.reply]
        yield harmless(f"{indent}{at}{'  '.join(word for word in words if word)}")
        yield from _lines(hop.children, f"{indent}  ")


def _found(detail: Mapping[str, Any]) -> str:
    """Return what a look-up or a copy is about."""
    if "question" in detail:
        return f"{detail['question']} → {'; '.join(detail.get('answer') or ())}"
    place = [detail.get("account"), detail.get("mailbox"), detail.get("uid")]
    return " ".join(str(part) for part in place if part is not None)


def road_of(answer: Mapping[str, Any]) -> Road:
    """Return a road of the API's JSON."""
    return Road(answer["id"], tuple(map(_hop, answer["hops"])))


def _hop(hop: Mapping[str, Any]) -> Hop:
    return Hop(
        hop["kind"],
        when(hop.get("at")),
        _text(hop.get("service")),
        _text(hop.get("peer")),
        _text(hop.get("host")),
        _text(hop.get("tls")),
        _text(hop.get("reply")),
        _text(hop.get("recipient")),
        hop.get("session"),
        hop.get("detail") or {},
        tuple(map(_hop, hop.get("children") or ())),
    )


def _text(value: str | None) -> str:
    return value or ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a session, without CRLF; {?name} is in place of a secret, and a size in place of a mail's content."""

    at: datetime | None
    sender: str  # client or server
    text: str
    tls: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A transcript of one connection; `outbound`: we are the client; `messages`: the IDs of those that it was about."""

    id: str
    service: str
    protocol: str
    peer: str
    outbound: bool
    account: str
    began: datetime | None
    ended: datetime | None
    messages: tuple[str, ...]
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        way = "to" if self.outbound else "from"
        head = f"{self.protocol} {self.service}, {way} {self.peer}{f', {self.account}' if self.account else ''}"
        shown = (f"  {'C' if line.sender == 'client' else 'S'}: {harmless(line.text)}" for line in self.lines)
        return "\n".join([head, *shown])


def session_of(answer: Mapping[str, Any]) -> Session:
    """Return a session of the API's JSON; one of a list has no lines."""
    return Session(
        answer["id"],
        answer["service"],
        answer["protocol"],
        _text(answer.get("peer")),
        bool(answer.get("outbound")),
        _text(answer.get("account")),
        when(answer.get("began")),
        when(answer.get("ended")),
        tuple(answer.get("messages") or ()),
        tuple(map(_line, answer.get("lines") or ())),
    )


def _line(line: Mapping[str, Any]) -> Line:
    reference = line.get("reference")
    text = line.get("text") or ("" if reference is None else f"({reference['size']} octets)")
    return Line(when(line.get("at")), line["from"], text, bool(line.get("tls")))


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a world: its time, by how many seconds it is ahead, and when something falls due next."""

    now: datetime
    ahead: float
    next: datetime | None


def clock_of(answer: Mapping[str, Any]) -> Clock:
    """Return a clock of the API's JSON."""
    now = when(answer["now"])
    assert now is not None  # noqa: S101 - the API always says it
    return Clock(now, answer["ahead"], when(answer["next"]))
