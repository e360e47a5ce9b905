"""Snapshots of a world with 1,000 messages, and five days of retries by its clock: each one request of the API.

The mailbox is full by its quota, so that one more message is deferred by the store, attempt by attempt, until it
expires.
"""

from __future__ import annotations

import smtplib
import statistics
import time
from typing import TYPE_CHECKING, Any

from bench.rows_imap import messages
from bench.table import Row, at_most, interleave
from postroad_stack.api.client import Api
from tests.harness.stack import BOB, Port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.clients import ImapClient
    from tests.harness.processes import ProcessStack

MESSAGES = 1_000
SETTINGS = {"POSTROAD_QUOTA": f"{MESSAGES} messages"}
TIMES = 20  # in a round, of which the median counts
WORLD = "/v1/worlds/default"


def rows(stack: ProcessStack, reader: ImapClient, rounds: int) -> Iterator[Row]:
    """Fill the mailbox, then measure."""
    with reader as client:
        client.empty()
        client.append(messages(MESSAGES, 2048, 8))
    endpoint = stack.endpoint(Port.WEB)
    api = Api(f"http://{endpoint.host}:{endpoint.port}")
    yield interleave(
        Row(f"snapshot of {MESSAGES:,} messages", "ms", at_most(20)),
        rounds,
        lambda: statistics.median(_taken(api, number) for number in range(TIMES)),
    )
    api.ask("POST", f"{WORLD}/snapshots", {"name": "full"})
    yield interleave(
        Row(f"restore of {MESSAGES:,} messages", "ms", at_most(20)),
        rounds,
        lambda: statistics.median(_timed(api, f"{WORLD}/snapshots/full/restore") for _ in range(TIMES)),
    )
    yield interleave(Row("five days of retries", "s", at_most(1)), rounds, lambda: _five_days(stack, api))


def _timed(api: Api, path: str, value: Any = None) -> float:
    began = time.perf_counter()
    api.ask("POST", path, value, timeout=600)
    return 1000 * (time.perf_counter() - began)


def _taken(api: Api, number: int) -> float:
    took = _timed(api, f"{WORLD}/snapshots", {"name": f"s{number}"})
    api.ask("DELETE", f"{WORLD}/snapshots/s{number}")
    return took


def _five_days(stack: ProcessStack, api: Api) -> float:
    """Send one message too many, and return the seconds until it has expired."""
    endpoint = stack.endpoint(Port.APP)
    with smtplib.SMTP(endpoint.host, endpoint.port, timeout=30) as client:
        client.sendmail("app@example.org", [BOB.address], messages(1, 2048, 9)[0])
    took = _timed(api, f"{WORLD}/clock", {"push": "5d"}) / 1000
    if api.ask("GET", "/v1/queue")["total"]:
        raise RuntimeError("the message is in the queue still")
    return took
