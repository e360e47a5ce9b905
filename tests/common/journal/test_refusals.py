from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.journal.refusals import BURST, PEERS, REFILL, Refusals
from postroad.mail.address import Address
from postroad.mail.reply import AUTH_FAILED, NO_SUCH_USER
from postroad.smtp.server.service import Purpose, Session
from postroad.world.world import Account

if TYPE_CHECKING:
    import pytest

    from postroad.journal import Journal


class Notes:
    """A journal that is only remembered."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def record(self, kind: Kind, queue_id: str | None = None, message_id: str | None = None, **detail: Any) -> None:
        self.events.append({"kind": kind, "queue_id": queue_id, "message_id": message_id} | detail)


def session(peer: str = "127.0.0.1") -> Session:
    return Session(Purpose.SUBMISSION, ip_address(peer), 4711, "s1", client_name="client.test")


def make() -> tuple[Refusals, Notes, Clock]:
    notes, clock = Notes(), Clock(steady=lambda: 0.0)
    return Refusals(cast("Journal", notes), clock), notes, clock


def test_a_refusal_is_a_line_of_the_log_and_an_event_of_the_journal(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals, notes, _ = make()
    refusals.note("RCPT", NO_SUCH_USER, **session().facts, sender="alice@alpha.test", recipient="nobody@beta.test")
    assert notes.events == [
        {
            "kind": Kind.REFUSED,
            "queue_id": None,
            "message_id": None,
            "command": "RCPT",
            "peer": "127.0.0.1",
            "client": "client.test",
            "port": "submission",
            "session": "s1",
            "sender": "alice@alpha.test",
            "recipient": "nobody@beta.test",
            "reply": "550 5.1.1 No such user here",
        }
    ]
    (record,) = caplog.records
    assert record.getMessage() == "refused RCPT"
    shown = vars(record)
    assert (shown["peer"], shown["recipient"], shown["reply"]) == (
        "127.0.0.1",
        "nobody@beta.test",
        "550 5.1.1 No such user here",
    )


def test_a_session_that_is_logged_in_is_called_by_its_login() -> None:
    refusals, notes, _ = make()
    known = session()
    known.account = Account(Address("alice", "alpha.test"), "wonderland")
    refusals.note("MAIL", NO_SUCH_USER, **known.facts, message_id="<a@b>")
    assert (notes.events[0]["login"], notes.events[0]["message_id"]) == ("alice@alpha.test", "<a@b>")


def test_450_refusals_are_450_events() -> None:
    refusals, notes, _ = make()
    for _ in range(450):
        refusals.note("AUTH", AUTH_FAILED, **session().facts, login="alice")
    assert len(notes.events) == 450


def test_a_flood_is_noted_in_part_and_the_rest_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    refusals, notes, clock = make()
    for _ in range(BURST + 1000):
        refusals.note("AUTH", AUTH_FAILED, **session().facts, login="alice")
    assert len(notes.events) == BURST
    assert caplog.messages == ["127.0.0.1 is refused so often that only one refusal in 5 seconds is recorded"]
    refusals.note("AUTH", AUTH_FAILED, **session("127.0.0.2").facts, login="bob")  # others are noted
    assert notes.events[-1]["login"] == "bob"
    clock.push(REFILL)
    for _ in range(10):
        refusals.note("AUTH", AUTH_FAILED, **session().facts, login="alice")
    assert len(notes.events) == BURST + 2
    assert notes.events[-1]["not_noted"] == 1000
    clock.push(REFILL * BURST * 2)
    for _ in range(BURST + 1):
        refusals.note("AUTH", AUTH_FAILED, **session().facts, login="alice")
    assert len(notes.events) == 2 * BURST + 2
    assert "not_noted" not in notes.events[-1]


def test_only_so_many_peers_are_remembered() -> None:
    refusals, _, _ = make()
    first = "127.1.0.0"
    refusals.note("AUTH", AUTH_FAILED, **session(first).facts)
    for number in range(PEERS):
        refusals.note("AUTH", AUTH_FAILED, **session(f"127.2.{number // 250}.{number % 250}").facts)
    assert len(refusals._peers) == PEERS
    assert first not in refusals._peers
