"""A message's road: hops from the journals' events, with the lines of transcripts that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorRefused
from postroad_web.catalog.catalog import Catalog
from postroad_web.road.hops import hops_of, walk
from tests.harness.doors import ToyDoor, ToyStack
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PLACE = {"account": "bob@beta.test", "mailbox": "INBOX", "uid_validity": 7}


def event(
    kind: str, at: float, service: str = "relay", queue_id: str | None = "R000001", **detail: Any
) -> dict[str, Any]:
    return {"at": at, "service": service, "kind": kind, "queue_id": queue_id, "message_id": None, "detail": detail}


BOTH = ["bob@beta.test", "x"]
EVENTS = [
    event("accepted", 10.0, peer="127.0.0.1", client="app", tls=None, session="in", port="app", login=None),
    event("queued", 10.0, size=300),
    event("resolved", 10.5, domain="beta.test", mx=["10 mx.test"]),
    event(
        "attempted", 10.6, attempt=1, host="mx.test[1]", tls="TLSv1.3", session="out", recipients=["bob@beta.test", "x"]
    ),
    event("delivered", 10.7, attempt=1, recipient="bob@beta.test", reply="250 OK stored as s1", host="mx.test[1]"),
    event("deferred", 10.8, attempt=1, recipient="x", reply="451 later", next=20.0),
    event("stored", 10.65, "store", "s1", **PLACE, uid=4, session="mx", recipients=["bob@beta.test"]),
    event("stored", 10.66, "store", "s2", **PLACE, uid=5, session="mx", captured=True),
    event("retrieved", 11.0, "store", None, **PLACE, uid="3:4", session="imap", protocol="imap"),
    event("moved", 11.1, "store", None, **PLACE, uid=4, to="Trash", protocol="imap"),
    event("removed", 11.2, "store", None, account="bob@beta.test", mailbox="Trash", uid_validity=8, uid=1),
    event("deferred", 12.0, recipient="y", reason="connect: refused", next=30.0),
    event("reported", 13.0, dsn_queue_id="R000002", to="alice@alpha.test"),
]


def test_what_an_event_says_nothing_of_is_left_out() -> None:
    (hop,) = hops_of([event("queued", 10.0, size=0, reason="", reports=None, mx=[], held=False, note=" ")])
    assert hop.detail == {"size": 0, "held": False, "note": " "}


def test_every_event_has_its_hop() -> None:
    hops = hops_of(EVENTS)
    assert [(hop.kind, [child.kind for child in hop.children]) for hop in hops] == [
        ("submission", []),
        ("dns", []),
        ("attempt", ["delivered", "deferred"]),
        ("delivery", []),
        ("captured", []),
        ("read", []),
        ("copy", []),
        ("removed", []),
        ("deferred", []),
        ("report", []),
    ]
    submission, _, attempt, delivery, _, read, copy, *_ = hops
    assert submission.detail == {"port": "app", "size": 300}
    assert (submission.peer, submission.host, submission.session) == ("127.0.0.1", "app", "in")
    assert attempt.latency == pytest.approx(0.6)
    assert attempt.reply == "250 OK stored as s1"
    assert [child.recipient for child in attempt.children] == ["bob@beta.test", "x"]
    assert copy.detail["how"] == "moved"
    assert delivery.about is not None
    assert delivery.about({"message": "s1"})
    assert not delivery.about({"message": "s2"})
    assert read.about is not None
    assert read.about({"read": {**PLACE, "uids": "1:3"}})
    assert not read.about({"read": {**PLACE, "uids": "5"}})
    assert not read.about({"read": {**PLACE, "mailbox": "Trash", "uids": "3"}})
    assert not read.about({"message": "s1"})
    assert len(list(walk(hops))) == 12


def without_defaults(hop: dict[str, Any]) -> dict[str, Any]:
    children = {"children": [without_defaults(child) for child in hop["children"]]}
    return {name: value for name, value in (hop | children).items() if value not in (None, {}, [])}


def test_every_hop_as_it_is_shown() -> None:
    moves = [event(kind, 14.0, "store", None, **PLACE, uid=4, to="Old") for kind in ("copied", "renamed")]
    ends = [
        event("failed", 15.0, attempt=2, recipient="x", reply="550 no"),
        event("expired", 16.0, recipient="x"),
        event("queued", 17.0, queue_id="R000003", reports="R000001", size=5, host="mx.test"),
    ]
    relay: dict[str, Any] = {"service": "relay"}
    store: dict[str, Any] = {"service": "store"}
    first = {"kind": "attempt", "at": 10.6, "latency": 0.6, "host": "mx.test[1]", "tls": "TLSv1.3", "session": "out"}
    hops = hops_of([*EVENTS, *moves, *ends])
    assert [without_defaults(hop.shown(lambda at: at)) for hop in hops] == [
        {"kind": "submission", "at": 10.0, "latency": 0.0, "peer": "127.0.0.1", "host": "app", "session": "in"}
        | {"reply": "250 2.0.0 OK: queued as R000001", "detail": {"port": "app", "size": 300}} | relay,
        {"kind": "dns", "at": 10.5, "latency": 0.5, "detail": {"domain": "beta.test", "mx": ["10 mx.test"]}} | relay,
        first | relay | {"reply": "250 OK stored as s1", "detail": {"attempt": 1, "recipients": BOTH}, "children": [
            {"kind": "delivered", "at": 10.7, "latency": 0.7, "host": "mx.test[1]", "recipient": "bob@beta.test"}
            | {"reply": "250 OK stored as s1", "detail": {"attempt": 1}} | relay,
            {"kind": "deferred", "at": 10.8, "latency": 0.8, "reply": "451 later", "recipient": "x"}
            | {"detail": {"attempt": 1, "next": 20.0}} | relay,
        ]},
        {"kind": "delivery", "at": 10.65, "latency": 0.65, "reply": "250 2.0.0 OK stored as s1", "session": "mx"}
        | {"detail": {**PLACE, "uid": 4, "recipients": ["bob@beta.test"]}} | store,
        {"kind": "captured", "at": 10.66, "latency": 0.66, "reply": "250 2.0.0 OK stored as s2", "session": "mx"}
        | {"detail": {**PLACE, "uid": 5, "captured": True}} | store,
        {"kind": "read", "at": 11.0, "latency": 1.0, "session": "imap"}
        | {"detail": {**PLACE, "uid": "3:4", "protocol": "imap"}} | store,
        {"kind": "copy", "at": 11.1, "latency": 1.1}
        | {"detail": {**PLACE, "uid": 4, "to": "Trash", "protocol": "imap", "how": "moved"}} | store,
        {"kind": "removed", "at": 11.2, "latency": 1.2}
        | {"detail": {"account": "bob@beta.test", "mailbox": "Trash", "uid_validity": 8, "uid": 1}} | store,
        {"kind": "deferred", "at": 12.0, "latency": 2.0, "recipient": "y"}
        | {"detail": {"reason": "connect: refused", "next": 30.0}} | relay,
        {"kind": "report", "at": 13.0, "latency": 3.0}
        | {"detail": {"dsn_queue_id": "R000002", "to": "alice@alpha.test"}} | relay,
        *(
            {"kind": "copy", "at": 14.0, "latency": 4.0, "detail": {**PLACE, "uid": 4, "to": "Old", "how": how}} | store
            for how in ("copied", "renamed")
        ),
        {"kind": "failed", "at": 15.0, "latency": 5.0, "reply": "550 no", "recipient": "x", "detail": {"attempt": 2}}
        | relay,
        {"kind": "expired", "at": 16.0, "latency": 6.0, "recipient": "x"} | relay,
        {"kind": "submission", "at": 17.0, "latency": 7.0, "host": "mx.test"}
        | {"detail": {"reports": "R000001", "size": 5}} | relay,
    ]  # fmt: skip
    assert [*hops[0].shown(str)] == [
        *("kind", "at", "latency", "service", "peer", "host", "tls", "reply", "recipient", "session", "line"),
        *("detail", "children"),
    ]
    assert hops[0].shown(str)["at"] == "10.0"
    assert [hop.about is not None for hop in hops][:6] == [True, False, True, True, True, True]


def test_outcomes_belong_to_their_attempt() -> None:
    """Each recipient has its own; an attempt without recipients, or an outcome without an attempt, stands alone."""
    hops = hops_of(
        [
            event("attempted", 1.0, recipients=["a"]),
            event("attempted", 2.0, attempt=1, recipients=["a", "b"], reply="220"),
            event("attempted", 3.0, attempt=2),
            event("delivered", 4.0, recipient="a", reply="250"),
            event("failed", 5.0, attempt=1, recipient="b", reply="550", session="s"),
            event("deferred", 6.0, attempt=1, recipient="a", reply="450"),
            event("deferred", 7.0, attempt=2, recipient="a"),
            event("queued", 8.0, size=3, other=4),
        ]
    )
    assert [(hop.kind, hop.reply, [child.at for child in hop.children]) for hop in hops] == [
        ("attempt", "250", [4.0]),
        ("attempt", "220", [5.0, 6.0]),
        ("attempt", None, []),
        ("deferred", None, []),
    ]
    assert [child.session for child in hops[1].children] == [None, None]
    assert hops[-1].detail == {"attempt": 2, "size": 3}


def test_which_facts_are_about_a_reading() -> None:
    (read,) = hops_of([event("retrieved", 1.0, "store", None, **PLACE, uid="3:5,9")])
    assert read.about is not None
    seen = [uids for uids in ("1:2", "1:3", "4", "5:7", "6", "6:8", "8:9", "9", "10", "2,9") if read.about(
        {"read": {**PLACE, "uids": uids}}
    )]  # fmt: skip
    assert seen == ["1:3", "4", "5:7", "8:9", "9", "2,9"]
    for name, other in (("account", "x"), ("mailbox", "x"), ("uid_validity", 8)):
        assert not read.about({"read": {**PLACE, "uids": "3", name: other}})


def test_no_events_are_no_road() -> None:
    assert hops_of([]) == []
    assert [hop.kind for hop in hops_of([event("queued", 1.0, size=3)])] == []


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[tuple[ToyStack, ToyDoor, Catalog]]:
    toys = ToyStack()
    catalog = Catalog(tmp_path, relay=toys.relay, store=toys.store)
    await catalog.start()
    toys.accept(b"Subject: x\r\n\r\n", "alice@alpha.test", ["bob@beta.test", "x"])
    toys.defer("R000001", "x")
    await toys.told(catalog)
    yield toys, ToyDoor("dns", 1), catalog
    await catalog.close()


def exchange(ident: str, question: str, began: float, world: str = "default") -> dict[str, Any]:
    lines = [{"from": "client", "text": question}, {"from": "server", "text": "NOERROR"}]
    return {"id": ident, "question": question, "began": began, "peer": "127.0.0.25:9", "lines": lines, "world": world}


async def test_the_whole_story(stack: tuple[ToyStack, ToyDoor, Catalog]) -> None:
    toys, dns, catalog = stack
    refused = event("refused", 9.0, queue_id=None, command="RCPT", session="in", recipient="x@else.test", world="else")
    report = [event("queued", 13.0, queue_id="R000002", reports="R000001"), event("accepted", 13.1, queue_id="R000002")]
    messages = [
        {"queue_ids": ["R000001", "s1"], "reports": [], "entries": [refused, *EVENTS]},
        {"queue_ids": ["R000002"], "reports": ["R000001"], "entries": report},
        {"queue_ids": ["R000009"], "reports": [], "entries": report},
    ]
    facts = {
        "in": [{"line": 11, "message": "R000001"}],
        "out": [{"line": 30, "message": "R0"}, {"line": 40, "message": "R000001"}],
        "mx": [{"line": 20, "message": "s1"}],
        "imap": [{"line": 5, "read": {**PLACE, "uids": "4"}}],
    }
    for door, names in ((toys.relay, ("in", "out")), (toys.store, ("mx", "imap"))):
        for name in names:
            door.answers["GET", f"/sessions/{name}"] = {"facts": facts[name]}
    toys.relay.answers["GET", "/journal/search"] = {"messages": messages}
    asked = {
        "beta.test": [exchange("d9", "beta.test. IN A", 10.4), exchange("d1", "beta.test. IN MX", 10.4)],
        "mx.test": [exchange("d3", "mx.test. IN A", 99.0), exchange("d2", "mx.test. IN A", 10.45, world="else")],
    }
    dns.answers["GET", "/sessions"] = lambda query: {"sessions": asked[query["name"]]}
    for session in (session for sessions in asked.values() for session in sessions):
        dns.answers["GET", f"/sessions/{session['id']}"] = session
    async with client(services(relay=toys.relay, store=toys.store, dns=dns, catalog=catalog)) as http:
        road = (await http.get("/v1/messages/R000001/road")).json()
        assert (await http.get("/v1/messages/none/road")).status_code == 404
    assert (road["id"], road["world"]) == ("R000001", "default")
    assert [(hop["kind"], hop["session"], hop["line"]) for hop in road["hops"]] == [
        ("submission", "in", 11),
        ("dns", None, None),
        ("attempt", "out", 40),
        ("delivery", "mx", 20),
        ("captured", "mx", None),
        ("read", "imap", 5),
        ("copy", None, None),
        ("removed", None, None),
        ("deferred", None, None),
        ("report", None, None),
    ]
    assert [(child["session"], child["line"], child["detail"]) for child in road["hops"][1]["children"]] == [
        ("d1", 1, {"question": "beta.test. IN MX", "answer": ["NOERROR"]}),
        (None, None, {"question": "mx.test. IN A", "answer": ["NOERROR"]}),  # of another world: no session to look at
    ]
    assert [child["kind"] for child in road["hops"][-1]["children"]] == ["submission", "submission"]
    assert road["hops"][0]["at"] == "1970-01-01T00:00:10.000Z"
    assert [entry["recipient"] for entry in road["next_attempts"]] == ["x"]
    assert road["next_attempts"][0]["due"].startswith("2026-03-01T12:01:00")


async def test_refusals_in_the_client_s_session_are_on_the_road(stack: tuple[ToyStack, ToyDoor, Catalog]) -> None:
    toys, dns, catalog = stack
    own = event("refused", 9.0, queue_id=None, command="RCPT", session="in", recipient="x@y.test")
    later = event("refused", 14.0, "store", queue_id="s1", command="content", world="else")
    messages = [{"queue_ids": ["R000001"], "reports": [], "entries": [own, *EVENTS[:1], later]}]
    toys.relay.answers["GET", "/journal/search"] = {"messages": messages}
    async with client(services(relay=toys.relay, store=toys.store, dns=dns, catalog=catalog)) as http:
        road = (await http.get("/v1/messages/R000001/road")).json()
    assert [hop["kind"] for hop in road["hops"]] == ["refused", "submission", "refused"]


async def test_what_is_on_record_no_more(stack: tuple[ToyStack, ToyDoor, Catalog]) -> None:
    """Sessions that nobody knows, a look-up that was cached, services that are away."""
    toys, dns, catalog = stack
    journal = {"messages": [{"queue_ids": ["R000001"], "reports": [], "entries": EVENTS[:4]}]}
    toys.store.answers["GET", "/journal/search"] = journal
    toys.relay.away = True

    def refuse(_: object) -> None:
        raise DoorRefused(404, "no")

    dns.answers["GET", "/sessions"] = refuse
    async with client(services(relay=toys.relay, store=toys.store, dns=dns, catalog=catalog)) as http:
        road = (await http.get("/v1/messages/R000001/road")).json()
        assert [hop["session"] for hop in road["hops"]] == [None, None, None]
        assert road["hops"][1]["detail"]["cached"] is True
        toys.store.answers["GET", "/journal/search"] = {"messages": []}
        assert (await http.get("/v1/messages/R000001/road")).json()["hops"] == []
        toys.store.away = True
        assert (await http.get("/v1/messages/R000001/road")).status_code == 503
