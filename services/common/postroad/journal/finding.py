"""Finds the events of one message in the journals.

Events belong to one message where they share a queue ID or a Message-ID, or where the reply that one service got names
the queue ID that the other gave ("250 2.0.0 OK stored as 660f709bc5fb3"). Reading and removing are recorded with
account, mailbox and UID, and found by what was stored there, or moved or copied to there; refusals in the session that
brought the message, by the session. The events of a message are in the time of its world. A notification (DSN) is a
message of its own, linked to the one that it reports on, whichever was asked for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from postroad.journal import Entry, JournalReader, Kind
from postroad.journal.uids import position_of, ranges_in, uid_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# A message's place in the store: account, mailbox, UIDVALIDITY, UID.
Place = tuple[str, str, int, int]

_STORED_AS = re.compile(r"\bstored as ([0-9A-Za-z]+)")  # postroad_store.delivery.service says so
_OF_A_PLACE = frozenset({Kind.RETRIEVED, Kind.REMOVED, Kind.MOVED, Kind.COPIED, Kind.RENAMED})
_FROM_A_CLIENT = frozenset({Kind.ACCEPTED, Kind.REFUSED})  # between relay and store one session has the mail of all
_OF_A_STRANGER = ("session", "peer", "login", "sender", "recipient")  # by which refusals without a message are found


@dataclass(slots=True)
class Message:
    """One message: its names, its events in the order of time, and the messages linked to it."""

    queue_ids: set[str] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)  # that brought it
    places: set[Place] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    reports: set[str] = field(default_factory=set)  # queue IDs of the messages that it is a notification about
    reported_by: set[str] = field(default_factory=set)  # queue IDs of the notifications about it
    exact: bool = False  # whether a Message-ID is no name of it: it may have been submitted several times

    @property
    def names(self) -> int:
        """The number of names that are known; it grows while the message is looked for."""
        return len(self.queue_ids) + len(self.message_ids) + len(self.sessions) + len(self.places)

    def is_of(self, entry: Entry) -> bool:
        """Whether the event is of this message, by the names that are known so far."""
        if entry.queue_id in self.queue_ids:
            return True
        if not self.exact and not self.message_ids.isdisjoint(ids_of(entry)):
            return True
        if entry.kind in _OF_A_PLACE:
            return any(_is_at(entry, place) for place in self.places)
        if entry.kind is Kind.REFUSED and entry.queue_id is None and entry.message_id is None:
            return entry.detail.get("session") in self.sessions
        return not self.queue_ids.isdisjoint(_STORED_AS.findall(str(entry.detail.get("reply", ""))))

    def learn(self, entry: Entry) -> None:
        """Add the names that an event of this message gives it."""
        if entry.queue_id is not None:
            self.queue_ids.add(entry.queue_id)
        if not self.exact:
            self.message_ids.update(ids_of(entry))
        detail = entry.detail
        if entry.kind in _FROM_A_CLIENT and entry.service == "relay" and isinstance(detail.get("session"), str):
            self.sessions.add(detail["session"])
        if entry.kind is Kind.DELIVERED:
            self.queue_ids.update(_STORED_AS.findall(str(detail.get("reply", ""))))
        if entry.kind is Kind.STORED and isinstance(detail.get("uid"), int):
            self.places.add((detail.get("account", ""), detail.get("mailbox", ""), _validity(detail), detail["uid"]))
        if "to" in detail and entry.kind in _OF_A_PLACE:
            self.places.update(list(_places_after(entry, self.places)))
        if entry.kind is Kind.REPORTED and "dsn_queue_id" in detail:
            self.reported_by.add(str(detail["dsn_queue_id"]))
        if "reports" in detail:
            self.reports.add(str(detail["reports"]))

    def needles(self) -> re.Pattern[bytes]:
        """Return a pattern that every line of this message matches, and some others do."""
        accounts = (account for account, *_ in self.places)
        return _any_of({*self.queue_ids, *self.message_ids, *self.sessions, *accounts})


def ids_of(entry: Entry) -> list[str]:
    """Return the Message-IDs of an event: a message may have several such fields, though RFC 5322 §3.6 allows one."""
    further = entry.detail.get("further_message_ids", [])
    ids = [entry.message_id, *(further if isinstance(further, list) else [])]
    return [ident for ident in ids if isinstance(ident, str)]


def _any_of(names: set[str]) -> re.Pattern[bytes]:
    """Return a pattern of the octets that the names have in a line of the journal."""
    written = (json.dumps(name, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace") for name in names)
    return re.compile(b"|".join(map(re.escape, written)))


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
        and ("uid" not in detail or position_of(uid, ranges_in(detail["uid"])) is not None)  # without: all of them
    )


def _places_after(entry: Entry, places: Iterable[Place]) -> Iterator[Place]:
    """Yield where messages in these places are after an event that has moved, copied or renamed."""
    detail = entry.detail
    for place in [place for place in places if _is_at(entry, place)]:
        account, _, validity, uid = place
        if entry.kind is Kind.RENAMED:
            yield account, str(detail["to"]), validity, uid
            continue
        position = position_of(uid, ranges_in(detail.get("uid")))
        there = None if position is None else uid_at(position, ranges_in(detail.get("to_uid")))
        to_validity = detail.get("to_uid_validity")
        if there is not None and isinstance(to_validity, int):
            yield account, str(detail["to"]), to_validity, there


def find(reader: JournalReader, name: str) -> list[Message]:
    """Return the message that has this ID and those linked to it, oldest first; empty if there is no such message."""
    bare = name.strip().removeprefix("<").removesuffix(">")
    asked = _gather(reader, Message({bare}, {f"<{bare}>", bare}))
    if not asked.entries:  # queue IDs are found in either case
        asked = _gather(reader, Message({bare.upper(), bare.lower()}))
    if not asked.entries:
        return []
    messages = [asked]
    for message in messages:  # the list grows meanwhile
        for queue_id in sorted(message.reports | message.reported_by):
            if not any(queue_id in other.queue_ids for other in messages):
                messages.append(_gather(reader, Message({queue_id})))
    return sorted((message for message in messages if message.entries), key=lambda message: message.entries[0].time)


def find_queued(reader: JournalReader, queue_id: str) -> list[Message]:
    """Return the message that has this queue ID, and no other with its Message-ID, and the notifications about it."""
    messages = [_gather(reader, Message({queue_id}, exact=True))]
    for message in messages:  # the list grows meanwhile
        known = {ident for other in messages for ident in other.queue_ids}
        messages += [_gather(reader, Message({ident}, exact=True)) for ident in sorted(message.reported_by - known)]
    return [message for message in messages if message.entries]


def find_refusals(reader: JournalReader, name: str) -> list[Entry]:
    """Return the refusals of a session, a peer's address, a login, or an address of the envelope."""
    name = name.strip()
    return [
        entry for entry in reader.entries(_any_of({name}).search) if entry.kind is Kind.REFUSED and name in _met(entry)
    ]


def _met(entry: Entry) -> list[object]:
    """Return whom a refusal met."""
    recipients = entry.detail.get("recipients")
    return [entry.detail.get(key) for key in _OF_A_STRANGER] + (recipients if isinstance(recipients, list) else [])


def _gather(reader: JournalReader, message: Message) -> Message:
    """Read the journal again until nothing new is learnt; two or three times as a rule."""
    known = -1
    while message.names != known:
        known = message.names
        message.entries = [entry for entry in reader.entries(message.needles().search) if message.is_of(entry)]
        for entry in message.entries:
            message.learn(entry)
    message.entries = _in_world_time(message.entries)
    return message


def _in_world_time(entries: list[Entry]) -> list[Entry]:
    """Return the events in order, those of the store moved to the attempt that brought the message.

    The relay goes by the clock of the message's world, which may have been pushed, and the store by the real one.
    """
    attempted: dict[tuple[object, ...], datetime] = {}  # when, by queue ID, number and recipient
    brought: dict[str, datetime] = {}  # by the store's queue ID
    for entry in entries:
        number = entry.detail.get("attempt")
        if entry.kind is Kind.ATTEMPTED:
            attempted |= {(entry.queue_id, number, name): entry.time for name in entry.detail.get("recipients", ())}
        elif entry.kind is Kind.DELIVERED:
            when = attempted.get((entry.queue_id, number, entry.detail.get("recipient")), entry.time)
            for ident in _STORED_AS.findall(str(entry.detail.get("reply", ""))):
                brought.setdefault(ident, when)
    ahead = timedelta()
    moved = []
    for entry in entries:
        if entry.kind is Kind.STORED and entry.queue_id in brought:
            ahead = max(timedelta(), brought[entry.queue_id] - entry.time)
        moved.append(replace(entry, time=entry.time + ahead) if entry.service == "store" and ahead else entry)
    return sorted(moved, key=lambda entry: (entry.time, entry.service == "store"))
