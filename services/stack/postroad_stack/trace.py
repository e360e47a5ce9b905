"""One message's road, hop by hop, from the journals of all services: `python -m postroad_stack.trace ID`.

The ID is a Message-ID, with or without its angle brackets, or a queue ID of any service, in capitals or not. Events
belong to one message where they share a queue ID or a Message-ID, or where the reply that one service got names the
queue ID that the other gave ("250 2.0.0 OK stored as 660f709bc5fb3"). Reading and removing are noted with account,
mailbox and UID, and found by what was stored there. A notification (DSN) is a message of its own, printed after the
one that it reports on, whichever of the two was asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postroad.config import ConfigError, Settings
from postroad.harmless import harmless
from postroad.journal import Entry, JournalReader, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# Where a message stands in the store.
Place = tuple[str, str, int, int]  # account, mailbox, UIDVALIDITY, UID

MOST_SHOWN = 8  # of a list; a mailing's hundred recipients have lines of their own further down

_STORED_AS = re.compile(r"\bstored as ([0-9A-Za-z]+)")  # postroad_store.delivery.service says so
_OF_A_PLACE = frozenset({Kind.RETRIEVED, Kind.REMOVED})


@dataclass(slots=True)
class Message:
    """What is known of one message: its names, its events in the order of time, and what it reports on."""

    queue_ids: set[str] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    reports: set[str] = field(default_factory=set)  # queue IDs of what it is a notification about
    reported_by: set[str] = field(default_factory=set)  # queue IDs of the notifications about it

    @property
    def names(self) -> int:
        """How many names are known: grows while the message is looked for."""
        return len(self.queue_ids) + len(self.message_ids) + len(self.places)

    def is_of(self, entry: Entry) -> bool:
        """Whether the event is of this message, by what is known so far."""
        if entry.queue_id in self.queue_ids or entry.message_id in self.message_ids:
            return True
        if entry.kind in _OF_A_PLACE:
            return any(_is_at(entry, place) for place in self.places)
        return not self.queue_ids.isdisjoint(_STORED_AS.findall(str(entry.detail.get("reply", ""))))

    def learn(self, entry: Entry) -> None:
        """Add what an event of this message says of its names."""
        if entry.queue_id is not None:
            self.queue_ids.add(entry.queue_id)
        if entry.message_id is not None:
            self.message_ids.add(entry.message_id)
        detail = entry.detail
        if entry.kind is Kind.DELIVERED:
            self.queue_ids.update(_STORED_AS.findall(str(detail.get("reply", ""))))
        if entry.kind is Kind.STORED and isinstance(detail.get("uid"), int):
            self.places.add((detail.get("account", ""), detail.get("mailbox", ""), _validity(detail), detail["uid"]))
        if entry.kind is Kind.REPORTED and "dsn_queue_id" in detail:
            self.reported_by.add(str(detail["dsn_queue_id"]))
        if "reports" in detail:
            self.reports.add(str(detail["reports"]))

    def needles(self) -> re.Pattern[bytes]:
        """Return what is in every line of the journal that can be of this message, and in some others."""
        names = {*self.queue_ids, *self.message_ids, *(account for account, *_ in self.places)}
        return re.compile(b"|".join(re.escape(_as_written(name)) for name in names))


def _as_written(name: str) -> bytes:
    """Return the octets of a name as a line of the journal has them."""
    return json.dumps(name, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace")


def _validity(detail: Mapping[str, Any]) -> int:
    validity = detail.get("uid_validity", 0)
    return validity if isinstance(validity, int) else 0


def _is_at(entry: Entry, place: Place) -> bool:
    account, mailbox, validity, uid = place
    detail = entry.detail
    return (
        detail.get("account") == account
        and detail.get("mailbox") == mailbox
        and _validity(detail) == validity
        and has_uid(detail.get("uid"), uid)
    )


def has_uid(uids: object, uid: int) -> bool:
    """Whether a number, or a uid-set such as `1:5,9` (RFC 4315 §4), has the UID in it."""
    if isinstance(uids, int):
        return uids == uid
    for part in str(uids).split(","):
        first, _, last = part.partition(":")
        if first.isdecimal() and (last or first).isdecimal() and int(first) <= uid <= int(last or first):
            return True
    return False


def find(reader: JournalReader, name: str) -> list[Message]:
    """Return the message that has this ID, with those that are linked to it, oldest first; empty: there is none."""
    bare = name.strip().removeprefix("<").removesuffix(">")
    asked = _gather(reader, Message({bare}, {f"<{bare}>", bare}))
    if not asked.entries:  # a queue ID may have been written down in capitals, or in none
        asked = _gather(reader, Message({bare.upper(), bare.lower()}))
    if not asked.entries:
        return []
    found = {id(asked): asked}
    waiting = [asked]
    while waiting:
        message = waiting.pop()
        for queue_id in sorted(message.reports | message.reported_by):
            if not any(queue_id in other.queue_ids for other in found.values()):
                linked = _gather(reader, Message({queue_id}))
                found[id(linked)] = linked
                waiting.append(linked)
    return sorted((one for one in found.values() if one.entries), key=lambda one: one.entries[0].time)


def _gather(reader: JournalReader, message: Message) -> Message:
    """Read the journal again until nothing new is learnt; two or three times as a rule."""
    known = -1
    while message.names != known:
        known = message.names
        message.entries = [entry for entry in reader.entries(message.needles().search) if message.is_of(entry)]
        for entry in message.entries:
            message.learn(entry)
    return message


# What is printed


def render(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the lines that tell of the messages; whatever a stranger wrote is harmless in them."""
    for number, message in enumerate(messages):
        if number:
            yield ""
        yield from map(harmless, _section(message, messages))


def _section(message: Message, messages: Sequence[Message]) -> Iterator[str]:
    start = message.entries[0].time
    seen = {entry.message_id for entry in message.entries if entry.message_id is not None}
    queue_ids = dict.fromkeys(entry.queue_id for entry in message.entries if entry.queue_id is not None)
    yield f"Message {', '.join(sorted(seen)) or 'without Message-ID'}"
    yield f"  queue ID {', '.join(queue_ids)}" if queue_ids else "  no queue ID"
    for other in messages:
        name = ", ".join(sorted({entry.message_id for entry in other.entries if entry.message_id}))
        if message.reports & other.queue_ids:
            yield f"  is a notification about {name}"
        if other.reports & message.queue_ids or message.reported_by & other.queue_ids:
            yield f"  was reported on in {name}"
    yield f"  {start:%Y-%m-%d}, times in UTC"
    rows = [_row(entry, times, start) for entry, times in _together(message.entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [row[0].rjust(widths[0]), row[1].rjust(widths[1]), row[2].ljust(widths[2]), row[3].ljust(widths[3])]
        yield f"  {'  '.join(cells)}  {row[4]}".rstrip()


def _together(entries: Iterable[Entry]) -> list[tuple[Entry, list[datetime]]]:
    """Return events, those that only repeat an earlier one (a client that reads again and again) counted with it."""
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
    shown = ", ".join(str(one) for one in value[:MOST_SHOWN])
    return shown if len(value) <= MOST_SHOWN else f"{shown} and {len(value) - MOST_SHOWN} more"


def _take(detail: dict[str, Any], key: str, form: str = "{}") -> str:
    """Return a value in the form of a phrase and take it out of what is left to say; empty where it is not there."""
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


def _queued(detail: dict[str, Any]) -> list[str]:
    detail.pop("reports", None)
    return [_take(detail, "size", "{} octets"), _take(detail, "reports_message_id", "to report on {}")]


def _resolved(detail: dict[str, Any]) -> list[str]:
    return [_take(detail, "domain", "{}:"), _take(detail, "mx", "MX {}") or "no MX", _take(detail, "reason", "({})")]


def _attempted(detail: dict[str, Any]) -> list[str]:
    return [_take(detail, "recipients"), _take(detail, "host", "to {}"), _take(detail, "tls", "over {}")]


def _outcome(detail: dict[str, Any]) -> list[str]:
    due = detail.pop("next", None)
    if detail.get("reply") and str(detail["reply"]) in str(detail.get("reason", "")):
        for told in ("host", "reply", "status"):  # the reason has it all
            detail.pop(told, None)
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


def _place(detail: dict[str, Any]) -> list[str]:
    detail.pop("uid_validity", None)
    return [_take(detail, "account"), _take(detail, "mailbox"), _take(detail, "uid", "UID {}")]


def _of_a_place(detail: dict[str, Any]) -> list[str]:
    return [*_place(detail), _take(detail, "protocol", "by {}")]


_DESCRIBE: Mapping[Kind, Callable[[dict[str, Any]], list[str]]] = {
    Kind.ACCEPTED: _accepted,
    Kind.QUEUED: _queued,
    Kind.RESOLVED: _resolved,
    Kind.ATTEMPTED: _attempted,
    Kind.DELIVERED: _outcome,
    Kind.DEFERRED: _outcome,
    Kind.FAILED: _outcome,
    Kind.EXPIRED: _outcome,
    Kind.REPORTED: _reported,
    Kind.STORED: _stored,
    Kind.RETRIEVED: _of_a_place,
    Kind.REMOVED: _of_a_place,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the road; 1 where nothing is found."""
    parser = argparse.ArgumentParser(prog="postroad_stack.trace", description="Print one message's road.")
    parser.add_argument("id", metavar="ID", help="a Message-ID, with or without <>, or a queue ID of any service")
    parser.add_argument("--journal", type=Path, metavar="DIR", help="the folder of the journals; from the settings")
    options = parser.parse_args(arguments)
    try:
        directory = options.journal or Settings.from_environ(os.environ).journal_dir
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not directory.is_dir():
        sys.stderr.write(f"There is no journal in {directory}: has anything been started with these settings?\n")
        return 1
    messages = find(JournalReader(directory), options.id)
    if not messages:
        sys.stderr.write(f"No message with the ID {harmless(options.id)} is in the journal ({directory}).\n")
        return 1
    try:
        for line in render(messages):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # `make trace ID=... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
