"""The fold: events of the journals of relay and store become journeys of messages. Pure.

The relay's journal tells how a message came in and what became of each recipient, by the relay's queue ID. The store's
journal tells which copies there are, by the queue ID that the store gave to the delivery. The relay's *delivered* has
both, in the store's reply: "250 2.0.0 OK stored as 660f709bc5fb3". Each journal is in order, but either may be ahead
of the other: a delivery waits for its copies, and copies wait for their delivery. In what order the two journals are
read, and in what pieces, makes no difference to the journeys.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from postroad.journal.kinds import Kind
from postroad.journal.uids import position_of, ranges_in, uid_at
from postroad.world.world import DEFAULT_WORLD
from postroad_web.catalog.journey import PENDING, Journey, Placed, Recipient
from postroad_web.catalog.record import Origin, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from postroad_web.catalog.tallies import Tallies

_STORED_AS: Final = re.compile(r"\bstored as ([0-9A-Za-z]+)")  # postroad_store.delivery.service says so
_LAST_UID: Final = (1 << 32) - 1  # RFC 3501 §9: nz-number


class Shelf(Protocol):
    """Where the journeys are. What the fold puts there is found at once."""

    def by_id(self, ident: str) -> Journey | None:
        """Return a journey by the relay's queue ID."""

    def by_store_id(self, store_id: str) -> Journey | None:
        """Return the journey that a delivery belongs to."""

    def admits(self, journey: Journey) -> bool:
        """Return whether a new journey is wanted: people may have removed its record, or its world."""

    def knows(self, world: str, when: float) -> bool:
        """Return whether something that happened in a world then belongs to one that is still there."""

    def add(self, journey: Journey) -> None:
        """Take a new journey."""

    def change(self, journey: Journey) -> None:
        """Note that a journey has changed."""

    def link(self, store_id: str, journey: Journey) -> list[Placed]:
        """Note which journey a delivery belongs to; return the copies that have waited for it."""

    def abandon(self, store_id: str) -> None:
        """Forget the copies that wait for a delivery: its message is removed."""

    def place(self, copy: Placed, journey: Journey | None) -> None:
        """Note a copy in its place; None: it waits for its delivery."""

    def unplace(self, copy: Placed) -> None:
        """Forget a place."""

    def at(
        self, account: str, mailbox: str, uid_validity: int, ranges: Sequence[tuple[int, int]]
    ) -> list[tuple[Placed, Journey | None]]:
        """Return the copies in places of a mailbox that are not removed."""

    def keep(self, token: str, name: str, account: str, world: str) -> None:
        """Keep the places in which an account has copies, for a snapshot; an earlier one of its name has gone."""

    def kept(self, token: str, account: str) -> list[Placed] | None:
        """Return the copies that an account had at a snapshot; None if nothing is known of it."""

    def of_account(self, account: str) -> list[tuple[Placed, Journey | None]]:
        """Return the copies of an account that are not removed."""


class Fold:
    """Takes events and changes the journeys of a shelf."""

    def __init__(self, shelf: Shelf, tallies: Tallies) -> None:
        self._shelf = shelf
        self._tallies = tallies
        self._carry_out: dict[str, Callable[[Mapping[str, Any]], None]] = {
            Kind.ACCEPTED: self._accepted,
            Kind.QUEUED: self._queued,
            Kind.DELIVERED: self._delivered,
            Kind.DEFERRED: self._deferred,
            Kind.FAILED: self._failed,
            Kind.EXPIRED: self._failed,
            Kind.REPORTED: self._reported,
            Kind.HELD: self._held,
            Kind.RELEASED: self._released,
            Kind.DROPPED: self._dropped,
            Kind.STORED: self._stored,
            Kind.REMOVED: self._removed,
            Kind.MOVED: self._moved,
            Kind.COPIED: self._copied,
            Kind.RENAMED: self._renamed,
            Kind.KEPT: self._kept,
            Kind.RESTORED: self._restored,
        }

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take one event, as its line of the journal says it; return False if it makes no sense."""
        try:
            kind = event["kind"]
            self._tallies.count(kind)
            carry_out = self._carry_out.get(kind)
            if carry_out is not None:
                carry_out(event)
        except (KeyError, ValueError, TypeError, AttributeError):
            return False
        return True

    # -- the relay's ----------------------------------------------------------------------------------------------

    def _accepted(self, event: Mapping[str, Any]) -> None:
        journey = self._new(event["queue_id"], event, Origin(event["port"]), event.get("world") or DEFAULT_WORLD)
        if journey is None:
            return
        journey.sender = event["sender"] or None
        journey.message_id = event.get("message_id")
        journey.login = event.get("login")
        journey.peer = event.get("peer") or ""
        journey.client = event.get("client") or ""
        journey.protocol = event.get("protocol") or ""
        journey.tls = event.get("tls")
        journey.recipients = [Recipient(address) for address in event["recipients"]]
        self._tallies.of(journey.world).accepted += 1
        self._tallies.hops.accepted(journey.id, journey.arrived)
        self._shelf.add(journey)

    def _queued(self, event: Mapping[str, Any]) -> None:
        journey = self._shelf.by_id(event["queue_id"])
        if journey is not None:
            journey.size = int(event["size"])
            if journey.origin is not Origin.REPORT:
                self._tallies.octets += journey.size
                self._tallies.of(journey.world).octets += journey.size
            self._shelf.change(journey)

    def _reported(self, event: Mapping[str, Any]) -> None:
        ident = event["dsn_queue_id"]
        journey = self._shelf.by_id(event["queue_id"])
        if journey is not None and ident not in journey.reports:
            journey.reports.append(ident)
            self._shelf.change(journey)
        world = event.get("world") or (DEFAULT_WORLD if journey is None else journey.world)
        report = self._new(ident, event, Origin.REPORT, world)
        if report is not None:
            report.about = event["queue_id"]
            report.message_id = event.get("dsn_message_id")
            report.recipients = [Recipient(event["to"])]
            self._shelf.add(report)

    def _delivered(self, event: Mapping[str, Any]) -> None:
        journey = self._shelf.by_id(event["queue_id"])
        if journey is None:
            if (removed := _STORED_AS.search(event.get("reply") or "")) is not None:
                self._shelf.abandon(removed[1])
            return
        recipient = journey.recipient(event["recipient"])
        _concluded(recipient, State.DELIVERED, event)
        self._tallies.observe("delivery", event.get("latency") or _seconds(event) - journey.arrived)
        match = _STORED_AS.search(recipient.reason)
        if match is not None:
            recipient.via = match[1]
            self._tallies.hops.delivered(match[1], journey.arrived)
            journey.placed += self._shelf.link(match[1], journey)
        self._shelf.change(journey)

    def _deferred(self, event: Mapping[str, Any]) -> None:
        journey = self._shelf.by_id(event["queue_id"])
        if journey is None:
            return
        recipient = journey.recipient(event["recipient"])
        _concluded(recipient, State.DEFERRED, event)
        recipient.due = float(event["next"])
        self._shelf.change(journey)

    def _failed(self, event: Mapping[str, Any]) -> None:
        journey = self._shelf.by_id(event["queue_id"])
        if journey is None:
            return
        address = event.get("recipient")
        for recipient in [journey.recipient(address)] if address is not None else _pending(journey):
            _concluded(recipient, State.FAILED, event)
        self._shelf.change(journey)

    def _held(self, event: Mapping[str, Any]) -> None:
        self._hold(event, held=True)

    def _released(self, event: Mapping[str, Any]) -> None:
        self._hold(event, held=False)

    def _hold(self, event: Mapping[str, Any], *, held: bool) -> None:
        journey = self._shelf.by_id(event["queue_id"])
        if journey is None:
            return
        journey.held = held
        for recipient in _pending(journey):
            recipient.due = event.get("next")
        self._shelf.change(journey)

    def _dropped(self, event: Mapping[str, Any]) -> None:
        journey = self._shelf.by_id(event["queue_id"])
        if journey is None:
            return
        for recipient in _pending(journey):
            _concluded(recipient, State.DROPPED, {"reason": "Taken out of the queue by the administrator"})
        journey.held = False
        self._shelf.change(journey)

    def _put_back(self, event: Mapping[str, Any]) -> None:
        """Let the recipients be as they were: a snapshot has put the message into the queue again."""
        journey = self._shelf.by_id(event["queue_id"])
        if journey is None:
            return
        for told in event["recipients"]:
            recipient = journey.recipient(told["address"])
            if told["state"] in PENDING:
                _concluded(recipient, State(told["state"]), told)
                recipient.attempts = told.get("attempt", 0)
                recipient.due, recipient.via = told.get("next"), None
        journey.held = event["held"]
        self._shelf.change(journey)

    def _new(self, ident: str, event: Mapping[str, Any], origin: Origin, world: str) -> Journey | None:
        if self._shelf.by_id(ident) is not None:
            return None
        journey = Journey(ident, int(event["n"]), origin, _seconds(event), world)
        return journey if self._shelf.admits(journey) else None

    # -- the store's ----------------------------------------------------------------------------------------------

    def _stored(self, event: Mapping[str, Any]) -> None:
        if not self._shelf.knows(event.get("world") or DEFAULT_WORLD, _seconds(event)):
            return
        copy = Placed(
            event["queue_id"],
            event["account"],
            event["mailbox"],
            int(event["uid_validity"]),
            int(event["uid"]),
            [address.lower() for address in event["recipients"]],
            bool(event.get("captured")),
        )
        self._tallies.hops.stored(copy.store_id, _seconds(event))
        if copy.captured:
            self._tallies.count("captured")
        self._add(copy, self._shelf.by_store_id(copy.store_id))

    def _removed(self, event: Mapping[str, Any]) -> None:
        for copy, journey in self._at(event):
            self._remove(copy, journey)

    def _remove(self, copy: Placed, journey: Journey | None) -> None:
        copy.removed = True
        if journey is None:
            self._shelf.place(copy, None)
        else:
            self._shelf.unplace(copy)
            self._shelf.change(journey)

    def _moved(self, event: Mapping[str, Any]) -> None:
        for copy, journey, uid in self._there(event):
            self._move(copy, journey, event["to"], int(event["to_uid_validity"]), uid)

    def _copied(self, event: Mapping[str, Any]) -> None:
        validity = int(event["to_uid_validity"])
        for copy, journey, uid in self._there(event):
            store_id, account, addresses = copy.store_id, copy.account, copy.addresses
            self._add(Placed(store_id, account, event["to"], validity, uid, addresses, copy.captured), journey)

    def _renamed(self, event: Mapping[str, Any]) -> None:
        for copy, journey in self._at(event):
            self._move(copy, journey, event["to"], copy.uid_validity, copy.uid)

    def _kept(self, event: Mapping[str, Any]) -> None:
        world = event.get("world", DEFAULT_WORLD)
        self._shelf.keep(event["token"], event["snapshot"], event["account"], world)

    def _restored(self, event: Mapping[str, Any]) -> None:
        """Let copies be where they were: a snapshot has given an account its mail back."""
        if "queue_id" in event:
            self._put_back(event)
            return
        account = event["account"]
        then = self._shelf.kept(event["token"], account)
        if then is None:
            return
        for copy in then:
            copy.uid_validity = event.get("uid_validities", {}).get(copy.mailbox, copy.uid_validity)
        back = {copy.which: copy for copy in then}
        for copy, journey in self._shelf.of_account(account):
            if back.pop(copy.which, None) is None:
                self._remove(copy, journey)
        for copy in back.values():
            self._add(copy, self._shelf.by_store_id(copy.store_id))

    def _at(self, event: Mapping[str, Any]) -> list[tuple[Placed, Journey | None]]:
        """Return the copies that an event is about: those with its UIDs, or all of a mailbox."""
        ranges = ranges_in(event["uid"]) if "uid" in event else ((1, _LAST_UID),)
        return self._shelf.at(event["account"], event["mailbox"], int(event["uid_validity"]), ranges)

    def _there(self, event: Mapping[str, Any]) -> Iterator[tuple[Placed, Journey | None, int]]:
        """Yield the copies that an event is about, each with the UID that it has in the other mailbox."""
        here, there = ranges_in(event["uid"]), ranges_in(event["to_uid"])
        for copy, journey in self._at(event):
            position = position_of(copy.uid, here)
            uid = None if position is None else uid_at(position, there)
            if uid is not None:
                yield copy, journey, uid

    def _move(self, copy: Placed, journey: Journey | None, mailbox: str, uid_validity: int, uid: int) -> None:
        self._shelf.unplace(copy)
        copy.mailbox, copy.uid_validity, copy.uid = mailbox, uid_validity, uid
        self._shelf.place(copy, journey)
        if journey is not None:
            journey.placed = [own for own in journey.placed if own is copy or own.which != copy.which]
            self._shelf.change(journey)

    def _add(self, copy: Placed, journey: Journey | None) -> None:
        if journey is not None:
            # After a restore, UIDs are given again: it may have been in this very place.
            journey.placed = [own for own in journey.placed if own.which != copy.which]
            journey.placed.append(copy)
            self._shelf.change(journey)
        self._shelf.place(copy, journey)


def _pending(journey: Journey) -> list[Recipient]:
    return [recipient for recipient in journey.recipients if recipient.state in PENDING]


def _concluded(recipient: Recipient, state: State, event: Mapping[str, Any]) -> None:
    """Note the outcome of an attempt, in the peer's words, or else in the relay's."""
    recipient.state = state
    recipient.reason = event.get("reply") or event.get("reason") or ""
    recipient.host = event.get("host") or ""
    recipient.attempts = event.get("attempt") or recipient.attempts
    recipient.due = None


def _seconds(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()
