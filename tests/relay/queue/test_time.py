"""Days pass in a moment: the real manager, courier and spool go by a clock that the test pushes."""

from __future__ import annotations

import asyncio
import contextlib
import email
import math
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.journal import Kind
from postroad_relay.delivery.courier import Courier
from postroad_relay.queue.schedule import JITTER
from tests.relay.office import DAY, Hop, Office
from tests.relay.smtpserver import PretendServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.session import Session
    from postroad_relay.delivery.courier import Attempt
    from postroad_relay.delivery.routing import Route
    from postroad_relay.queue.spool import Stored


WAITS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 3 * 3600.0)


class SmtpHop(Hop):
    """The same over SMTP."""

    def __init__(self, server: PretendServer, clock: Clock) -> None:
        super().__init__()
        self._server = server
        self._courier = Courier("relay.test", server.port, None, clock=clock)
        server.replies["RCPT TO:<bob@shop.test>"] = "450 4.2.1 Busy"

    async def deliver(
        self, route: Route, transaction: Transaction, stored: Stored, attempted: Callable[[Session], None]
    ) -> Attempt:
        attempt = await self._courier.deliver(route, transaction, stored, attempted)
        self.attempts = self._server.commands.count("RCPT TO:<bob@shop.test>")
        self.contents = [mail.content for mail in self._server.mails]
        return attempt

    def close(self) -> None:
        self._courier.close()


class Days(Office):
    """The office, and a wall clock that can be set."""

    def __init__(self, directory: Path, server: PretendServer | None = None) -> None:
        self.set_by = 0.0  # seconds that somebody has set the wall clock forth
        clock = Clock(wall=lambda: time.time() + self.set_by)
        hop = None if server is None else SmtpHop(server, clock)
        super().__init__(directory, waits=WAITS, warning=math.inf, clock=clock, hop=hop)

    async def pass_until(self, condition: Callable[[], bool]) -> float:
        """Push the clock from timer to timer until something has come about; return the seconds that passed."""
        started = self.clock.monotonic()
        while True:
            await self.notes.until(lambda: not self.manager.active)
            if condition():
                return self.clock.monotonic() - started
            seconds = self.clock.until_next()
            assert seconds is not None
            self.clock.push(seconds)
            for _ in range(3):  # turns of the event loop, in which timers that are due run
                await asyncio.sleep(0)


@pytest.fixture(params=["scripted", "smtp"])
async def days(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Days]:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(PretendServer()) if request.param == "smtp" else None
        days = Days(tmp_path, server)
        yield days
        await days.close()
        days.hop.close()
        if server is not None:
            await server.until(lambda: not server.open)


async def test_five_days_of_attempts_and_the_notification_pass_in_a_moment(days: Days) -> None:
    started = time.perf_counter()
    await days.put()
    arrived = days.clock.now()
    passed = await days.pass_until(lambda: not len(days.spool))
    took = time.perf_counter() - started
    assert passed == pytest.approx(5 * DAY, abs=60)
    assert days.clock.now() - arrived == pytest.approx(5 * DAY, abs=60)
    # The first steps, then one attempt per three hours and up to a tenth, and the last one at the expiry.
    steps = WAITS
    assert 5 * DAY / (steps[-1] * (1 + JITTER)) < days.hop.attempts < 5 * DAY / steps[-1] + len(steps)
    (content,) = days.hop.contents
    notification = email.message_from_bytes(content)
    assert notification["To"] == "<alice@alpha.test>"
    assert notification.get_content_type() == "multipart/report"
    assert b"gave up after 5 days: host mx.test[127.0.0.1] said: 450 4.2.1 Busy" in content
    assert b"Status: 5.4.7\r\n" in content
    written = parsedate_to_datetime(str(notification["Date"])).timestamp()
    assert written == pytest.approx(arrived + 5 * DAY, abs=60)
    kinds = days.notes.kinds()
    assert kinds.count("deferred") == days.hop.attempts  # the last one too, and then it has expired
    assert [kind for kind in kinds if kind not in {"resolved", "attempted", "deferred"}] == [
        "expired",
        "reported",
        "queued",
        "delivered",
    ]
    due = [detail["next"] for detail in days.notes.find(Kind.DEFERRED)]
    assert due == sorted(due)
    assert took < 1.0 or isinstance(days.hop, SmtpHop)


@pytest.mark.parametrize("by", [-DAY, DAY, -400 * DAY])
@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
async def test_a_wait_is_its_step_whatever_becomes_of_the_wall_clock(days: Days, by: float, restarted: bool) -> None:
    await days.put()
    for step in WAITS[:4]:
        attempts = days.hop.attempts
        days.set_by += by
        if restarted:
            await days.restart()
        waited = await days.pass_until(lambda attempts=attempts: days.hop.attempts > attempts)  # type: ignore[misc]
        assert waited <= step * (1 + JITTER)


async def test_a_first_attempt_waits_for_no_wall_clock(days: Days) -> None:
    days.manager._stopping = True
    await days.put()
    days.set_by -= DAY
    await days.restart()
    await days.pass_until(lambda: days.hop.attempts == 1)


@pytest.mark.parametrize("by", [-100 * DAY, 100 * DAY])
async def test_a_message_lives_for_its_time_whatever_becomes_of_the_wall_clock(days: Days, by: float) -> None:
    await days.put()
    await days.pass_until(lambda: days.hop.attempts == 1)
    days.set_by += by
    passed = await days.pass_until(lambda: not len(days.spool))
    assert passed == pytest.approx(5 * DAY, abs=60)
    assert b"gave up after 5 days" in days.hop.contents[0]
