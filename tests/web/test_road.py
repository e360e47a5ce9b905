"""The catalog by the doors of a real relay and a real store: what happens to mail shows in its records."""

from __future__ import annotations

import asyncio
import imaplib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from postroad.control.client import DoorClient, quote_path
from postroad.control.token import read_token
from postroad_web.catalog.catalog import Catalog, ContentGone
from postroad_web.catalog.record import Origin, State
from tests.harness.processes import ProcessStack
from tests.harness.smtp import SMTP, client_context
from tests.harness.stack import ALICE, BOB, STORE_NAME, Port, Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from postroad_web.catalog.hub import Subscription
    from postroad_web.catalog.record import Record


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path_factory.mktemp("road") / "stack") as stack:
        yield stack


class Road:
    """A catalog of the test's own, next to that of the web service."""

    def __init__(self, stack: ProcessStack, folder: Path) -> None:
        token = read_token(stack.data / "control")
        self.stack = stack
        self.relay = DoorClient("relay", f"{stack.network}.25", 8026, token)
        self.store = DoorClient("store", f"{stack.network}.143", 8026, token)
        self.catalog = Catalog(folder, relay=self.relay, store=self.store)
        self.changes: Subscription = self.catalog.every.subscribe()

    def send(self, *recipients: str) -> str:
        with SMTP(self.stack.endpoint(Port.APP)) as session:
            session.ehlo()
            reply = session.mail(ALICE.address, recipients, b"Subject: On the road\r\n\r\nSome words.\r\n")
        return reply.text.split()[-1]

    async def until(self, ident: str, is_so: Callable[[Record], object]) -> Record:
        """Return a record once it is as wanted."""
        async with asyncio.timeout(30):
            while (record := self.catalog.every.get(ident)) is None or not is_so(record):
                await anext(self.changes)
        assert record.digest is not None
        assert record.digest.subject in {"On the road", "Delivery Status Notification (Failure)"}
        return record


@asynccontextmanager
async def road(stack: ProcessStack, folder: Path) -> AsyncIterator[Road]:
    road = Road(stack, folder)
    await road.catalog.start()
    try:
        yield road
    finally:
        await road.catalog.close()
        await road.relay.close()
        await road.store.close()


def mailboxes(record: Record, address: str = BOB.address) -> set[str]:
    """Return where a recipient's copies are."""
    return {
        copy.mailbox
        for recipient in record.recipients
        if recipient.address == address
        for copy in recipient.copies
        if not copy.removed
    }


async def test_what_a_client_does_to_a_message(own: ProcessStack, tmp_path: Path) -> None:
    async with road(own, tmp_path) as it:
        ident = it.send(BOB.address, ALICE.address)
        record = await it.until(ident, lambda record: record.state is State.DELIVERED and record.digest)
        assert mailboxes(record) == mailboxes(record, ALICE.address) == {"INBOX"}
        bob = imaplib.IMAP4(*own.endpoint(Port.IMAP))
        bob.host = STORE_NAME
        bob.starttls(client_context(own))
        bob.login(BOB.address, BOB.password)
        bob.select("INBOX")
        for mailbox in ("Work", "Old"):
            bob.create(mailbox)
        bob.uid("COPY", "1", "Work")
        await it.until(ident, lambda record: mailboxes(record) == {"INBOX", "Work"})
        bob.uid("MOVE", "1", "Old")
        await it.until(ident, lambda record: mailboxes(record) == {"Old", "Work"})
        bob.rename("Work", "Play")
        await it.until(ident, lambda record: mailboxes(record) == {"Old", "Play"})
        bob.delete("Play")
        await it.until(ident, lambda record: mailboxes(record) == {"Old"})
        assert b"Some words" in await it.catalog.content(ident)
        bob.select("Old")
        bob.uid("STORE", "1", "+FLAGS", r"(\Deleted)")
        bob.expunge()
        record = await it.until(ident, lambda record: not mailboxes(record))
        bob.logout()
        assert mailboxes(record, ALICE.address) == {"INBOX"}
        assert b"Some words" in await it.catalog.content(ident)  # alice has it
        await it.store.delete("/mail")
        await it.until(ident, lambda record: not mailboxes(record, ALICE.address))
        with pytest.raises(ContentGone):
            await it.catalog.content(ident)


async def test_what_an_administrator_does_to_the_queue(own: ProcessStack, tmp_path: Path) -> None:
    async with road(own, tmp_path) as it:
        own.stop(Service.STORE)
        idents = [it.send(BOB.address) for _ in range(3)]
        for ident in idents:
            record = await it.until(ident, lambda record: record.state is State.DEFERRED and record.digest)
            assert "Connection refused" in record.recipients[0].reason
            assert record.recipients[0].due is not None
        kept, dropped, bounced = idents
        await it.relay.post(quote_path("queue", kept, "hold"))
        await it.until(kept, lambda record: record.state is State.HELD)
        await it.relay.delete(quote_path("queue", dropped), report=False)
        await it.until(dropped, lambda record: record.state is State.DROPPED)
        await it.relay.delete(quote_path("queue", bounced), report=True)
        record = await it.until(bounced, lambda record: record.state is State.FAILED and record.reports)
        own.start(Service.STORE)
        await it.relay.post(quote_path("queue", kept, "release"))
        await it.relay.post("/queue/retry", {"ids": None})
        await it.until(kept, lambda record: record.state is State.DELIVERED and mailboxes(record) == {"INBOX"})
        (report,) = record.reports
        notification = await it.until(report, lambda record: record.state is State.DELIVERED and record.digest)
        assert (notification.origin, notification.about) == (Origin.REPORT, bounced)
        assert b"Some words" in await it.catalog.content(dropped)  # the relay keeps it for a while


async def test_a_purge(own: ProcessStack, tmp_path: Path) -> None:
    async with road(own, tmp_path) as it:
        ident = it.send(BOB.address)
        await it.until(ident, lambda record: record.state is State.DELIVERED and record.digest)
        await it.catalog.of("default").purge()
        assert it.catalog.every.counts() == (0, 0)
        accounts = (await it.store.get("/accounts"))["accounts"]
        assert {account["messages"] for account in accounts} == {0}
        later = it.send(BOB.address)
        await it.until(later, lambda record: record.state is State.DELIVERED and record.digest)
        assert it.catalog.every.counts() == (1, 1)
