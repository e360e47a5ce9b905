"""Roads, sessions and clocks, as values and as text."""

from __future__ import annotations

from datetime import datetime

from postroad_kit.history import Line, Session, clock_of, road_of, session_of

AT = "2026-11-26T12:00:00.250Z"


def test_a_road() -> None:
    detail = {"question": "shop.test. IN MX", "answer": ["NOERROR aa", "10 mx"]}
    question = {"kind": "dns", "at": AT, "service": "dns", "detail": detail}
    attempt = {
        "kind": "attempt",
        "at": AT,
        "service": "relay",
        "host": "mx.postroad.test",
        "reply": "250 2.0.0 OK\x1b",
        "recipient": "bob@shop.test",
        "tls": "TLSv1.3",
        "session": "s1",
        "detail": {"account": "bob@shop.test", "mailbox": "INBOX", "uid": 1},
        "children": [question],
    }
    road = road_of({"id": "4F1A9C", "hops": [{"kind": "submission", "at": None, "peer": "127.0.0.1"}, attempt]})
    assert [hop.kind for hop in road.of("dns", "attempt")] == ["attempt", "dns"]
    assert road.hops[1].session == "s1"
    assert str(road).splitlines() == [
        "4F1A9C",
        "  submission  127.0.0.1",
        (
            "  12:00:00.250 relay  attempt  bob@shop.test  mx.postroad.test  TLSv1.3"
            "  bob@shop.test INBOX 1  250 2.0.0 OK\\x1b"
        ),
        "    12:00:00.250 dns  dns  shop.test. IN MX → NOERROR aa; 10 mx",
    ]


def test_a_session() -> None:
    lines = [
        {"at": AT, "from": "server", "text": "220 relay", "tls": False},
        {"at": AT, "from": "client", "text": "AUTH PLAIN {?a}", "tls": True, "blank": True},
        {"at": AT, "from": "client", "text": "", "tls": True, "reference": {"size": 300, "sha256": "ab"}},
    ]
    answer = {"id": "s1", "service": "relay", "protocol": "smtp", "peer": "127.0.0.1", "account": "checkout"}
    session = session_of({**answer, "began": AT, "ended": None, "messages": ["4F1A9C"], "lines": lines})
    assert session.lines[1].tls
    assert session.ended is None
    assert session.messages == ("4F1A9C",)
    assert str(session) == (
        "smtp relay, from 127.0.0.1, checkout\n  S: 220 relay\n  C: AUTH PLAIN {?a}\n  C: (300 octets)"
    )
    assert str(session_of({**answer, "account": None, "outbound": True})) == "smtp relay, to 127.0.0.1"


def test_a_clock() -> None:
    clock = clock_of({"now": AT, "ahead": 7200, "next": None})
    assert clock.ahead == 7200
    assert clock.now.microsecond == 250_000
    assert clock.next is None


def test_every_member_of_a_transcript() -> None:
    times = ["2026-11-26T12:00:00+00:00", "2026-11-26T12:00:01+00:00", "2026-11-26T12:00:02+00:00"]
    began, at, ended = map(datetime.fromisoformat, times)
    answer = {
        "id": "s1", "service": "store", "protocol": "imap", "peer": "192.0.2.1:4000", "outbound": True,
        "account": "bob@shop.test", "began": times[0], "ended": times[2], "messages": ["4F1A9C"],
        "lines": [
            {"at": times[1], "from": "client", "text": "a NOOP", "tls": True},
            {"at": None, "from": "server", "reference": {"size": 7}},
            {"from": "server", "text": "(x", "reference": {"size": 7}},
        ],
    }  # fmt: skip
    assert session_of(answer) == Session(
        "s1", "store", "imap", "192.0.2.1:4000", True, "bob@shop.test", began, ended, ("4F1A9C",),
        (
            Line(at, "client", "a NOOP", True),
            Line(None, "server", "(7 octets)", False),
            Line(None, "server", "(x", False),
        ),
    )  # fmt: skip
    least = {"id": "s2", "service": "relay", "protocol": "smtp"}
    assert session_of(least) == Session("s2", "relay", "smtp", "", False, "", None, None, (), ())
