"""Tapes and the recorder: bounds, worlds, and what is left when there is too much."""

from __future__ import annotations

from typing import Any

import pytest

from postroad.tap import Carried, LoggedIn, Opened, Read
from postroad.transcript.recorder import Recorder, recorder_of
from postroad.transcript.tape import FIRST, STEP, Tape
from postroad.transcript.view import summary, whole
from tests.common.transcript.said import opened

CONTENT = b"Subject: x\r\n\r\n" + b"x" * 2500 + b"\r\n.\r\n"


class Wall:
    """A clock that stands still."""

    def now(self) -> float:
        return 5.0


def recorder(*, sessions: int = 100, size: int = 1 << 20, memory: int = 1 << 24) -> Recorder:
    return Recorder(Wall(), sessions=sessions, size=size, memory=memory)  # type: ignore[arg-type]


def session(recorder: Recorder, name: str, world: str | None = None, *, over: bool = True) -> Tape:
    tape = recorder.opened(opened(session=name))
    tape.sent(b"220 mx.test\r\n", 1.0, tls=False)
    if world is not None:
        tape.noted(LoggedIn(f"bob@{world}.test", world))
    if over:
        tape.closed(3.0)
    return tape


def carry(tape: Tape, number: int, world: str = "default") -> None:
    """Let an outbound session carry a message."""
    tape.noted(Carried(f"Q{number}", world))
    tape.sent(b"MAIL FROM:<a@alpha.test>\r\nRCPT TO:<b@beta.test>\r\nDATA\r\n", 1.0, tls=True)
    tape.received(b"250 OK\r\n250 OK\r\n354 Go\r\n", 1.0, tls=True)
    tape.sent(CONTENT, 1.0, tls=True)
    tape.received(b"250 stored as S%d\r\n" % number, 1.0, tls=True)


def outbound(recorder: Recorder) -> Tape:
    tape = recorder.opened(Opened("smtp", "out", "127.0.0.143:25", "127.0.0.25:4000", True, 1.0))
    tape.received(b"220 mx.test\r\n", 1.0, tls=False)
    tape.sent(b"EHLO relay.test\r\n", 1.0, tls=False)
    tape.received(b"250 mx.test\r\n", 1.0, tls=False)
    return tape


def incoming(recorder: Recorder) -> Tape:
    tape = session(recorder, "in", over=False)
    tape.received(b"EHLO x\r\n", 1.0, tls=False)
    tape.sent(b"250 x\r\n", 1.0, tls=False)
    return tape


def submit(tape: Tape, number: int) -> None:
    """Let an inbound session bring a message."""
    tape.received(b"MAIL FROM:<a@alpha.test>\r\n", 1.0, tls=False)
    tape.sent(b"250 OK\r\n", 1.0, tls=False)
    tape.received(b"RCPT TO:<a@alpha.test>\r\nDATA\r\n", 1.0, tls=False)
    tape.sent(b"250 OK\r\n354 Go\r\n", 1.0, tls=False)
    tape.received(CONTENT, 1.0, tls=False)
    tape.noted(Carried(f"Q{number}", "default"))
    tape.sent(b"250 queued as Q%d\r\n" % number, 1.0, tls=False)


def names(recorder: Recorder) -> list[str]:
    return [tape.opened.session for tape in recorder.tapes()]


def consistent(recorder: Recorder) -> bool:
    """Whether what is held is the sum of what the tapes hold, as far as they have told; they tell before it is much."""
    tapes = list(recorder.tapes())
    untold = [tape.held - tape.told for tape in tapes if tape.ended is None]
    told_at_the_end = all(tape.held == tape.told for tape in tapes if tape.ended is not None)
    return told_at_the_end and max(untold, default=0) <= STEP and recorder.held == sum(tape.told for tape in tapes)


def test_the_oldest_that_has_ended_goes_first() -> None:
    heard = recorder(sessions=3)
    session(heard, "open", over=False)
    for name in ("a", "b", "c"):
        session(heard, name)
    assert names(heard) == ["c", "b", "open"]
    assert heard.find("a") is None
    for name in ("d", "e", "f"):
        session(heard, name, over=False)
    assert names(heard) == ["f", "e", "d"]
    assert consistent(heard)


def test_a_session_whose_tape_is_gone_is_recorded_no_further() -> None:
    heard = recorder(sessions=1)
    tape = session(heard, "a", over=False)
    session(heard, "b", over=False)
    tape.received(b"NOOP\r\n", 2.0, tls=False)
    tape.sent(b"250\r\n", 2.0, tls=False)
    tape.noted(LoggedIn("bob", "checkout"))
    tape.closed(3.0)
    assert tape.lines == []
    assert names(heard) == ["b"]
    assert consistent(heard)


def test_a_world_has_its_own_bounds() -> None:
    heard = recorder(sessions=2)
    for name in "abc":
        session(heard, name, "checkout")
    session(heard, "d")
    session(heard, "e")
    assert names(heard) == ["e", "d", "c", "b"]
    assert [tape.of("checkout") for tape in heard.tapes()] == [False, False, True, True]
    assert [tape.of("default") for tape in heard.tapes()] == [True, True, False, False]
    assert all(tape.of(None) for tape in heard.tapes())


def test_a_world_that_is_learnt_after_the_end() -> None:
    heard = recorder(sessions=2)
    tape = session(heard, "a")
    tape.noted(LoggedIn("bob", "checkout"))
    assert (tape.world, tape.ended) == ("checkout", 3.0)
    tape.noted(LoggedIn("bob", "checkout"))
    assert consistent(heard)


def test_the_fullest_world_pays_for_what_is_too_much() -> None:
    heard = recorder(memory=20_000)
    quiet = session(heard, "quiet", "calm")
    for number in range(50):
        tape = session(heard, f"s{number}", "flood", over=False)
        tape.received(b"NOOP " + b"x" * 1000 + b"\r\n", 1.0, tls=False)
        tape.closed(2.0)
    assert heard.find("quiet") is quiet
    assert heard.held <= 20_000
    assert heard.find("s49") is not None
    assert heard.find("s0") is None
    assert consistent(heard)


def test_one_session_alone_is_shortened() -> None:
    heard = recorder(memory=30_000)
    tape = session(heard, "a", over=False)
    for _ in range(300):
        tape.received(b"NOOP " + b"x" * 200 + b"\r\n", 1.0, tls=False)
        tape.sent(b"250 OK\r\n", 1.0, tls=False)
    assert heard.held <= 30_000
    shown = whole(tape, None)
    assert shown["lines"][0]["text"] == "220 mx.test"
    assert shown["omitted"] > 0
    assert shown["lines"][FIRST]["n"] > FIRST + 1
    assert consistent(heard)


def test_old_transactions_go_unread() -> None:
    heard = recorder(size=40_000)
    tape = outbound(heard)
    for number in range(200):
        carry(tape, number)
    assert tape.held <= 40_000
    assert list(tape.messages)[-1] == "Q199"
    assert "Q5" not in tape.messages
    assert tape.lines == []  # nothing was read on the hot path
    shown = whole(tape, None)
    assert [line["text"] for line in shown["lines"][:3]] == ["220 mx.test", "EHLO relay.test", "250 mx.test"]
    numbers = [fact["message"] for fact in shown["facts"]]
    assert numbers == list(tape.messages)
    by_number = {line["n"]: line for line in shown["lines"]}
    assert {by_number[fact["line"]]["text"] for fact in shown["facts"]} == {"MAIL FROM:<a@alpha.test>"}
    assert [line["text"] for line in shown["lines"] if line["text"].startswith("250 stored")] == [
        f"250 stored as S{number[1:]}" for number in numbers
    ]
    assert shown["omitted"] > 0
    assert consistent(heard)


def test_inbound_too() -> None:
    heard = recorder(size=40_000)
    tape = incoming(heard)
    for number in range(100):
        submit(tape, number)
    assert tape.lines == []
    shown = whole(tape, "default")
    assert [line["text"] for line in shown["lines"] if "queued" in line["text"]] == [
        f"250 queued as {ident}" for ident in tape.messages
    ]
    assert 3 < len(tape.messages) < 20


def test_one_large_transaction_is_read_at_once() -> None:
    heard = recorder(size=40_000)
    tape = outbound(heard)
    tape.noted(Carried("Q1", "default"))
    tape.sent(b"MAIL FROM:<a@alpha.test>\r\nRCPT TO:<b@beta.test>\r\nDATA\r\n", 1.0, tls=True)
    tape.received(b"250 OK\r\n250 OK\r\n354 Go\r\n", 1.0, tls=True)
    for _ in range(1000):
        tape.sent(b"x" * 998 + b"\r\n", 1.0, tls=True)
    tape.sent(b".\r\n", 1.0, tls=True)
    tape.received(b"250 OK\r\n", 1.0, tls=True)
    assert tape.held < 50_000
    (content,) = [line for line in whole(tape, None)["lines"] if "reference" in line]
    assert content["reference"]["size"] == 1_000_000
    assert consistent(heard)


def test_what_is_dropped_line_by_line_takes_its_facts_along() -> None:
    heard = recorder(size=40_000)
    tape = outbound(heard)
    for number in range(40):
        carry(tape, number)
        tape.read()
    assert tape.held <= 40_000
    assert list(tape.messages)[-1] == "Q39"
    numbers = {line.number for line in tape.lines}
    assert all(note.line in numbers for note in tape.notes if isinstance(note.fact, Carried))
    assert len(tape.messages) == len([note for note in tape.notes if isinstance(note.fact, Carried)])


def test_worlds_that_share_a_session_see_their_own() -> None:
    heard = recorder()
    tape = outbound(heard)
    carry(tape, 1, "shop")
    carry(tape, 2, "blog")
    tape.sent(b"MAIL FROM:<refused@alpha.test>\r\n", 1.0, tls=True)
    tape.received(b"550 no\r\n", 1.0, tls=True)
    shop, blog, every = whole(tape, "shop"), whole(tape, "blog"), whole(tape, None)
    assert (shop["messages"], blog["messages"], every["messages"]) == (["Q1"], ["Q2"], ["Q1", "Q2"])
    assert [fact["message"] for fact in shop["facts"]] == ["Q1"]
    texts = [line["text"] for line in shop["lines"]]
    assert "250 stored as S1" in texts
    assert "250 stored as S2" not in texts
    assert "220 mx.test" in texts
    assert "MAIL FROM:<refused@alpha.test>" in texts  # of the world in whose bounds it is
    assert "MAIL FROM:<refused@alpha.test>" not in [line["text"] for line in blog["lines"]]
    assert len(every["lines"]) > len(shop["lines"])
    assert not tape.of("default")


def test_a_world_that_is_dropped_leaves_nothing() -> None:
    heard = recorder()
    tape = outbound(heard)
    carry(tape, 1, "shop")
    carry(tape, 2, "blog")
    session(heard, "own", "shop")
    heard.drop_world("shop")
    assert names(heard) == ["out"]
    assert "S1" not in str(whole(tape, None))
    assert tape.messages == {"Q2": "blog"}
    heard.drop_world("blog")
    assert names(heard) == []
    assert heard.held == 0


def test_the_default_worlds_sessions_are_emptied() -> None:
    heard = recorder()
    tape = outbound(heard)
    carry(tape, 1)
    heard.drop_world("default")
    assert [line["text"] for line in whole(tape, "default")["lines"]] == [
        "220 mx.test",
        "EHLO relay.test",
        "250 mx.test",
    ]
    assert consistent(heard)


def test_what_is_read_by_whom() -> None:
    heard = recorder()
    tape = heard.opened(opened("imap"))
    tape.sent(b"* OK\r\n", 1.0, tls=True)
    tape.received(b"a UID FETCH 1:2 BODY[]\r\nb NOOP\r\n", 1.0, tls=True)
    fact = Read("bob@beta.test", "INBOX", 7, "1:2", "default")
    tape.noted(fact)
    tape.sent(b"a OK\r\nb OK\r\n", 1.0, tls=True)
    tape.closed(2.0)
    place = {"account": "bob@beta.test", "mailbox": "INBOX", "uid_validity": 7, "uids": "1:2"}
    shown = whole(tape, "default")
    assert shown["facts"] == [{"line": 2, "read": place}]
    assert shown["reads"] == [place]
    assert shown["tls"]
    assert whole(tape, None)["lines"] == whole(tape, None)["lines"]


def test_numbers_grow_with_each_change() -> None:
    heard = recorder()
    assert heard.number == 5_000_000
    rung: list[int] = []
    tape = session(heard, "a", over=False)
    before = heard.number
    assert tape.changed == before
    heard.woken = lambda: rung.append(1)
    tape.received(b"NOOP\r\n", 1.0, tls=False)
    tape.received(b"NOOP\r\n", 1.0, tls=False)
    assert heard.number == before + 1
    assert tape.changed == before + 1
    assert rung == [1]

    def closed() -> None:
        raise RuntimeError

    heard.woken = closed
    tape.closed(2.0)
    assert heard.woken is None


def test_a_summary() -> None:
    heard = recorder()
    tape = session(heard, "a", "shop")
    value: dict[str, Any] = summary(tape, None)
    assert value == {
        "id": "a", "protocol": "smtp", "peer": "192.0.2.1:4000", "local": "127.0.0.25:2525", "outbound": False,
        "began": 1.0, "ended": 3.0, "tls": False, "account": "bob@shop.test", "world": "shop", "messages": [],
        "reads": [], "changed": tape.changed,
    }  # fmt: skip


def test_the_bounds_are_settings() -> None:
    from postroad.config import Settings

    bounded = recorder_of(Settings.from_environ({"POSTROAD_TRANSCRIPT_SESSIONS": "1"}), Wall())  # type: ignore[arg-type]
    session(bounded, "a")
    session(bounded, "b")
    assert names(bounded) == ["b"]


def test_a_protocol_that_has_no_observer() -> None:
    heard = recorder()
    tape = heard.opened(opened("gopher"))
    tape.received(b"x\r\n", 1.0, tls=False)
    with pytest.raises(KeyError):
        tape.read()
