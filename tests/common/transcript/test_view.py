"""A session as its JSON and as a dialogue, whole."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from postroad.tap import Carried, LoggedIn, Opened, Read
from postroad.transcript.dialogue import dialogue_of
from postroad.transcript.line import INLINE, Line, Reference, Side
from postroad.transcript.recorder import Recorder
from postroad.transcript.view import line_of, summary, whole
from tests.common.transcript.test_recorder import Wall

if TYPE_CHECKING:
    from postroad.transcript.tape import Tape

CONTENT = b"Subject: x\r\n\r\n" + b"x" * 2 * INLINE + b"\r\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


def recorder() -> Recorder:
    return Recorder(Wall(), sessions=9, size=1 << 20, memory=1 << 24)  # type: ignore[arg-type]


def relayed() -> Tape:
    """A session that carries a message of the world `shop` to a server."""
    tape = recorder().opened(Opened("smtp", "s7", "127.0.0.143:25", "127.0.0.25:4000", True, 1.0))
    tape.received(b"220 mx.test\r\n", 1.0, tls=False)
    tape.noted(Carried("Q1", "shop"))
    tape.sent(b"MAIL FROM:<a@alpha.test>\r\n", 2.0, tls=True)
    tape.received(b"250 OK\r\n", 2.0, tls=True)
    tape.sent(b"DATA\r\n", 3.0, tls=True)
    tape.received(b"354 Go\r\n", 3.0, tls=True)
    tape.sent(CONTENT + b".\r\n", 4.0, tls=True)
    tape.received(b"250 stored\r\n", 5.0, tls=True)
    tape.closed(6.0)
    return tape


def read() -> Tape:
    """A session of IMAP in which two messages are read, one in another world."""
    tape = recorder().opened(Opened("imap", "s8", "192.0.2.1:4000", "127.0.0.25:143", False, 1.0))
    tape.sent(b"* OK\r\n", 1.0, tls=True)
    tape.received(b"a LOGIN bob builder\r\n", 2.0, tls=True)
    tape.noted(LoggedIn("bob@beta.test", "default"))
    tape.sent(b"a OK\r\n", 2.0, tls=True)
    tape.received(b"b FETCH 1 FLAGS\r\n", 3.0, tls=True)
    tape.noted(Read("bob@beta.test", "INBOX", 7, "1", "default"))
    tape.noted(Read("eve@shop.test", "Shared", 8, "2:3", "shop"))
    tape.sent(b"b OK\r\n", 3.0, tls=True)
    return tape


def line(n: int, at: float, side: str, text: str, state: str, **more: Any) -> dict[str, Any]:
    return {"n": n, "at": at, "from": side, "text": text, "tls": True, "state": state} | more


def test_a_session_that_carries() -> None:
    shown = whole(relayed(), None)
    facts, lines = shown.pop("facts"), shown.pop("lines")
    assert shown == {
        "id": "s7",
        "protocol": "smtp",
        "peer": "127.0.0.143:25",
        "local": "127.0.0.25:4000",
        "outbound": True,
        "began": 1.0,
        "ended": 6.0,
        "tls": True,
        "account": None,
        "world": "shop",
        "messages": ["Q1"],
        "reads": [],
        "changed": shown["changed"],
        "omitted": 0,
    }
    assert facts == [{"line": 2, "message": "Q1"}]
    assert lines == [
        line(1, 1.0, "server", "220 mx.test", "connected") | {"tls": False},
        line(2, 2.0, "client", "MAIL FROM:<a@alpha.test>", "greeted", transaction=1),
        line(3, 2.0, "server", "250 OK", "mail", transaction=1),
        line(4, 3.0, "client", "DATA", "mail", transaction=1),
        line(5, 3.0, "server", "354 Go", "mail", transaction=1),
        line(*(6, 4.0, "client", "", "data"), transaction=1, reference={"size": len(CONTENT), "sha256": SHA}),
        line(7, 4.0, "client", ".", "data", transaction=1),
        line(8, 5.0, "server", "250 stored", "data", transaction=1),
    ]


def test_what_a_world_sees_of_it() -> None:
    assert (summary(relayed(), "shop")["messages"], summary(relayed(), "other")["messages"]) == (["Q1"], [])
    assert summary(relayed(), "other")["world"] == "other"
    assert [spoken["n"] for spoken in whole(relayed(), "shop")["lines"]] == list(range(1, 9))
    other = whole(relayed(), "other")
    assert [spoken["n"] for spoken in other["lines"]] == [1]
    assert other["facts"] == []


def test_a_session_that_reads() -> None:
    shown = whole(read(), None)
    assert (shown["account"], shown["world"], shown["ended"]) == ("bob@beta.test", "default", None)
    own = {"account": "bob@beta.test", "mailbox": "INBOX", "uid_validity": 7, "uids": "1"}
    others = {"account": "eve@shop.test", "mailbox": "Shared", "uid_validity": 8, "uids": "2:3"}
    assert shown["reads"] == [own, others]
    assert [fact["read"] for fact in shown["facts"]] == [own, others]
    assert summary(read(), "default")["reads"] == [own]
    assert [fact["read"] for fact in whole(read(), "default")["facts"]] == [own]
    assert shown["lines"][1] == line(2, 2.0, "client", "a LOGIN bob {?password}", "not authenticated", blank=True)


def test_dialogues() -> None:
    assert dialogue_of(whole(relayed(), None) | {"began": "then"}) == (
        "# smtp, session s7, 127.0.0.25:4000 to 127.0.0.143:25, then\n"
        "S: 220 mx.test\nT:\nC: MAIL FROM:<a@alpha.test>\nS: 250 OK\nC: DATA\nS: 354 Go\n"
        f"C: {{?content {len(CONTENT)} {SHA[:16]}}}\nC: .\nS: 250 stored\nX:\n"
    )
    assert dialogue_of(whole(read(), None) | {"began": "then", "omitted": 5}) == (
        "# imap, session s8, 192.0.2.1:4000 to 127.0.0.25:143, then\n"
        "# about 5 octets of it are not on record\n@ secure\n"
        "S: * OK\nC: a LOGIN bob {?password}\nS: a OK\nC: b FETCH 1 FLAGS\nS: b OK\n"
    )


@pytest.mark.parametrize(
    ("facts", "members"),
    [
        ({}, {}),
        ({"group": 3}, {"transaction": 3}),
        ({"blank": True}, {"blank": True}),
        ({"whole": False}, {"whole": False}),
        ({"reference": Reference(5, "ab")}, {"reference": {"size": 5, "sha256": "ab"}}),
        ({"reference": Reference(5, None)}, {"reference": {"size": 5, "sha256": None}}),
    ],
)
def test_a_line_has_the_members_that_say_something(facts: dict[str, Any], members: dict[str, Any]) -> None:
    plain: dict[str, Any] = {
        "number": 2,
        "at": 1.5,
        "side": Side.SERVER,
        "text": "x",
        "tls": False,
        "state": "s",
        "group": 0,
    }
    assert (
        line_of(Line(**(plain | facts)))
        == {"n": 2, "at": 1.5, "from": "server", "text": "x", "tls": False, "state": "s"} | members
    )


WORLDS: dict[str | None, tuple[list[int], list[int]]] = {
    None: ([1, 2, 3, 4, 5, 6, 7], [2, 4]),
    "shop": ([1, 2, 3, 6, 7], [2]),  # which is the session's, so that it sees what was refused
    "other": ([1, 4, 5], [4]),
    "third": ([1], []),
}


@pytest.mark.parametrize("world", WORLDS)
def test_each_world_sees_its_own_transactions_and_what_belongs_to_none(world: str | None) -> None:
    tape = recorder().opened(Opened("smtp", "s9", "127.0.0.143:25", "127.0.0.25:4000", True, 1.0))
    tape.received(b"220 mx.test\r\n", 1.0, tls=False)
    for ident, name in ("Q1", "shop"), ("Q2", "other"):
        tape.noted(Carried(ident, name))
        tape.sent(b"MAIL FROM:<>\r\n", 2.0, tls=False)
        tape.received(b"550 no\r\n", 2.0, tls=False)
    tape.sent(b"MAIL FROM:<x@x.test>\r\n", 2.0, tls=False)  # of no message that is known
    tape.sent(b"RSET\r\n", 2.0, tls=False)
    lines, facts = WORLDS[world]
    shown = whole(tape, world)
    assert [spoken["n"] for spoken in shown["lines"]] == lines
    assert [fact["line"] for fact in shown["facts"]] == facts
    assert shown["messages"] == [{2: "Q1", 4: "Q2"}[line] for line in facts]
