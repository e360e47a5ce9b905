"""The order in which the journals are read makes no difference to the records, nor does the death of a process."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad.jsontext import to_json
from postroad_web.catalog.fold import Fold
from postroad_web.catalog.folding import Folding
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.record import Origin, State
from postroad_web.catalog.tallies import Tallies
from postroad_web.catalog.worlds import DefaultWorld
from postroad_web.catalog.writer import Writer
from tests.web.catalog.history import histories, orders
from tests.web.catalog.shelves import MemoryShelf
from tests.web.worlds import SomeWorlds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad_web.catalog.record import Record
    from tests.web.catalog.history import Pieces

SLOW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def folded(events: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Fold in memory; return what is known of each message. Each journey that changes has to be noted as such."""
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    states = shelf.states()
    for event in events:
        shelf.noted.clear()
        assert fold.take(event)
        before, states = states, shelf.states()
        assert {ident for ident, state in states.items() if before.get(ident) != state} <= shelf.noted, event
    return states


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_of_the_journals_makes_no_difference(data: st.DataObject) -> None:
    history = data.draw(histories())
    pieces = data.draw(orders(history))
    once = folded([*history.relay, *history.store])
    assert folded(event for _, events in pieces for event in events) == once
    assert folded([*history.store, *history.relay]) == once


@given(st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_copies_are_where_the_store_has_them(data: st.DataObject) -> None:
    history = data.draw(histories())
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    for event in [*history.store, *history.relay]:
        assert fold.take(event)
    alive = [copy.place for journey in shelf.journeys.values() for copy in journey.placed if not copy.removed]
    assert sorted(alive) == sorted(history.places)


def records_of(folder: Path) -> list[Record]:
    reader = Reader(folder)
    try:
        records = reader.page("*", limit=-1).records
        assert reader.counts("*").total == len(records)
        return list(records)
    finally:
        reader.close()


def fold_into(folder: Path, pieces: Pieces, kills: list[int]) -> list[Record]:
    """Fold into a database, a transaction per piece; at each of `kills` operations the process dies, and goes on."""
    writer = Writer(folder, DefaultWorld())
    folding = Folding(writer, Tallies())
    kills = list(kills)
    left = list(pieces)
    while left:
        service, events = left[0]
        lines = [to_json({**event, "service": service}) + b"\n" for event in events]
        if kills:
            count = kills.pop()

            def dies() -> bool:
                nonlocal count
                count -= 1
                return count < 0

            writer.connection.set_progress_handler(dies, 20)
        try:
            folding.fold([(service, lines, events[-1]["n"])])
        except Exception:  # noqa: BLE001 - sqlite3.OperationalError: interrupted
            writer.connection.set_progress_handler(None, 0)
            writer.close()
            writer = Writer(folder, DefaultWorld())
            folding = Folding(writer, Tallies())
            continue
        writer.connection.set_progress_handler(None, 0)
        assert writer.facts()[service] == events[-1]["n"]
        left.pop(0)
    writer.close()
    return records_of(folder)


@given(st.data())
@SLOW
def test_a_catalog_that_was_killed_equals_one_that_is_rebuilt(data: st.DataObject) -> None:
    history = data.draw(histories())
    pieces = data.draw(orders(history))
    kills = data.draw(st.lists(st.integers(0, 30), max_size=4))
    with TemporaryDirectory() as name:
        kept = fold_into(Path(name, "kept"), pieces, kills)
        whole = [("relay", history.relay), ("store", history.store)]
        rebuilt = fold_into(Path(name, "rebuilt"), [piece for piece in whole if piece[1]], [])
    assert kept == rebuilt
    assert {record.id: record.recipients for record in kept} == {
        ident: states[1] for ident, states in folded([*history.store, *history.relay]).items()
    }


def test_unknown_messages_and_senseless_events() -> None:
    tallies = Tallies()
    fold = Fold(MemoryShelf(), tallies)
    for kind in ("queued", "delivered", "deferred", "failed", "expired", "held", "dropped"):
        assert fold.take({"kind": kind, "queue_id": "unknown"}), kind
    senseless: list[dict[str, Any]] = [
        {},
        {"kind": []},
        {"kind": "accepted"},
        {"kind": "stored", "uid": "x"},
        {"kind": "held"},
    ]
    for event in senseless:
        assert not fold.take(event), event
    assert fold.take({"kind": "refused"})
    assert tallies.events["refused"] == 1


def accepted(**details: Any) -> dict[str, Any]:
    facts = {"kind": "accepted", "n": 1, "queue_id": "R1", "time": "2026-03-01T12:00:00Z", "port": "submission"}
    return {**facts, "sender": "a@a.test", "recipients": ["b@b.test", "c@b.test"], **details}


def test_what_the_client_said() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    said = {"login": "a@a.test", "peer": "::1", "client": "x", "protocol": "ESMTPSA", "tls": "TLSv1.3"}
    assert fold.take(accepted(message_id="<1@a.test>", **said))
    assert fold.take(accepted(n=2, peer="other"))  # once is enough
    journey = shelf.journeys["R1"]
    assert {name: getattr(journey, name) for name in said} == said
    assert (journey.number, journey.origin, journey.message_id) == (1, Origin.SUBMISSION, "<1@a.test>")
    assert (journey.arrived, journey.sender) == (1772366400.0, "a@a.test")


def test_what_the_client_did_not_say() -> None:
    shelf = MemoryShelf()
    assert Fold(shelf, Tallies()).take(accepted(sender=""))
    journey = shelf.journeys["R1"]
    assert journey.sender is journey.login is journey.tls is journey.message_id is None
    assert journey.peer == journey.client == journey.protocol == ""
    assert journey.state is State.QUEUED
    assert [
        (recipient.reason, recipient.host, recipient.due, recipient.attempts)
        for recipient in journey.recipient_states()
    ] == [("", "", None, 0)] * 2


def test_outcomes_in_the_words_of_the_peer_or_of_the_relay() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    about = {"queue_id": "R1", "recipient": "b@b.test"}
    words: list[tuple[dict[str, Any], str, str, float, int]] = [
        ({"reply": "451 later", "reason": "busy", "host": "mx", "next": 9.5, "attempt": 1}, "451 later", "mx", 9.5, 1),
        ({"reply": None, "reason": "no route", "host": None, "next": 10.5}, "no route", "", 10.5, 1),
        ({"next": 11.5, "attempt": 2}, "", "", 11.5, 2),
    ]
    assert fold.take(accepted())
    for detail, reason, host, due, attempts in words:
        assert fold.take({"kind": "deferred", **about, **detail})
        recipient = shelf.journeys["R1"].recipient_states()[0]
        assert (recipient.state, recipient.reason, recipient.host, recipient.due, recipient.attempts) == (
            State.DEFERRED,
            reason,
            host,
            due,
            attempts,
        )
    assert fold.take({"kind": "expired", **about, "reason": "too old", "attempt": 3})
    recipient = shelf.journeys["R1"].recipient_states()[0]
    assert (recipient.state, recipient.reason, recipient.due, recipient.attempts) == (State.FAILED, "too old", None, 3)


def test_held_and_released_and_dropped() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    for event in (accepted(), {"kind": "failed", "queue_id": "R1", "recipient": "c@b.test", "reply": "550 no"}):
        assert fold.take(event)
    journey = shelf.journeys["R1"]
    assert fold.take({"kind": "held", "queue_id": "R1"})
    assert [(recipient.state, recipient.due) for recipient in journey.recipient_states()] == [
        (State.HELD, None),
        (State.FAILED, None),
    ]
    assert journey.state is State.HELD
    assert fold.take({"kind": "released", "queue_id": "R1", "next": 7.5})
    assert [(recipient.state, recipient.due) for recipient in journey.recipient_states()] == [
        (State.QUEUED, 7.5),
        (State.FAILED, None),
    ]
    assert fold.take({"kind": "held", "queue_id": "R1"})
    assert fold.take({"kind": "dropped", "queue_id": "R1", "recipients": ["b@b.test"], "report": False})
    assert [recipient.state for recipient in journey.recipient_states()] == [State.DROPPED, State.FAILED]
    assert journey.recipient_states()[0].reason == "Taken out of the queue by the administrator"
    assert not journey.held


def test_a_copy_waits_for_its_delivery_wherever_it_goes() -> None:
    shelf = MemoryShelf()
    tallies = Tallies()
    fold = Fold(shelf, tallies)
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1}
    stored = {"kind": "stored", "time": "2026-03-01T12:00:01Z", "queue_id": "S1", "recipients": ["B@b.test"], **place}
    for event in (
        {**stored, "uid": 7, "captured": True},
        {"kind": "copied", **place, "uid": 7, "to": "Old", "to_uid_validity": 2, "to_uid": 3},
        {"kind": "moved", **place, "uid": 7, "to": "New", "to_uid_validity": 4, "to_uid": 1},
        {"kind": "removed", "account": "b@b.test", "mailbox": "Old", "uid_validity": 2},
        accepted(),
        {
            "kind": "delivered",
            "queue_id": "R1",
            "recipient": "b@b.test",
            "reply": "250 2.0.0 OK stored as S1",
            "latency": 1,
        },
    ):
        assert fold.take(event), event
    (first, other) = shelf.journeys["R1"].recipient_states()
    assert [(copy.mailbox, copy.uid_validity, copy.uid, copy.removed) for copy in first.copies] == [
        ("New", 4, 1, False),
        ("Old", 2, 3, True),
    ]
    assert first.state is State.CAPTURED
    assert (other.state, other.copies) == (State.QUEUED, ())
    assert not shelf.journeys["R1"].removed
    assert tallies.events["captured"] == 1


def test_a_message_that_the_relay_cannot_read_back_has_failed() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    for event in (
        accepted(),
        {"kind": "delivered", "queue_id": "R1", "recipient": "b@b.test", "reply": "250 OK", "latency": 0.5},
        {"kind": "failed", "queue_id": "R1", "reason": "unreadable"},
    ):
        assert fold.take(event)
    states = shelf.journeys["R1"].recipient_states()
    assert [(recipient.state, recipient.reason) for recipient in states] == [
        (State.DELIVERED, "250 OK"),
        (State.FAILED, "unreadable"),
    ]


def test_a_delivery_is_timed_by_its_event_if_the_relay_did_not_time_it() -> None:
    tallies = Tallies()
    fold = Fold(MemoryShelf(), tallies)
    delivered = {"kind": "delivered", "queue_id": "R1", "recipient": "b@b.test", "reply": "250 OK"}
    assert fold.take(accepted())
    assert fold.take({**delivered, "time": "2026-03-01T12:00:00.200Z"})
    assert tallies.latencies["delivery"].count == 1
    assert tallies.latencies["delivery"].sum == pytest.approx(0.2)


def test_both_hops_of_a_message_are_timed() -> None:
    tallies = Tallies()
    fold = Fold(MemoryShelf(), tallies)
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1, "uid": 1}
    delivered = {"kind": "delivered", "queue_id": "R1", "recipient": "b@b.test", "reply": "250 stored as S1"}
    assert fold.take(accepted())
    tallies.hops.attempted(b'{"n":2,"time":"2026-03-01T12:00:00.250Z","queue_id":"R1","attempt":1}')
    assert fold.take({**delivered, "latency": 1.0})
    stored = {"kind": "stored", "queue_id": "S1", "recipients": ["b@b.test"], **place}
    assert fold.take({**stored, "time": "2026-03-01T12:00:00.500Z"})
    sums = [tallies.latencies[hop].sum for hop in ("attempt", "store", "delivery")]
    assert sums == [pytest.approx(0.25), pytest.approx(0.5), pytest.approx(1.0)]


def test_octets_of_messages_from_outside_are_counted_and_those_of_reports_are_not() -> None:
    shelf, tallies = MemoryShelf(), Tallies()
    fold = Fold(shelf, tallies)
    told = {"kind": "reported", "n": 5, "time": "2026-03-01T12:00:00Z", "queue_id": "R1", "dsn_queue_id": "R2"}
    for event in (
        accepted(world="w1"),
        {"kind": "queued", "queue_id": "R1", "size": 700},
        {**told, "to": "a@a.test"},
        {"kind": "queued", "queue_id": "R2", "size": 90},
        accepted(n=6, queue_id="R3"),
        {"kind": "queued", "queue_id": "R3", "size": 5},
    ):
        assert fold.take(event)
    assert (tallies.octets, tallies.of("w1").octets, tallies.of("default").octets) == (705, 700, 5)
    assert [shelf.journeys[ident].size for ident in ("R1", "R2", "R3")] == [700, 90, 5]
    assert shelf.journeys["R2"].world == "w1"  # where the message was that it is about


def test_a_copy_that_comes_where_it_has_been_takes_the_place_of_what_it_was() -> None:
    """After a restore, UIDs are given again."""
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1}
    snapshot = {"account": "b@b.test", "token": "t", "snapshot": "seeded"}
    old = {"to": "Old", "to_uid_validity": 2, "to_uid": 1}
    words = {"host": "mx", "reply": "250 stored as S1", "latency": 0.1}
    stored = {"kind": "stored", "queue_id": "S1", "time": "2026-03-01T12:00:00Z", "recipients": ["b@b.test"]}
    for event in (
        accepted(recipients=["b@b.test"]),
        {"kind": "delivered", "queue_id": "R1", "recipient": "b@b.test", **words},
        {**stored, **place, "uid": 1},
        {"kind": "copied", **place, "uid": 1, "to": "Kept", "to_uid_validity": 3, "to_uid": 1},
        {"kind": "kept", **snapshot},
        {"kind": "moved", **place, "uid": 1, **old},
        {"kind": "restored", **snapshot},
        {"kind": "moved", **place, "uid": 1, **old},
    ):
        assert fold.take(event)
    assert sorted((copy.mailbox, copy.uid, copy.removed) for copy in shelf.journeys["R1"].placed) == [
        ("Kept", 1, False),
        ("Old", 1, False),
    ]


def test_a_recipient_that_accepted_did_not_name_is_added() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    assert fold.take(accepted())
    assert fold.take({"kind": "deferred", "queue_id": "R1", "recipient": "d@b.test", "next": 5, "attempt": 3})
    last = shelf.journeys["R1"].recipient_states()[-1]
    assert (last.address, last.state, last.due, last.attempts) == ("d@b.test", State.DEFERRED, 5.0, 3)


def test_unwanted_messages_are_left_out() -> None:
    shelf = MemoryShelf()
    shelf.unwanted.add("R1")
    fold = Fold(shelf, Tallies())
    assert fold.take(accepted())
    assert fold.take(
        {
            "kind": "reported",
            "n": 5,
            "time": "2026-03-01T12:00:00Z",
            "queue_id": "R1",
            "dsn_queue_id": "R2",
            "to": "a@a.test",
        }
    )
    assert list(shelf.journeys) == ["R2"]
    assert shelf.journeys["R2"].about == "R1"


def test_a_report_is_told_once() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    told = {"kind": "reported", "n": 5, "time": "2026-03-01T12:00:00Z", "queue_id": "R1", "dsn_queue_id": "R2"}
    for event in (accepted(), {**told, "to": "a@a.test"}, {**told, "to": "b@a.test"}):
        assert fold.take(event)
    assert shelf.journeys["R1"].reports == ["R2"]
    assert [recipient.address for recipient in shelf.journeys["R2"].recipients] == ["a@a.test"]


def test_uids_that_have_no_partner_stay() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1}
    now = {"time": "2026-03-01T12:00:00Z"}
    assert fold.take({"kind": "stored", **now, "queue_id": "S1", "recipients": ["b@b.test"], **place, "uid": 7})
    assert fold.take({"kind": "moved", **place, "uid": "6:7", "to": "Old", "to_uid_validity": 2, "to_uid": 1})
    assert [(copy.mailbox, copy.uid) for copy, _ in shelf.copies] == [("INBOX", 7)]


def test_the_queue_is_put_back() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    recipients = ["a@x.test", "b@x.test", "c@x.test", "d@x.test"]
    fold.take(accepted(recipients=recipients))
    words = {"host": "mx", "attempt": 1, "latency": 0.1}
    fold.take({"kind": "delivered", "queue_id": "R1", "recipient": "a@x.test", "reply": "250 stored as S1", **words})
    fold.take({"kind": "delivered", "queue_id": "R1", "recipient": "b@x.test", "reply": "250 stored as S2", **words})
    fold.take({"kind": "failed", "queue_id": "R1", "recipient": "c@x.test", "reason": "no", **words})
    then = [
        {"address": "a@x.test", "state": "delivered"},
        {"address": "b@x.test", "state": "queued"},
        {"address": "c@x.test", "state": "deferred", "attempt": 2, "reason": "later", "next": 9.5},
        {"address": "d@x.test", "state": "failed"},
    ]
    shelf.noted.clear()
    assert fold.take({"kind": "restored", "queue_id": "R1", "recipients": then, "held": True})
    assert shelf.noted == {"R1"}
    journey = shelf.journeys["R1"]
    assert journey.held
    assert [
        (recipient.state, recipient.via, recipient.attempts, recipient.due) for recipient in journey.recipients
    ] == [
        (State.DELIVERED, "S1", 1, None),
        (State.QUEUED, None, 0, None),
        (State.DEFERRED, None, 2, 9.5),
        (State.QUEUED, None, 0, None),  # it has not failed as far as this journal tells
    ]
    assert fold.take({"kind": "restored", "queue_id": "R9", "recipients": then, "held": True})  # people have removed it


def test_a_snapshot_that_the_journal_has_forgotten_changes_nothing() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    stored = {"account": "a@x.test", "mailbox": "INBOX", "uid_validity": 1, "uid": 1}
    fold.take(
        {"kind": "stored", "queue_id": "S1", "recipients": ["a@x.test"], "time": "2026-03-01T12:00:00Z", **stored}
    )
    assert fold.take({"kind": "restored", "account": "a@x.test", "token": "gone"})
    assert [copy.removed for copy, _ in shelf.copies] == [False]


def test_copies_are_where_a_snapshot_has_them() -> None:
    shelf = MemoryShelf()
    fold = Fold(shelf, Tallies())
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1}
    snapshot = {"account": "b@b.test", "token": "t", "snapshot": "seeded"}
    when = {"recipients": ["b@b.test"], "time": "2026-03-01T12:00:00Z"}
    fold.take(accepted(recipients=["b@b.test"]))
    words = {"host": "mx", "reply": "250 stored as S1", "latency": 0.1}
    fold.take({"kind": "delivered", "queue_id": "R1", "recipient": "b@b.test", **words})
    fold.take({"kind": "stored", "queue_id": "S1", **when, **place, "uid": 1})
    fold.take({"kind": "kept", **snapshot})
    fold.take({"kind": "removed", **place, "uid": 1})
    assert [copy.removed for copy in shelf.journeys["R1"].placed] == [True]
    shelf.noted.clear()
    assert fold.take({"kind": "restored", **snapshot})
    assert ([copy.removed for copy in shelf.journeys["R1"].placed], shelf.noted) == ([False], {"R1"})
    # It is moved, and another gets its UID; then both are where they were, which is nowhere.
    fold.take({"kind": "moved", **place, "uid": 1, "to": "Old", "to_uid_validity": 2, "to_uid": 1})
    fold.take({"kind": "stored", "queue_id": "S2", **when, **place, "uid": 1})
    assert fold.take({"kind": "restored", **snapshot, "uid_validities": {"INBOX": 9}})
    assert [(copy.mailbox, copy.uid_validity, copy.removed) for copy in shelf.journeys["R1"].placed] == [
        ("Old", 2, True),
        ("INBOX", 9, False),
    ]
    assert [copy.removed for copy, _ in shelf.copies if copy.store_id == "S2"] == [True]


def test_a_copy_may_be_removed_before_its_delivery_is_known(tmp_path: Path) -> None:
    """The store's journal may be ahead of the relay's."""
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1, "uid": 1}
    when = {"time": "2026-03-01T12:00:00Z", "service": "store"}
    writer = Writer(tmp_path, DefaultWorld())
    stored: dict[str, Any] = {"kind": "stored", "queue_id": "S1", "recipients": ["b@b.test"]}
    events = [stored, {"kind": "removed"}]
    for number, event in enumerate(events, 1):
        line = to_json({**when, **place, "n": number, **event}) + b"\n"
        Folding(writer, Tallies()).fold([("store", [line], len(line))])
        rows = writer.connection.execute("SELECT removed, number FROM copies").fetchall()
        assert rows == [(number - 1, None)]
    writer.close()


def test_a_snapshot_is_of_a_world(tmp_path: Path) -> None:
    when: dict[str, Any] = {"recipients": ["b@b.test"], "time": "2026-03-01T12:00:00Z", "service": "store"}
    place: dict[str, Any] = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1, "uid": 1}
    kept = {"kind": "kept", "account": "b@b.test", "snapshot": "seeded"}
    events: list[dict[str, Any]] = [
        {"kind": "stored", "queue_id": "S1", **place},
        {**kept, "token": "a", "world": "w1", "snapshot": "mine"},
        {**kept, "token": "b"},
    ]
    writer = Writer(tmp_path, SomeWorlds(w1=""))
    lines = [to_json({**when, "n": number, **event}) + b"\n" for number, event in enumerate(events, 1)]
    Folding(writer, Tallies()).fold([("store", lines, len(lines))])
    tokens = "SELECT DISTINCT token FROM kept ORDER BY token"
    assert writer.connection.execute(tokens).fetchall() == [("a",), ("b",)]
    writer.drop(["w1"])
    assert writer.connection.execute(tokens).fetchall() == [("b",)]
    writer.drop(["default"])
    assert writer.connection.execute(tokens).fetchall() == []
    writer.close()


def test_a_snapshot_takes_the_place_of_one_of_its_name(tmp_path: Path) -> None:
    place = {"account": "b@b.test", "mailbox": "INBOX", "uid_validity": 1}
    when: dict[str, Any] = {"recipients": ["b@b.test"], "time": "2026-03-01T12:00:00Z", "service": "store"}
    writer = Writer(tmp_path, DefaultWorld())
    kept = [{"kind": "kept", "account": "b@b.test", "snapshot": "seeded", "token": token} for token in "abc"]
    stored: dict[str, Any] = {"kind": "stored", "queue_id": "S1", **place, "uid": 1}
    events = [stored, *kept, {**kept[0], "snapshot": "other"}]
    lines = [to_json({**when, "n": number, **event}) + b"\n" for number, event in enumerate(events, 1)]
    Folding(writer, Tallies()).fold([("store", lines, len(lines))])
    rows = writer.connection.execute("SELECT name, token, count(*) FROM kept GROUP BY name ORDER BY name").fetchall()
    assert rows == [("other", "a", 2), ("seeded", "c", 2)]
    writer.drop(["default"])
    assert writer.connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    writer.close()
