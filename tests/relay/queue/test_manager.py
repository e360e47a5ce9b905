from __future__ import annotations

import asyncio
import email
import errno
import logging
import os
from collections import defaultdict
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, cast

import pytest

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.mail.address import Address, parse_address
from postroad.mail.content import SPILL_AT, Content
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import reply
from postroad.smtp.client.outcome import Delivered, Failed, Outcome, deferred, failed, from_reply
from postroad.smtp.client.session import Session
from postroad.world.world import MX
from postroad_relay.delivery.courier import Attempt, Courier
from postroad_relay.delivery.routing import Route, Target
from postroad_relay.dsn.report import RETURN_WHOLE
from postroad_relay.queue.active import period
from postroad_relay.queue.capacity import Capacity
from postroad_relay.queue.manager import Manager, _domain
from postroad_relay.queue.schedule import Schedule
from postroad_relay.queue.spool import UNTRIED, Message, Spool, SpoolError, Stored
from tests.relay.dsns import REPORTER
from tests.relay.notes import Notes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from postroad.journal import Journal
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Deferred
    from postroad_relay.delivery.router import Router
    from postroad_relay.queue.spool import Entry

HOST = "mx.test[127.0.0.9]"
TARGET = Target("mx.test", IPv4Address("127.0.0.9"))
OK = Delivered(HOST, reply(250, "2.0.0", "OK"))
NO_USER = from_reply(reply(550, "5.1.1", "No such user"), host=HOST, command="RCPT TO")
BUSY = from_reply(reply(450, "4.2.1", "Busy"), host=HOST, command="RCPT TO")
DOWN = deferred("4.4.1", "connect to mx.test[127.0.0.9]: Connection refused", HOST)
CONTENT = b"Subject: hi\r\n\r\nbody\r\n"


class StubRouter:
    """Knows a route for every domain but those of `failing`."""

    def __init__(self) -> None:
        self.failing: dict[str, Deferred | Failed] = {}
        self.asked: list[str] = []
        self.worlds: list[str] = []

    def known(self, domain: str) -> Route | None:
        return None

    async def route(self, domain: str, *, world: str = "default") -> Route | Deferred | Failed:
        self.asked.append(domain)
        self.worlds.append(world)
        await asyncio.sleep(0)
        return self.failing.get(domain, Route((TARGET,), (MX(10, f"mx.{domain}"),)))


class StubCourier:
    """Delivers as it is told: an outcome for a recipient, or for anyone."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome | Exception] = {}
        self.gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.gated: set[str] = set()  # domains that wait for their gate
        self.deliveries: list[tuple[str, ...]] = []
        self.contents: list[bytes] = []
        self.running = 0
        self.most = 0
        self.changed = asyncio.Event()

    async def deliver(
        self, route: Route, transaction: Transaction, stored: Stored, attempted: Callable[[Session], None]
    ) -> Attempt:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            names = tuple(str(recipient.address) for recipient in transaction.envelope.recipients)
            domain = names[0].rpartition("@")[2]
            attempted(Session(TARGET, "relay.test", None, Clock()))
            if domain in self.gated:
                await self.gates[domain].wait()
            else:
                await asyncio.sleep(0)
            self.contents.append(b"".join(stored.blocks()))
            self.deliveries.append(names)
            outcomes = [self.outcomes.get(name, OK) for name in names]
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
            final = tuple(outcome for outcome in outcomes if not isinstance(outcome, Exception))
            return Attempt(final, not all(outcome is DOWN for outcome in final))
        finally:
            self.running -= 1
            self.changed.set()


@dataclass
class Bench:
    """A manager on a real spool, with everything around it under the test's hand."""

    directory: Path
    now: float = 1000.0
    waits: tuple[float, ...] = (0.01, 0.01, 1000.0)
    expiry: float = 100_000.0
    capacity: Capacity = field(default_factory=Capacity)

    def __post_init__(self) -> None:
        self.router = StubRouter()
        self.courier = StubCourier()
        self.notes = Notes()
        self.open()

    def open(self) -> None:
        self.clock = Clock(wall=self.wall)
        self.spool = Spool(self.directory, clock=self.clock, journal=cast("Journal", self.notes))
        self.manager = Manager(
            self.spool,
            router=cast("Router", self.router),
            courier=cast("Courier", self.courier),
            schedule=Schedule(self.waits, self.expiry),
            journal=cast("Journal", self.notes),
            reporter=REPORTER,
            clock=self.clock,
            chance=lambda: 0.0,
            capacity=self.capacity,
        )

    def wall(self) -> float:
        """Time stands still unless it is moved, but never so that a timer goes off before its time."""
        self.now += 0.01
        return self.now

    async def close(self) -> None:
        await self.manager.close(grace=0.1)
        self.spool.close()

    async def put(self, *recipients: str, content: bytes = CONTENT, sender: str | None = "alice@alpha.test") -> str:
        envelope = Envelope(
            parse_address(sender) if sender is not None else None,
            tuple(Recipient(parse_address(recipient)) for recipient in recipients or ("bob@beta.test",)),
        )
        message = Message(self.spool.new_id(), self.now, envelope, "<hi@alpha.test>", len(content))
        entry, durable = self.spool.add(message, (content,))
        await durable
        self.manager.accepted(entry, Stored(message, UNTRIED, content))
        return message.queue_id

    async def idle(self) -> None:
        """Wait until the queue is empty."""
        await self.notes.until(lambda: not len(self.spool) and not self.manager.active)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what tells of itself in no other way."""
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await bench.close()


async def test_a_message_is_delivered_and_forgotten(bench: Bench) -> None:
    ident = await bench.put()
    await bench.idle()
    assert bench.courier.deliveries == [("bob@beta.test",)]
    assert bench.courier.contents == [CONTENT]
    (attempted,) = bench.notes.find(Kind.ATTEMPTED)
    assert attempted.pop("session")
    assert bench.notes.events == [
        (Kind.RESOLVED, ident, {"domain": "beta.test", "mx": ["10 mx.beta.test"]}),
        (
            Kind.ATTEMPTED,
            ident,
            {"attempt": 1, "host": HOST, "tls": None, "reused": False, "recipients": ["bob@beta.test"]},
        ),
        (
            Kind.DELIVERED,
            ident,
            {"recipient": "bob@beta.test", "attempt": 1, "host": HOST, "reply": "250 2.0.0 OK", "latency": 0.03},
        ),
    ]


async def test_a_route_is_looked_up_before_the_message_is_here(tmp_path: Path) -> None:
    bench = Bench(tmp_path, capacity=Capacity(lookups=2))
    for name in ("a@beta.test", "b@gamma.test", "c@delta.test"):
        bench.manager.expect(parse_address(name))
    await until(lambda: not bench.manager._looking_up)
    assert bench.router.asked == ["beta.test", "gamma.test"]
    await bench.close()


async def test_a_route_is_not_looked_up_for_a_stranger_to_the_world(bench: Bench) -> None:
    route = Route((TARGET,), ())
    bench.manager.strangers = lambda world, domain: route if (world, domain) == ("shop", "beta.test") else None
    for world in ("shop", "other", None):
        bench.manager.expect(parse_address("a@beta.test"), world)
    await until(lambda: not bench.manager._looking_up)
    assert bench.router.asked == ["beta.test"] * 2
    assert bench.router.worlds[-2:] == ["other", "default"]


async def test_recipients_of_one_domain_go_together(bench: Bench) -> None:
    await bench.put("a@beta.test", "x@gamma.test", "b@BETA.test", "y@[127.0.0.9]", "c@beta.test")
    await bench.idle()
    assert sorted(bench.courier.deliveries) == [
        ("a@beta.test", "b@BETA.test", "c@beta.test"),
        ("x@gamma.test",),
        ("y@[127.0.0.9]",),
    ]


async def test_a_deferred_recipient_is_tried_again_alone(bench: Bench) -> None:
    bench.courier.outcomes["busy@beta.test"] = BUSY
    ident = await bench.put("bob@beta.test", "busy@beta.test")
    await bench.notes.until(lambda: "deferred" in bench.notes.kinds())
    (detail,) = bench.notes.find(Kind.DEFERRED)
    assert detail["reply"] == "450 4.2.1 Busy"
    assert detail["next"] > bench.now - 1
    del bench.courier.outcomes["busy@beta.test"]
    await bench.idle()
    assert bench.courier.deliveries[0] == ("bob@beta.test", "busy@beta.test")
    assert set(bench.courier.deliveries[1:]) == {("busy@beta.test",)}
    assert bench.notes.kinds(ident).count("delivered") == 2


async def test_a_failure_is_reported_to_the_reverse_path(bench: Bench) -> None:
    bench.courier.outcomes["nobody@beta.test"] = NO_USER
    ident = await bench.put("nobody@beta.test", "bob@beta.test")
    await bench.idle()
    assert bench.courier.deliveries == [("nobody@beta.test", "bob@beta.test"), ("alice@alpha.test",)]
    report = email.message_from_bytes(bench.courier.contents[1])
    assert report.get_content_type() == "multipart/report"
    assert b"550 5.1.1 No such user" in bench.courier.contents[1]
    (reported,) = bench.notes.find(Kind.REPORTED)
    assert reported["to"] == "alice@alpha.test"
    assert reported["dsn_message_id"] == report["Message-ID"]
    dsn = reported["dsn_queue_id"]
    assert bench.notes.kinds(dsn) == ["queued", "resolved", "attempted", "delivered"]
    (queued,) = bench.notes.find(Kind.QUEUED)
    assert queued["reports"] == ident
    assert queued["reports_message_id"] == "<hi@alpha.test>"


async def test_failures_of_one_attempt_go_in_one_report(bench: Bench) -> None:
    bench.courier.outcomes["nobody@beta.test"] = NO_USER
    bench.router.failing["gone.test"] = failed("5.1.2", "Domain gone.test does not exist")
    await bench.put("nobody@beta.test", "x@gone.test", "bob@gamma.test", "busy@delta.test")
    await bench.idle()
    (report,) = [content for content in bench.courier.contents if b"multipart/report" in content]
    assert b"nobody@beta.test" in report
    assert b"Domain gone.test does not exist" in report
    assert b"bob@gamma.test" not in report


async def test_a_failed_recipient_is_reported_while_another_waits(bench: Bench) -> None:
    bench.waits = (1000.0,)
    await bench.close()
    bench.open()
    bench.courier.outcomes |= {"nobody@beta.test": NO_USER, "busy@beta.test": BUSY}
    ident = await bench.put("nobody@beta.test", "busy@beta.test")
    await bench.notes.until(lambda: len(bench.courier.deliveries) == 2 and len(bench.spool) == 1)
    (entry,) = bench.spool.entries()
    assert entry.queue_id == ident
    stored = bench.spool.read(entry)
    assert stored.progress.pending(stored.message) == [1]
    assert stored.progress.failed == {}
    assert stored.progress.deferred == {1: BUSY}


async def test_a_notification_that_fails_is_dropped(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.courier.outcomes["nobody@beta.test"] = NO_USER
    await bench.put("nobody@beta.test", sender=None)
    await bench.idle()
    assert len(bench.courier.deliveries) == 1
    assert "has the null reverse-path: dropped" in caplog.text
    assert bench.notes.kinds() == ["resolved", "attempted", "failed"]


async def test_a_message_expires(bench: Bench) -> None:
    bench.expiry = 0.05
    await bench.close()
    bench.open()
    bench.courier.outcomes["busy@beta.test"] = BUSY
    ident = await bench.put("busy@beta.test")
    await bench.idle()
    assert bench.notes.kinds(ident)[-2:] == ["expired", "reported"]
    (detail,) = bench.notes.find(Kind.EXPIRED)
    assert detail["status"] == "5.4.7"
    assert detail["reply"] == "450 4.2.1 Busy"
    assert "gave up after 0 seconds: host mx.test[127.0.0.9] said: 450 4.2.1 Busy" in detail["reason"]
    assert b"Status: 5.4.7" in bench.courier.contents[-1]


async def test_a_name_server_that_fails_defers(bench: Bench) -> None:
    bench.router.failing["beta.test"] = deferred("4.4.3", "timeout")
    await bench.put()
    await bench.notes.until(lambda: "deferred" in bench.notes.kinds())
    assert bench.notes.find(Kind.RESOLVED)[0] == {"domain": "beta.test", "mx": [], "reason": "timeout"}
    del bench.router.failing["beta.test"]
    await bench.idle()
    assert bench.courier.deliveries == [("bob@beta.test",)]


# -- lanes --------------------------------------------------------------------------------------------------------


async def test_a_host_that_is_down_is_asked_once_for_all_that_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(tmp_path, waits=(1000.0,), capacity=Capacity(lane=1, rest=1000.0))
    bench.courier.outcomes = dict.fromkeys((f"u{number}@beta.test" for number in range(300)), DOWN)
    bench.courier.gated = {"beta.test"}
    for number in range(300):
        await bench.put(f"u{number}@beta.test")
    bench.courier.gates["beta.test"].set()
    await bench.notes.until(lambda: len(bench.notes.find(Kind.DEFERRED)) == 300)
    assert len(bench.courier.deliveries) == 1
    assert all(detail["reason"] == DOWN.reason for detail in bench.notes.find(Kind.DEFERRED))
    await until(lambda: len(bench.manager.active) == 0)
    assert [entry.attempts for entry in bench.spool.entries()] == [1] + [0] * 299
    bench.courier.outcomes.clear()
    await bench.put("x@beta.test", "y@gamma.test")  # is for others too, so it does not wait, and finds the host there
    await bench.notes.until(lambda: len(bench.notes.find(Kind.DELIVERED)) == 301)
    await until(lambda: not len(bench.manager.lanes))
    await bench.close()
    assert caplog.messages == [
        f"mail for beta.test waits: {DOWN.reason}",
        f"deferred: {DOWN.reason}",
        "mail for beta.test goes on",
    ]


async def test_what_comes_for_a_host_that_is_down_waits_and_holds_up_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, waits=(1000.0,), capacity=Capacity(active=3, lane=1, rest=1000.0))
    bench.courier.outcomes = {"first@beta.test": DOWN}
    await bench.put("first@beta.test")
    await bench.notes.until(lambda: bool(bench.notes.find(Kind.DEFERRED)))
    for number in range(20):
        await bench.put(f"u{number}@beta.test")
    await bench.put("x@gamma.test")
    await bench.notes.until(lambda: bool(bench.notes.find(Kind.DELIVERED)))
    assert bench.courier.deliveries == [("first@beta.test",), ("x@gamma.test",)]
    assert len(bench.notes.find(Kind.DEFERRED)) == 21
    await bench.put("u20@beta.test", "y@gamma.test")  # nor the other domains of a message
    await bench.notes.until(lambda: len(bench.notes.find(Kind.DELIVERED)) > 1)
    assert set(bench.courier.deliveries[2:]) >= {("u20@beta.test",), ("y@gamma.test",)}
    # and the one that was attempted has found out that the host is there again
    await bench.notes.until(lambda: len(bench.notes.find(Kind.DELIVERED)) == 23)
    await bench.close()


async def test_one_at_a_time_finds_out_whether_the_host_is_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, waits=(1000.0,), capacity=Capacity(lane=3, rest=0.01))
    bench.courier.outcomes = dict.fromkeys((f"u{number}@beta.test" for number in range(9)), DOWN)
    for number in range(9):
        await bench.put(f"u{number}@beta.test")
    await until(lambda: len(bench.courier.deliveries) == 9)
    await until(lambda: not len(bench.manager.lanes))  # all have been attempted, by and by, and nobody waits
    await until(lambda: [entry.attempts for entry in bench.spool.entries()] == [1] * 9)
    await bench.close()


async def test_what_waits_for_a_host_that_stays_down_expires(tmp_path: Path) -> None:
    bench = Bench(tmp_path, waits=(1000.0,), expiry=5000.0, capacity=Capacity(lane=1, rest=0.01))
    bench.courier.outcomes = dict.fromkeys((*(f"u{number}@beta.test" for number in range(5)), "alice@alpha.test"), DOWN)
    bench.courier.gated = {"beta.test"}
    for number in range(5):
        await bench.put(f"u{number}@beta.test")
    bench.clock.push(6000.0)
    bench.courier.gates["beta.test"].set()
    await bench.notes.until(lambda: len(bench.notes.find(Kind.EXPIRED)) == 5)
    assert len(bench.notes.find(Kind.REPORTED)) == 5
    await bench.close()


async def test_what_waits_expires_when_its_time_comes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, waits=(0.05,), expiry=5000.0, capacity=Capacity(lane=1, refill=2))
    bench.courier.outcomes = dict.fromkeys((*(f"u{number}@beta.test" for number in range(5)), "alice@alpha.test"), DOWN)
    bench.courier.gated = {"beta.test"}
    for number in range(5):
        await bench.put(f"u{number}@beta.test")
    bench.courier.gates["beta.test"].set()
    await bench.notes.until(lambda: len(bench.notes.find(Kind.DEFERRED)) >= 5)
    bench.clock.push(6000.0)
    await bench.notes.until(lambda: len(bench.notes.find(Kind.EXPIRED)) == 5)
    await bench.close()


async def test_a_message_that_waits_and_is_rotten_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, waits=(1000.0,), capacity=Capacity(lane=1, rest=0.05))
    bench.courier.outcomes = {"u0@beta.test": DOWN}
    bench.courier.gated = {"beta.test"}
    for number in range(2):
        await bench.put(f"u{number}@beta.test")

    def rotten(entry: Entry) -> Stored:
        raise SpoolError("rot")

    monkeypatch.setattr(bench.spool, "read", rotten)
    bench.courier.gates["beta.test"].set()
    await bench.notes.until(lambda: bool(bench.notes.find(Kind.FAILED)))
    assert len(bench.manager.lanes) == 0
    assert bench.courier.deliveries == [("u0@beta.test",)]
    await bench.close()


async def test_workers_share_the_news_that_a_host_is_down(tmp_path: Path) -> None:
    bench = Bench(tmp_path, waits=(0.01, 1000.0), capacity=Capacity(lane=3, workers=2))
    bench.courier.outcomes = dict.fromkeys((f"u{number}@beta.test" for number in range(20)), DOWN)
    for _ in range(3):
        await asyncio.gather(*(bench.put(f"u{number}@beta.test") for number in range(20)), bench.put("x@gamma.test"))
    await until(lambda: all(entry.attempts == 2 for entry in bench.spool.entries()))
    await until(lambda: not bench.manager.lanes.workers)
    assert len(bench.spool) == 60
    assert len(bench.notes.find(Kind.DELIVERED)) == 3
    await bench.close()


async def test_a_slow_domain_holds_up_nobody_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path, capacity=Capacity(lane=2, workers=3))
    bench.courier.gated = {"slow.test"}
    for _ in range(10):
        await bench.put("x@slow.test")
    await bench.put("bob@beta.test")
    await bench.notes.until(lambda: "delivered" in bench.notes.kinds())
    assert bench.courier.deliveries == [("bob@beta.test",)]
    assert bench.courier.running == 2
    bench.courier.gates["slow.test"].set()
    await bench.idle()
    assert bench.courier.most <= 3
    await bench.close()


async def test_only_so_many_are_active_and_held_in_memory(tmp_path: Path) -> None:
    bench = Bench(tmp_path, capacity=Capacity(active=3, held=2 * len(CONTENT), lane=1))
    bench.courier.gated = {"beta.test"}
    for number in range(10):
        await bench.put(f"u{number}@beta.test")
    assert len(bench.manager.active) == 3
    assert sum(active.stored is not None for active in bench.manager.active.values()) == 2
    bench.courier.gates["beta.test"].set()
    await bench.idle()
    assert [names[0] for names in bench.courier.deliveries] == [f"u{number}@beta.test" for number in range(10)]
    assert set(bench.courier.contents) == {CONTENT}
    assert bench.manager._octets == 0
    await bench.close()


@pytest.mark.parametrize(
    ("address", "domain"),
    [("a@BETA.test", "beta.test"), ("a@пример.test", "xn--e1afmkfd.test"), ("a@[127.0.0.9]", "[127.0.0.9]")],
)
def test_the_domain_is_what_lanes_are_named_after(address: str, domain: str) -> None:
    assert _domain(parse_address(address)) == domain


def test_a_domain_that_no_longer_counts_as_one_has_a_lane_all_the_same() -> None:
    assert _domain(Address("a", "No Domain")) == "no domain"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.4, "1 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"), (432_000, "5 days")],
)
def test_periods_are_told_in_words(seconds: float, words: str) -> None:
    assert period(seconds) == words


# -- restarts -----------------------------------------------------------------------------------------------------


async def test_what_the_spool_holds_is_taken_up_at_the_start(bench: Bench) -> None:
    bench.courier.gated = {"beta.test", "gamma.test"}
    for number in range(5):
        await bench.put(f"u{number}@beta.test", f"u{number}@gamma.test")
    await bench.close()
    assert bench.courier.deliveries == []
    bench.courier.gated.clear()
    bench.open()
    bench.manager.start(bench.spool.entries())
    await bench.idle()
    assert len(bench.courier.deliveries) == 10


async def test_who_has_the_message_does_not_get_it_again_after_a_restart(bench: Bench) -> None:
    bench.courier.gated = {"slow.test"}
    bench.courier.outcomes["nobody@beta.test"] = NO_USER
    await bench.put("bob@beta.test", "nobody@beta.test", "x@slow.test")
    await bench.notes.until(lambda: "delivered" in bench.notes.kinds())
    await bench.close()
    bench.courier.gated.clear()
    bench.open()
    bench.manager.start(bench.spool.entries())
    await bench.idle()
    # The failure was not reported before the end: it is now, together with what else there is to say.
    assert bench.courier.deliveries == [
        ("bob@beta.test", "nobody@beta.test"),
        ("x@slow.test",),
        ("alice@alpha.test",),
    ]
    assert b"nobody@beta.test" in bench.courier.contents[-1]


async def test_a_failure_that_was_noted_and_not_reported_is_reported(bench: Bench) -> None:
    bench.manager._stopping = True
    ident = await bench.put("nobody@beta.test")
    (entry,) = bench.spool.entries()
    assert isinstance(NO_USER, Failed)
    await bench.spool.update(entry, UNTRIED.__class__(failed={0: NO_USER}))
    await bench.close()
    bench.open()
    bench.manager.start(bench.spool.entries())
    await bench.idle()
    assert bench.courier.deliveries == [("alice@alpha.test",)]
    assert bench.notes.kinds(ident) == ["reported"]


async def test_closing_waits_until_what_was_delivered_is_written(bench: Bench) -> None:
    ident = await bench.put()
    await until(lambda: bool(bench.courier.deliveries))
    await bench.close()
    assert bench.notes.kinds(ident)[-1] == "delivered"
    bench.open()
    assert len(bench.spool) == 0


async def test_closing_begins_no_further_attempt(tmp_path: Path) -> None:
    bench = Bench(tmp_path, capacity=Capacity(lane=1))
    bench.courier.gated = {"beta.test"}
    for number in range(3):
        await bench.put(f"u{number}@beta.test")
    await until(lambda: bench.courier.running > 0)
    closing = asyncio.create_task(bench.manager.close(grace=5.0))
    await asyncio.sleep(0)
    bench.courier.gates["beta.test"].set()
    await closing
    assert bench.courier.deliveries == [("u0@beta.test",)]
    bench.spool.close()
    bench.open()
    assert len(bench.spool) == 2
    await bench.close()


async def test_closing_cuts_off_what_takes_too_long(bench: Bench) -> None:
    bench.courier.gated = {"beta.test"}
    await bench.put()
    await asyncio.sleep(0)
    await bench.close()
    bench.open()
    assert len(bench.spool) == 1
    bench.manager.accepted(bench.spool.entries()[0], bench.spool.read(bench.spool.entries()[0]))
    bench.manager._stopping = False


# -- disks that fail ----------------------------------------------------------------------------------------------


class BadDisk:
    def __init__(self, spool: Spool) -> None:
        self.bad = True
        spool.log.writev = self.writev

    def writev(self, handle: int, buffers: Sequence[bytes], offset: int) -> int:
        if self.bad:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.pwritev(handle, buffers, offset)


async def test_what_cannot_be_written_is_written_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(tmp_path, capacity=Capacity(retry_write=0.01))
    bench.courier.gated = {"beta.test", "gamma.test"}
    bench.courier.outcomes["nobody@gamma.test"] = NO_USER
    await bench.put("bob@beta.test", "nobody@gamma.test")
    disk = BadDisk(bench.spool)
    bench.courier.gates["beta.test"].set()
    await asyncio.sleep(0.02)
    bench.courier.gates["gamma.test"].set()
    await until(lambda: caplog.text.count("the spool can't be written") >= 2)
    assert bench.notes.find(Kind.DELIVERED) == []  # the journal says only what is durable
    disk.bad = False
    await bench.idle()
    assert bench.courier.deliveries == [("bob@beta.test",), ("nobody@gamma.test",), ("alice@alpha.test",)]
    assert len(bench.notes.find(Kind.REPORTED)) == 1
    assert len(bench.notes.find(Kind.DELIVERED)) == 2
    await bench.close()


async def test_closing_does_not_wait_for_a_bad_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, capacity=Capacity(retry_write=0.01))
    bench.courier.gated = {"beta.test"}
    await bench.put()
    await until(lambda: bench.courier.running > 0)
    BadDisk(bench.spool)
    bench.courier.gates["beta.test"].set()
    await bench.courier.changed.wait()
    await bench.close()
    bench.open()
    assert len(bench.spool) == 1


async def test_a_message_that_cannot_be_read_back_stays_on_disk(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.manager._stopping = True
    ident = await bench.put()
    bench.manager._stopping = False
    (path,) = (bench.directory / "log").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    bench.manager.start(bench.spool.entries())
    await asyncio.sleep(0)
    assert "stays where it is" in caplog.text
    assert bench.notes.kinds(ident) == ["failed"]
    assert bench.courier.deliveries == []


async def test_a_content_that_is_lost_is_reported(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.courier.outcomes["bob@beta.test"] = SpoolError("content is 5 octets short")
    await bench.put()
    await bench.idle()
    assert b"The content was lost in the queue" in bench.courier.contents[-1]
    assert "is lost" in caplog.text


async def test_what_nobody_foresaw_is_deferred(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.courier.outcomes["bob@beta.test"] = ZeroDivisionError("oops")
    await bench.put()
    await bench.notes.until(lambda: "deferred" in bench.notes.kinds())
    assert "oops" in caplog.text
    assert bench.notes.find(Kind.DEFERRED)[0]["status"] == "4.3.0"
    bench.courier.outcomes.clear()
    await bench.idle()


async def test_a_worker_outlives_what_nobody_foresaw(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("oops")

    with monkeypatch.context() as patch:
        patch.setattr(bench.manager.outcomes, "settle", fail)
        await bench.put()
        await bench.courier.changed.wait()
        await asyncio.sleep(0)
    assert "could not be noted" in caplog.text
    await bench.put("dave@beta.test")
    await bench.notes.until(lambda: "delivered" in bench.notes.kinds())


# -- reports of large messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [RETURN_WHOLE - 100, RETURN_WHOLE + 1, SPILL_AT + 1])
async def test_a_large_message_comes_back_as_its_header_section(bench: Bench, size: int) -> None:
    bench.courier.outcomes["nobody@beta.test"] = NO_USER
    start, body = b"Received: x\r\n", b"Subject: large\r\n\r\n" + b"x" * size + b"\r\n"
    envelope = Envelope(parse_address("alice@alpha.test"), (Recipient(parse_address("nobody@beta.test")),))
    message = Message(bench.spool.new_id(), bench.now, envelope, None, len(start) + len(body))
    content = Content(bench.spool.incoming)
    content.write(body)
    if content.path is not None:
        entry, durable = await bench.spool.add_spilled(message, start, content)
    else:
        entry, durable = bench.spool.add(message, (start, body))
    await durable
    content.close()
    bench.manager.accepted(entry, bench.spool.read(entry))
    await bench.idle()
    report = bench.courier.contents[-1]
    assert b"Received: x\r\nSubject: large\r\n" in report
    whole = size < RETURN_WHOLE
    assert (b"xxx" in report) is whole
    assert (b"message/rfc822" in report) is whole


async def test_a_message_without_content_left_is_reported_all_the_same(bench: Bench) -> None:
    bench.courier.gated = {"beta.test"}
    bench.courier.outcomes["nobody@beta.test"] = NO_USER
    bench.manager._stopping = True
    await bench.put("nobody@beta.test")
    bench.manager._stopping = False
    bench.manager._capacity = Capacity(held=0)
    bench.manager.start(bench.spool.entries())
    await asyncio.sleep(0.01)
    (original,) = bench.spool.entries()
    read = bench.spool.read

    def fail(entry: Entry) -> Stored:
        if entry is original:
            raise SpoolError("rotten")
        return read(entry)

    bench.spool.read = fail  # type: ignore[method-assign]
    bench.courier.gates["beta.test"].set()
    await bench.idle()
    assert b"nobody@beta.test" in bench.courier.contents[-1]
