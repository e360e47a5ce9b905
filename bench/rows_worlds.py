"""Worlds: how long one takes until it is in force everywhere, with none beside it and with ten thousand; what is left.

A world is made over HTTP, with a domain, two accounts and a record, and is in force in dns, relay and store when the
answer comes. After ten thousand worlds were made and dropped, with mail under way in some of them, everything is
counted that could be left of them.
"""

from __future__ import annotations

import contextlib
import smtplib
import sqlite3
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from bench.table import Row, at_most
from tests.harness.stack import Port, Service
from tests.harness.worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.processes import ProcessStack

MADE = 200  # of which each figure is made
MANY = 10_000
CLIENTS = 8
EVERY = 20  # one world in so many gets mail as it is dropped
ASKED = (("p50", 5.0), ("p99", 20.0))  # milliseconds
_LETTER = b"From: app@example.org\r\nSubject: Under way\r\n\r\nHello\r\n"


def _body(ident: str) -> dict[str, Any]:
    domain = {"accounts": [{"name": "bob"}, {"name": "ann"}], "records": ["www A 203.0.113.9"]}
    return {"id": ident, "password": "secret", "domains": [domain]}


def _make(worlds: Worlds, ident: str) -> float:
    """Make a world, and return the milliseconds that it took."""
    began = time.perf_counter()
    answer = worlds.api("POST", "/v1/worlds", _body(ident))
    took = (time.perf_counter() - began) * 1000
    if answer.status != 201:
        raise RuntimeError(f"{answer.status} {answer.body}")
    return took


def _times(worlds: Worlds, name: str) -> list[float]:
    """Return how long worlds took, one after the other; each is dropped before the next is made."""
    times = []
    for number in range(MADE):
        times.append(_make(worlds, f"{name}{number}"))
        worlds.drop(f"{name}{number}")
    return times


def _fill(worlds: Worlds) -> list[str]:
    """Make many worlds, and return their IDs."""
    idents = [f"many{number}" for number in range(MANY)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda ident: _make(worlds, ident), idents))
    return idents


def _empty(stack: ProcessStack, worlds: Worlds, idents: list[str]) -> None:
    """Drop them all, with mail under way in some."""
    app = stack.endpoint(Port.APP)

    def drop(number: int) -> None:
        ident = idents[number]
        if number % EVERY == 0:
            with contextlib.closing(smtplib.SMTP(app.host, app.port, timeout=30)) as sender:
                sender.ehlo("client.test")
                sender.sendmail("app@example.org", [f"bob@{ident}.test", f"ann@{ident}.test"], _LETTER)
        worlds.drop(ident)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(drop, range(len(idents))))


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
    for name, table, column in (("mail/mail.sqlite", "accounts", "login"), ("web/worlds.sqlite", "worlds", "id")):
        with contextlib.closing(sqlite3.connect(stack.data / name)) as database:
            sql = f"SELECT count(*) FROM {table} WHERE {column} LIKE '%many%'"
            (counts[f"{table} on disk"],) = database.execute(sql).fetchone()
    return counts


def rows(stack: ProcessStack, rounds: int) -> Iterator[Row]:
    """Measure on a stack of its own."""
    worlds = Worlds(stack)
    alone = [_times(worlds, f"a{number}-") for number in range(rounds)]
    began = time.perf_counter()
    idents = _fill(worlds)
    filled = MANY / (time.perf_counter() - began)
    among = [_times(worlds, f"b{number}-") for number in range(rounds)]
    for name, most in ASKED:
        row = Row(f"world made, in force everywhere, {name}, none beside it", "ms", at_most(most))
        row.ours += [_quantile(times, name) for times in alone]
        yield row
        row = Row(f"... {MANY:,} beside it", "ms", at_most(most))
        row.ours += [_quantile(times, name) for times in among]
        yield row
        row = Row("... their ratio", "", at_most(1.5), peer_name="none beside it")
        row.ours += [_quantile(times, name) for times in among]
        row.peer += [_quantile(times, name) for times in alone]
        yield row
    yield Row("worlds made by 8 clients", "worlds/s", None, [filled])
    began = time.perf_counter()
    _empty(stack, worlds, idents)
    yield Row(
        "worlds dropped by 8 clients, with mail in some", "worlds/s", None, [MANY / (time.perf_counter() - began)]
    )
    stack.restart(*(service for service in Service if service is not Service.DNS))
    counts = left(stack, worlds)
    yield Row("what is left of 10,000 worlds that were dropped", "things", at_most(0), [float(sum(counts.values()))])


def _quantile(times: list[float], name: str) -> float:
    return statistics.quantiles(times, n=100)[int(name[1:]) - 1]
