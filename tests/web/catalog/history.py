"""Histories of a stack, made up: what happens to messages, as the journals of relay and store tell it.

Each journal is in order, and a history is one that a relay and a store could have: nothing is delivered before it came
in, and nothing is removed that is not there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.harness.doors import START

Place = tuple[str, str, int, int]
Pieces: TypeAlias = "list[tuple[str, list[dict[str, Any]]]]"
MAILBOXES = {"INBOX": 1, "Work": 2, "Old": 3}
ACCOUNTS = ("bob@beta.test", "Carol@beta.test", "capture@alpha.test")
PENDING = ("queued", "deferred")


class History:
    """A stack without mail: only who has what."""

    def __init__(self) -> None:
        self.relay: list[dict[str, Any]] = []
        self.store: list[dict[str, Any]] = []
        self.pending: dict[str, list[str]] = {}
        self.held: set[str] = set()
        self.places: list[Place] = []
        self.boxes: dict[tuple[str, str], int] = {}  # UIDVALIDITY
        self.uids: dict[int, int] = {}
        self.snapshots: dict[str, tuple[str, list[Place], dict[tuple[str, str], int], dict[int, int]]] = {}
        self.serial = 0

    def note(self, journal: list[dict[str, Any]], kind: str, **details: Any) -> None:
        n = len(journal) + 1
        time = datetime.fromtimestamp(START + len(self.relay) + len(self.store), UTC)
        journal.append({"n": n, "time": time.isoformat(), "kind": kind, **details})

    def box(self, account: str, mailbox: str) -> int:
        return self.boxes.setdefault((account, mailbox), len(self.boxes) + 10)

    def uid(self, validity: int) -> int:
        self.uids[validity] = self.uids.get(validity, 0) + 1
        return self.uids[validity]

    def accept(self, recipients: list[str]) -> None:
        self.serial += 1
        ident = f"R{self.serial}"
        facts = {"port": "app", "sender": "a@a.test", "peer": "::1", "client": "x", "protocol": "SMTP", "tls": None}
        self.note(self.relay, "accepted", queue_id=ident, recipients=recipients, login=None, **facts)
        self.note(self.relay, "queued", queue_id=ident, size=100)
        self.pending[ident] = list(dict.fromkeys(recipients))

    def deliver(self, ident: str, some: list[str], *, captured: bool) -> None:
        self.serial += 1
        store_id = f"S{self.serial}"
        accounts: dict[str, list[str]] = {}
        for recipient in some:
            accounts.setdefault("capture@alpha.test" if captured else recipient, []).append(recipient)
        for account, recipients in accounts.items():
            validity = self.box(account, "INBOX")
            place = (account, "INBOX", validity, self.uid(validity))
            more = {"captured": True} if captured else {}
            self.note(self.store, "stored", queue_id=store_id, recipients=recipients, **_at(place), **more)
            self.places.append(place)
        for recipient in some:
            reply = f"250 2.0.0 OK stored as {store_id}"
            details = {"recipient": recipient, "host": "mx", "reply": reply, "attempt": 1, "latency": 0.1}
            self.note(self.relay, "delivered", queue_id=ident, **details)
        self.done(ident, some)

    def done(self, ident: str, some: list[str]) -> None:
        self.pending[ident] = [recipient for recipient in self.pending[ident] if recipient not in some]
        if not self.pending[ident]:
            del self.pending[ident]
            self.held.discard(ident)

    def fail(self, ident: str, recipient: str, *, report: bool) -> None:
        self.note(self.relay, "failed", queue_id=ident, recipient=recipient, reason="no", reply=None, attempt=2)
        self.done(ident, [recipient])
        if report:
            self.serial += 1
            dsn = f"R{self.serial}"
            self.note(self.relay, "reported", queue_id=ident, dsn_queue_id=dsn, to="bob@beta.test")
            self.note(self.relay, "queued", queue_id=dsn, reports=ident, size=50)
            self.pending[dsn] = ["bob@beta.test"]

    def defer(self, ident: str, recipient: str) -> None:
        words = {"reply": "451 later", "host": "mx", "next": START + 9}
        self.note(self.relay, "deferred", queue_id=ident, recipient=recipient, **words)

    def hold(self, ident: str) -> None:
        if ident in self.held:
            self.held.discard(ident)
            self.note(self.relay, "released", queue_id=ident, next=START + 5)
        else:
            self.held.add(ident)
            self.note(self.relay, "held", queue_id=ident)

    def drop(self, ident: str) -> None:
        self.note(self.relay, "dropped", queue_id=ident, recipients=self.pending[ident], report=False)
        self.done(ident, list(self.pending[ident]))

    def remove(self, place: Place) -> None:
        self.places.remove(place)
        self.note(self.store, "removed", **_at(place))

    def remove_mailbox(self, place: Place) -> None:
        gone = [other for other in self.places if other[:3] == place[:3]]
        self.places = [other for other in self.places if other not in gone]
        del self.boxes[place[:2]]
        self.note(self.store, "removed", account=place[0], mailbox=place[1], uid_validity=place[2])

    def copy(self, place: Place, mailbox: str, *, move: bool) -> None:
        """Copy or move a message and those that follow it in its mailbox."""
        some = sorted(other for other in self.places if other[:3] == place[:3] and other[3] >= place[3])
        validity = self.box(place[0], mailbox)
        targets = [(place[0], mailbox, validity, self.uid(validity)) for _ in some]
        there = {"to": mailbox, "to_uid_validity": validity, "to_uid": f"{targets[0][3]}:{targets[-1][3]}"}
        details = {**_at(place), "uid": ",".join(str(other[3]) for other in some), **there}
        self.note(self.store, "moved" if move else "copied", **details)
        if move:
            self.places = [other for other in self.places if other not in some]
        self.places += targets

    def keep(self, account: str) -> None:
        """Take a snapshot of an account."""
        token = f"t{len(self.snapshots)}"
        self.note(self.store, "kept", account=account, snapshot=token, token=token)
        own = [place for place in self.places if place[0] == account]
        boxes = {box: validity for box, validity in self.boxes.items() if box[0] == account}
        self.snapshots[token] = (
            account,
            own,
            boxes,
            {validity: self.uids.get(validity, 0) for validity in boxes.values()},
        )

    def restore(self, token: str, *, fresh: bool) -> None:
        """Restore a snapshot: UIDs are given again."""
        account, own, boxes, uids = self.snapshots[token]
        become = {validity: validity for validity in boxes.values()}
        more = {}
        if fresh:
            become = {validity: 1000 + 100 * len(self.store) + validity for validity in become}
            more = {"uid_validities": {name: become[validity] for (_, name), validity in boxes.items()}}
        self.note(self.store, "restored", account=account, snapshot="s", token=token, **more)
        self.places = [place for place in self.places if place[0] != account]
        self.places += [(place[0], place[1], become[place[2]], place[3]) for place in own]
        self.boxes = {box: validity for box, validity in self.boxes.items() if box[0] != account}
        self.boxes |= {box: become[validity] for box, validity in boxes.items()}
        self.uids |= {become[validity]: last for validity, last in uids.items()}

    def rename(self, place: Place, mailbox: str) -> None:
        account, old, validity, _ = place
        if old == "INBOX" or (account, mailbox) in self.boxes:
            return
        self.boxes[account, mailbox] = self.boxes.pop((account, old))
        self.note(self.store, "renamed", account=account, mailbox=old, uid_validity=validity, to=mailbox)
        self.places = [
            (account, mailbox, validity, other[3]) if other[:3] == place[:3] else other for other in self.places
        ]


def _at(place: Place) -> dict[str, Any]:
    return dict(zip(("account", "mailbox", "uid_validity", "uid"), place, strict=True))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return a strategy for histories of some 30 events."""
    history = History()
    for _ in range(draw(st.integers(1, 14))):
        act = draw(
            st.sampled_from(
                ["accept", *(["queue"] * 4 if history.pending else []), *(["box"] * 4 if history.places else [])]
            )
        )
        if act == "accept":
            history.accept(draw(st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=3, unique=True)))
        elif act == "queue":
            _in_queue(draw, history)
        else:
            _in_mailbox(draw, history)
    return history


def _in_queue(draw: st.DrawFn, history: History) -> None:
    ident = draw(st.sampled_from(sorted(history.pending)))
    recipients = history.pending[ident]
    match draw(st.sampled_from(["deliver", "deliver", "deliver", "fail", "defer", "hold", "drop"])):
        case "deliver":
            count = draw(st.integers(1, len(recipients)))
            history.deliver(ident, recipients[:count], captured=draw(st.booleans()))
        case "fail":
            history.fail(ident, recipients[0], report=draw(st.booleans()))
        case "defer":
            history.defer(ident, recipients[-1])
        case "hold":
            history.hold(ident)
        case _:
            history.drop(ident)


def _in_mailbox(draw: st.DrawFn, history: History) -> None:
    place = draw(st.sampled_from(sorted(history.places)))
    mailbox = draw(st.sampled_from(sorted(MAILBOXES)))
    acts = ["remove", "copy", "move", "rename", "remove mailbox", "keep", *(["restore"] if history.snapshots else [])]
    match draw(st.sampled_from(acts)):
        case "keep":
            history.keep(place[0])
        case "restore":
            history.restore(draw(st.sampled_from(sorted(history.snapshots))), fresh=draw(st.booleans()))
        case "remove":
            history.remove(place)
        case "rename":
            history.rename(place, mailbox)
        case "remove mailbox" if place[1] != "INBOX":
            history.remove_mailbox(place)
        case "move" if mailbox != place[1]:
            history.copy(place, mailbox, move=True)
        case _:
            history.copy(place, mailbox, move=False)


@st.composite
def orders(draw: st.DrawFn, history: History) -> Pieces:
    """Return a strategy for the pieces in which both journals may be read."""
    left = {"relay": list(history.relay), "store": list(history.store)}
    pieces: Pieces = []
    while any(left.values()):
        service = draw(st.sampled_from([name for name, events in left.items() if events]))
        count = draw(st.integers(1, len(left[service])))
        pieces.append((service, left[service][:count]))
        del left[service][:count]
    return pieces
