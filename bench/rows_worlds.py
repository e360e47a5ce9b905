"""Worlds: how long one takes until it is in force everywhere, with none beside it and with ten thousand; what is left.

A world is made over HTTP, with a domain, two accounts and a record, and is in force in dns, relay and store when the
answer comes. After ten thousand worlds were made and dropped, with mail under way in some of them, everything is
counted that could be left of them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import sqlite3
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.table import Row, at_most
from tests.harness.stack import Port, Service
from tests.harness.worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.processes import ProcessStack

MADE = 200  # of which each figure is made
MANY = 10_000
CLIENTS = 8
PATIENCE = 60.0  # seconds
EVERY = 20  # one world in so many gets mail as it is dropped
ASKED = (("p50", 5.0), ("p99", 20.0))  # milliseconds
_LETTER = b"From: app@example.org\r\nSubject: Under way\r\n\r\nHello\r\n"


def _body(ident: str) -> dict[str, Any]:
    domain = {"accounts": [{"name": "bob"}, {"name": "ann"}], "records": ["www A 203.0.113.9"]}
    return {"id": ident, "password": "secret", "domains": [domain]}


class _Api:
    """A client that keeps its connection."""

    def __init__(self, stack: ProcessStack) -> None:
        self._connection = http.client.HTTPConnection(*stack.endpoint(Port.WEB), timeout=PATIENCE)

    def make(self, ident: str) -> float:
        """Make a world, and return the milliseconds that it took."""
        body = json.dumps(_body(ident))
        began = time.perf_counter()
        self._ask("POST", "/v1/worlds", 201, body)
        return (time.perf_counter() - began) * 1000

    def drop(self, ident: str) -> None:
        """Drop a world."""
        self._ask("DELETE", f"/v1/worlds/{ident}", 204)

    def _ask(self, method: str, path: str, wanted: int, body: str | None = None) -> None:
        self._connection.request(method, path, body)
        answer = self._connection.getresponse()
        octets = answer.read()
        if answer.status != wanted:
            raise RuntimeError(f"{method} {path}: {answer.status} {octets[:300]!r}")


def _times(stack: ProcessStack, name: str) -> list[float]:
    """Return how long worlds took, one after the other; each is dropped before the next is made."""
    api = _Api(stack)
    times = []
    for number in range(MADE):
        times.append(api.make(f"{name}{number}"))
        api.drop(f"{name}{number}")
    return times


def _by_clients(stack: ProcessStack, work: Callable[[_Api, int], object]) -> float:
    """Have several clients do a work for each number, and return how many they did per second."""

    def share(first: int) -> None:
        api = _Api(stack)
        for number in range(first, MANY, CLIENTS):
            work(api, number)

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(share, range(CLIENTS)))
    return MANY / (time.perf_counter() - began)


def _drop(stack: ProcessStack, api: _Api, number: int) -> None:
    """Drop one of many worlds, some with mail under way."""
    if number % EVERY == 0:
        app = stack.endpoint(Port.APP)
        with contextlib.closing(smtplib.SMTP(app.host, app.port, timeout=PATIENCE)) as sender:
            sender.ehlo("client.test")
            sender.sendmail("app@example.org", [f"{name}@many{number}.test" for name in ("bob", "ann")], _LETTER)
    api.drop(f"many{number}")


def left(stack: ProcessStack, worlds: Worlds) -> dict[str, int]:
    """Count what there is of worlds that were dropped: in the services, in their queue, mail and logs, and on disk."""
    counts = {
        f"worlds in {service}": len(listed)
        for service, listed in zip(("dns", "relay", "store", "web"), worlds.listed(), strict=True)
    }
    (zones,) = worlds.ask(lambda door: door.get("/zones"), ["dns"])
    counts["zones"] = sum(zone["apex"].startswith("many") for zone in zones["zones"])
    (state,) = worlds.ask(lambda door: door.get("/state"), ["relay"])
    counts["queued"] = state["queued"]
    (accounts,) = worlds.ask(lambda door: door.get("/accounts"), ["store"])
    counts["accounts"] = sum("@many" in account["login"] for account in accounts["accounts"])
    messages = worlds.api("GET", "/v1/messages?world=*&limit=500").body["messages"]
    counts["records"] = sum(message["world"] != "default" for message in messages)
    for name, what in _ON_DISK:
        with contextlib.closing(sqlite3.connect(stack.data / name)) as database:
            (counts[f"{what} on disk"],) = database.execute(f"SELECT count(*) FROM {what}").fetchone()
    for folder in ("content", "dead", "incoming"):
        counts[f"files in spool/{folder}"] = sum(1 for _ in (stack.data / "spool" / folder).iterdir())
    return counts


# What there may be of worlds in the databases.
_ON_DISK = (
    ("mail/mail.sqlite", "accounts WHERE login LIKE '%@many%'"),
    ("mail/mail.sqlite", "contents WHERE id NOT IN (SELECT content FROM entries)"),
    ("mail/mail.sqlite", "outbox WHERE world <> ''"),
    ("web/worlds.sqlite", "worlds"),
)


def rows(stack: ProcessStack, rounds: int) -> Iterator[Row]:
    """Measure on a stack of its own."""
    alone = [_times(stack, f"a{number}-") for number in range(rounds)]
    filled = _by_clients(stack, lambda api, number: api.make(f"many{number}"))
    among = [_times(stack, f"b{number}-") for number in range(rounds)]
    for name, most in ASKED:
        row = Row(f"world made, in force everywhere, {name}, none beside it", "ms", at_most(most))
        row.ours += [_quantile(times, name) for times in alone]
        yield row
        row = Row(f"... {MANY:,} beside it", "ms", at_most(most))
        row.ours += [_quantile(times, name) for times in among]
        yield row
    row = Row("... the ratio of the medians", "", at_most(1.5), peer_name="none beside it")
    row.ours += [statistics.median(times) for times in among]
    row.peer += [statistics.median(times) for times in alone]
    yield row
    yield Row("worlds made by 8 clients", "worlds/s", None, [filled])
    dropped = _by_clients(stack, partial(_drop, stack))
    yield Row("worlds dropped by 8 clients, with mail in some", "worlds/s", None, [dropped])
    stack.restart(*(service for service in Service if service is not Service.DNS))
    counts = left(stack, Worlds(stack))
    yield Row("what is left of 10,000 worlds that were dropped", "things", at_most(0), [float(sum(counts.values()))])


def _quantile(times: list[float], name: str) -> float:
    return statistics.quantiles(times, n=100)[int(name[1:]) - 1]
