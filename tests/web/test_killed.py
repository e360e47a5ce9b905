"""The web service is killed at any moment, again and again: its catalog is whole in the end, and as if made anew."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.control.client import DoorClient
from postroad.control.token import read_token
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.record import Origin, State
from tests.harness.mailboxes import imap
from tests.harness.processes import ProcessStack
from tests.harness.smtp import SMTP
from tests.harness.stack import BOB, CAPTURE, Port, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_web.catalog.record import Record
    from tests.harness.stack import Stack

FATAL = Path(__file__).parents[1] / "store" / "killed_at.py"
MESSAGES = 120
RECIPIENTS = ("bob@beta.test", "nobody@beta.test", "anybody@elsewhere.example")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path / "stack") as stack:
        yield stack


def send(stack: Stack, count: int, sent: dict[str, str], bells: dict[int, threading.Event]) -> None:
    """Send messages; note the queue ID of each with its recipient, and ring the bells at their counts."""
    with SMTP(stack.endpoint(Port.APP)) as session:
        session.ehlo()
        for number in range(count):
            recipient = RECIPIENTS[number % len(RECIPIENTS)]
            content = f"Subject: number {number}\r\n\r\nSome words.\r\n".encode()
            reply = session.mail("alice@alpha.test", [recipient], content)
            sent[reply.text.split()[-1]] = recipient
            if number in bells:
                bells[number].set()


async def settled(stack: ProcessStack) -> None:
    """Wait until the relay has nothing left."""
    door = DoorClient("relay", f"{stack.network}.25", 8026, read_token(stack.data / "control"))
    async with asyncio.timeout(60):
        while (await door.get("/state", wait=10))["queued"]:  # the relay answers once nothing is under way
            pass
    await door.close()


def caught_up(stack: ProcessStack) -> list[Record]:
    """Start the web service, wait until it knows everything, and return its records."""
    mark = stack.logs[Service.WEB].position
    stack.start(Service.WEB)
    stack.logs[Service.WEB].wait("caught up", after=mark)
    reader = Reader(stack.data / "web")
    records = reader.page("*", limit=-1).records
    reader.close()
    return list(records)


@pytest.mark.slow
def test_a_catalog_that_is_killed_again_and_again(own: ProcessStack) -> None:
    chance = random.Random(7)
    moments = sorted(chance.sample(range(MESSAGES), 4))
    bells = {moment: threading.Event() for moment in moments}
    sent: dict[str, str] = {}
    sender = threading.Thread(target=send, args=(own, MESSAGES, sent, bells))
    sender.start()
    for moment in moments:
        assert bells[moment].wait(30)
        own.kill(Service.WEB)
        own.start(Service.WEB)
    sender.join()
    own.kill(Service.WEB)
    asyncio.run(settled(own))

    kept = caught_up(own)
    arrived = {record.id: record for record in kept if record.origin is not Origin.REPORT}
    assert arrived.keys() == sent.keys()
    states = {"bob@beta.test": State.DELIVERED, "nobody@beta.test": State.FAILED}
    for ident, recipient in sent.items():
        record = arrived[ident]
        assert record.digest is not None, ident
        assert record.digest.subject.startswith("number ")
        assert record.state is states.get(recipient, State.CAPTURED)
        if recipient != "nobody@beta.test":
            assert record.recipients[0].copies[0].account in {recipient, CAPTURE.address}
        else:
            assert len(record.reports) == 1
    reports = [record for record in kept if record.origin is Origin.REPORT]
    assert {report.about for report in reports} == {i for i, to in sent.items() if to == "nobody@beta.test"}
    assert {report.state for report in reports} == {State.DELIVERED}

    # Made anew from the journals and the mail, it is the same.
    own.stop(Service.WEB)
    for path in (own.data / "web").glob("catalog.sqlite*"):
        path.unlink()
    assert caught_up(own) == kept


@pytest.mark.slow
def test_a_store_that_is_killed_before_it_tells_of_a_delivery(own: ProcessStack) -> None:
    """The relay, which has no 250, delivers again: the record has the one copy that there is."""
    own.stop(Service.WEB, Service.STORE)
    store = subprocess.Popen(
        [sys.executable, FATAL, "stored"], env=own.environment(), stderr=subprocess.PIPE, text=True
    )
    assert store.stderr is not None
    with store.stderr as lines:  # later lines meet a closed pipe, which logging puts up with
        while "msg=ready" not in (line := lines.readline()):
            assert line, "it ended before it was ready"
    sent: dict[str, str] = {}
    send(own, 1, sent, {})
    assert store.wait(20) == -9
    own.start(Service.STORE)
    asyncio.run(settled(own))
    (record,) = caught_up(own)
    assert (record.id, record.state) == (*sent, State.DELIVERED)
    (copy,) = record.recipients[0].copies
    assert (copy.account, copy.mailbox, copy.uid, copy.removed) == ("bob@beta.test", "INBOX", 1, False)
    with imap(own, BOB) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


@pytest.mark.slow
def test_marks_outlive_kill(own: ProcessStack) -> None:
    """A mark that was answered is on disk, whatever becomes of the process."""
    sent: dict[str, str] = {}
    send(own, 6, sent, {})
    asyncio.run(settled(own))
    own.stop(Service.WEB)
    records = caught_up(own)
    web = own.endpoint(Port.WEB)
    idents = [record.id for record in records if record.origin is not Origin.REPORT][:2]
    body = json.dumps({"IDs": idents, "Read": True}).encode()
    request = urllib.request.Request(f"http://{web.host}:{web.port}/api/v1/messages", body, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.read() == b"ok"
    finally:
        own.kill(Service.WEB)
    marks = sqlite3.connect(own.data / "web" / "marks.sqlite")
    assert {ident for (ident,) in marks.execute("SELECT id FROM marks WHERE read")} == set(idents)
    marks.close()
    assert {record.id for record in caught_up(own) if record.read} == set(idents)
