"""The road of a message as text: a heading for each message, then a line per event.

All text is made harmless to a terminal first: strangers have written the IDs, addresses and replies.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postroad.harmless import harmless
from postroad.journal import Entry, Kind
from postroad.journal.finding import ids_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from postroad.journal.finding import Message

MOST_SHOWN = 8  # of a list; a mailing's hundred recipients have lines of their own further down


def render(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the lines about the messages."""
    for number, message in enumerate(messages):
        if number:
            yield ""
        yield from map(harmless, _section(message, messages))


def render_refusals(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the lines about refusals that belong to no message."""
    yield f"  {entries[0].time:%Y-%m-%d}, times in UTC"
    yield from map(harmless, _table(entries))


def _section(message: Message, messages: Sequence[Message]) -> Iterator[str]:
    seen = {ident for entry in message.entries for ident in ids_of(entry)}
    queue_ids = dict.fromkeys(entry.queue_id for entry in message.entries if entry.queue_id is not None)
    yield f"Message {', '.join(sorted(seen)) or 'without Message-ID'}"
    yield f"  queue ID {', '.join(queue_ids)}" if queue_ids else "  no queue ID"
    for other in messages:
        name = ", ".join(sorted({entry.message_id for entry in other.entries if entry.message_id}))
        if message.reports & other.queue_ids:
            yield f"  is a notification about {name}"
        if other.reports & message.queue_ids or message.reported_by & other.queue_ids:
            yield f"  was reported on in {name}"
    yield f"  {message.entries[0].time:%Y-%m-%d}, times in UTC"
    yield from _table(message.entries)


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    start = entries[0].time
    rows = [_row(entry, times, start) for entry, times in _together(entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [row[0].rjust(widths[0]), row[1].rjust(widths[1]), row[2].ljust(widths[2]), row[3].ljust(widths[3])]
        yield f"  {'  '.join(cells)}  {row[4]}".rstrip()


def _together(entries: Iterable[Entry]) -> list[tuple[Entry, list[datetime]]]:
    """Return events with their times; if a message is read again, the time is added to the earlier event."""
    shown: list[tuple[Entry, list[datetime]]] = []
    repeated: dict[tuple[object, ...], list[datetime]] = {}
    for entry in entries:
        if entry.kind is not Kind.RETRIEVED:
            shown.append((entry, [entry.time]))
            continue
        detail = entry.detail
        what = (detail.get("account"), detail.get("mailbox"), detail.get("protocol"))
        if what in repeated:
            repeated[what].append(entry.time)
        else:
            repeated[what] = [entry.time]
            shown.append((entry, repeated[what]))
    return shown


def _row(entry: Entry, times: Sequence[datetime], start: datetime) -> tuple[str, str, str, str, str]:
    """Return time, time since the start, service, kind and the rest of one line."""
    detail = dict(entry.detail)
    detail.pop("further_message_ids", None)  # the heading has them
    if entry.kind is not Kind.REFUSED:
        detail.pop("session", None)
    words = _DESCRIBE[entry.kind](detail)
    words += [f"{key}={_words(value)}" for key, value in detail.items() if value not in (None, "", [])]
    if len(times) > 1:
        words.append(f"({len(times)} times, last at {times[-1]:%H:%M:%S})")
    text = " ".join(word for word in words if word)
    day = f"{entry.time:%m-%d} " if entry.time.date() != start.date() else ""
    clock = f"{day}{entry.time:%H:%M:%S}.{entry.time.microsecond // 1000:03d}"
    return clock, f"+{_seconds((entry.time - start).total_seconds())}", entry.service, entry.kind.value, text


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _words(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    shown = ", ".join(map(str, value[:MOST_SHOWN]))
    return shown if len(value) <= MOST_SHOWN else f"{shown} and {len(value) - MOST_SHOWN} more"


def _take(detail: dict[str, Any], key: str, form: str = "{}") -> str:
    """Remove a value from the details and return it in the form of a phrase; empty if there is no value."""
    value = detail.pop(key, None)
    return "" if value in (None, "", []) else form.format(_words(value))


def _accepted(detail: dict[str, Any]) -> list[str]:
    sender = _take(detail, "sender") or "<>"
    return [
        f"from {sender}",
        _take(detail, "recipients", "for {}"),
        _take(detail, "client", "by {}"),
        _take(detail, "peer", "[{}]"),
        _take(detail, "port", "on {}"),
        _take(detail, "protocol", "with {}"),
        _take(detail, "tls", "over {}"),
        _take(detail, "login", "as {}"),
    ]


def _refused(detail: dict[str, Any]) -> list[str]:
    return [
        _take(detail, "command"),
        _take(detail, "sender", "from {}"),
        _take(detail, "recipient", "for {}") or _take(detail, "recipients", "for {}"),
        _take(detail, "login", "as {}"),
        _take(detail, "client", "by {}"),
        _take(detail, "peer", "[{}]"),
        _take(detail, "port", "on {}"),
        _take(detail, "session", "in session {}"),
        _take(detail, "reply", "got {}"),
        _take(detail, "reason", "({})"),
    ]


def _queued(detail: dict[str, Any]) -> list[str]:
    detail.pop("reports", None)
    return [_take(detail, "size", "{} octets"), _take(detail, "reports_message_id", "to report on {}")]


def _resolved(detail: dict[str, Any]) -> list[str]:
    return [_take(detail, "domain", "{}:"), _take(detail, "mx", "MX {}") or "no MX", _take(detail, "reason", "({})")]


def _attempted(detail: dict[str, Any]) -> list[str]:
    return [_take(detail, "recipients"), _take(detail, "host", "to {}"), _take(detail, "tls", "over {}")]


def _outcome(detail: dict[str, Any]) -> list[str]:
    due = detail.pop("next", None)
    reason = str(detail.get("reason", ""))
    if detail.get("reply") and str(detail["reply"]) in reason:
        for key in ("host", "reply", "status"):  # the reason includes them
            detail.pop(key, None)
    elif not detail.get("reply") and str(detail.get("host", "")) in reason:
        detail.pop("host", None)
    return [
        _take(detail, "recipient", "{}:"),
        _take(detail, "host", "{} said") if detail.get("reply") else _take(detail, "host"),
        _take(detail, "reply"),
        _take(detail, "reason"),
        f"(again at {_clock(due)})" if isinstance(due, int | float) else "",
    ]


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def _reported(detail: dict[str, Any]) -> list[str]:
    return [
        _take(detail, "to", "to {}"),
        _take(detail, "dsn_message_id", "in {}"),
        _take(detail, "dsn_queue_id", "(queue ID {})"),
    ]


def _stored(detail: dict[str, Any]) -> list[str]:
    sender = _take(detail, "reverse_path") or "<>"
    return [
        *_place(detail),
        _take(detail, "recipients", "for {}"),
        f"from {sender}",
        _take(detail, "size", "({} octets)"),
        _take(detail, "client", "by {}"),
        _take(detail, "peer", "[{}]"),
        _take(detail, "tls", "over {}"),
    ]


def _filtered(detail: dict[str, Any]) -> list[str]:
    return [
        _take(detail, "account", "by the script of {}:"),
        _take(detail, "actions"),
        _take(detail, "error", "kept, because the script failed: {}"),
    ]


def _place(detail: dict[str, Any]) -> list[str]:
    detail.pop("uid_validity", None)
    return [_take(detail, "account"), _take(detail, "mailbox"), _take(detail, "uid", "UID {}")]


def _of_a_place(detail: dict[str, Any]) -> list[str]:
    detail.pop("to_uid_validity", None)
    return [
        *_place(detail),
        _take(detail, "to", "to {}"),
        _take(detail, "to_uid", "UID {}"),
        _take(detail, "protocol", "by {}"),
    ]


def _of_a_snapshot(detail: dict[str, Any]) -> list[str]:
    for name in ("token", "uid_validities"):
        detail.pop(name, None)
    return [_take(detail, "account"), _take(detail, "snapshot", "snapshot {}"), _take(detail, "protocol", "by {}")]


def _halted(detail: dict[str, Any]) -> list[str]:
    return [_take(detail, "recipients", "for {}"), _take(detail, "reason", "({})")]


def _lost(detail: dict[str, Any]) -> list[str]:
    return [_take(detail, "count", "{} events were not written")]


_DESCRIBE: Mapping[Kind, Callable[[dict[str, Any]], list[str]]] = {
    Kind.ACCEPTED: _accepted,
    Kind.REFUSED: _refused,
    Kind.QUEUED: _queued,
    Kind.RESOLVED: _resolved,
    Kind.ATTEMPTED: _attempted,
    Kind.DELIVERED: _outcome,
    Kind.DEFERRED: _outcome,
    Kind.FAILED: _outcome,
    Kind.EXPIRED: _outcome,
    Kind.REPORTED: _reported,
    Kind.HELD: _halted,
    Kind.RELEASED: _halted,
    Kind.DROPPED: _halted,
    Kind.STORED: _stored,
    Kind.FILTERED: _filtered,
    Kind.RETRIEVED: _of_a_place,
    Kind.REMOVED: _of_a_place,
    Kind.MOVED: _of_a_place,
    Kind.COPIED: _of_a_place,
    Kind.RENAMED: _of_a_place,
    Kind.KEPT: _of_a_snapshot,
    Kind.RESTORED: _of_a_snapshot,
    Kind.LOST: _lost,
}
