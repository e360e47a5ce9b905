"""A door that is flooded leaves the event loop to mail."""

from __future__ import annotations

import asyncio
import itertools
import os
import smtplib
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.control.client import DoorClient
from postroad.control.door import Door
from tests.common.control.flood import KINDS
from tests.common.control.test_door import ROUTES, TOKEN
from tests.harness.processes import ProcessStack
from tests.harness.stack import BOB, Port, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.stack import Stack

SECONDS = 1.5
SHARE = 0.1  # of a processor; measured on an idle machine: 0.01 to 0.02


@pytest.mark.parametrize("kind", KINDS)
async def test_a_flood_takes_little_of_the_loop(kind: str, figure: Callable[[str, object], None]) -> None:
    door = Door(ROUTES, token=TOKEN, clock=Clock())
    await door.start("127.0.0.1", 0)
    host, port = door.address
    client = DoorClient("relay", host, port, TOKEN)
    await client.put("/echo", 1)
    flood = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.common.control.flood", host, str(port), kind, str(SECONDS),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert flood.stdout is not None
    await flood.stdout.readline()
    began, used = time.monotonic(), time.thread_time()
    await flood.wait()
    share = (time.thread_time() - used) / (time.monotonic() - began)
    figure(f"share of a processor, {kind}", f"{share:.3f}")
    assert share < SHARE
    assert (await client.put("/echo", 1))["body"] == 1  # the connection with the token is still there
    assert len(door._friends) == 1
    await client.close()
    await door.close()


ROUNDS = 5
MESSAGES = 40
RATIO = 1.2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["connections", "wrong tokens", "slow heads"])
def test_a_flood_does_not_slow_mail(kind: str, native: Stack, figure: Callable[[str, object], None]) -> None:
    assert isinstance(native, ProcessStack)
    # The flood takes a processor itself, at the lowest priority. Services that wait for one show nothing of the door.
    if os.getloadavg()[0] > 1.0 or (os.cpu_count() or 1) < 2:
        pytest.skip("this machine is too busy to measure a road")
    names = itertools.count()

    def road() -> float:
        """Return the median of the times from the relay's 250 to the store's, in seconds."""
        sender = f"flood{next(names)}.{kind.replace(' ', '')}"
        with smtplib.SMTP(*native.endpoint(Port.APP)) as client:
            for number in range(MESSAGES):
                message = f"Message-ID: <{number}@{sender}>\r\nSubject: {number}\r\n\r\nHello\r\n"
                client.sendmail(f"app@{sender}", [BOB.address], message)
        native.wait_journal(Service.RELAY, kind="delivered", message_id=f"<{MESSAGES - 1}@{sender}>")
        latencies: list[float] = [
            event["latency"]
            for event in native.journal(Service.RELAY)
            if event["kind"] == "delivered" and event["message_id"].endswith(f"@{sender}>")
        ]
        return statistics.median(latencies)

    calm, flooded = [], []
    road()
    for _ in range(ROUNDS):
        calm.append(road())
        with subprocess.Popen(
            [sys.executable, "-m", "tests.common.control.flood", f"{native.network}.25", "8026", kind, "30"],
            stdout=subprocess.PIPE,
        ) as flood:
            assert flood.stdout is not None
            flood.stdout.readline()
            flooded.append(road())
            flood.kill()
    figure(f"road p50, {kind}", f"{min(flooded) * 1000:.2f} ms, without {min(calm) * 1000:.2f} ms")
    assert min(flooded) <= RATIO * min(calm)
