"""The web service: how soon a test sees a message, how quick a large catalog is, and what the road pays for it.

Beside it: MailDev 3 (npm) behind its HTTP API, and smtpdfix (PyPI), whose fixture is asked in its own process. Neither
is durable, forwards a message, or has a queue.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import statistics
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from bench.peers import Daemon, MissingPeerError, program
from bench.rows_smtp import smtp_source
from bench.table import Row, at_most, interleave
from tests.harness.processes import claim_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.stack import Endpoint

SINGLES = 200
MESSAGES = 2_000
MANY = 100_000
ASKED = 100  # times per round
RARE = "zyzzyva"  # the word that one message of many has
PATIENCE = 180.0  # seconds
WAITS = (("p50", 10.0), ("p99", 40.0))  # milliseconds that are asked for
LOOK = 0.001  # seconds between two looks at an API that can't be waited on, the same on both sides
MAILDEV, SMTP_PORT, WEB_PORT = "maildev@3.0.0", 11025, 11080


class Http:
    """One connection that is kept."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, value: object = None) -> Any:
        """Return the JSON of the answer; raises `RuntimeError` unless it is 200."""
        body = None if value is None else json.dumps(value)
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        octets = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {octets[:300]!r}")
        return json.loads(octets) if octets[:1] in b"[{" else octets


def _letter(subject: str, text: str = "A line.\r\n" * 200) -> bytes:
    return f"From: app@shop.test\r\nTo: bob@beta.test\r\nSubject: {subject}\r\n\r\n{text}".encode()


def _send(sender: smtplib.SMTP, letter: bytes) -> float:
    """Send a message and return the moment of its 250."""
    sender.sendmail("app@shop.test", ["bob@beta.test"], letter)
    return time.perf_counter()


def _waits(app: Endpoint, web: Endpoint) -> list[float]:
    """Return the milliseconds from each 250 to the answer of a wait for just this message."""
    times = []
    with Http(*web) as api, contextlib.closing(smtplib.SMTP(*app)) as sender:
        sender.ehlo("client.test")
        for number in range(SINGLES):
            subject = f"order {time.monotonic_ns()} {number}"
            accepted = _send(sender, _letter(subject))
            answer = api.ask("POST", "/v1/wait", {"recipient": "bob@beta.test", "subject": subject, "timeout": 30})
            times.append((time.perf_counter() - accepted) * 1000)
            if [message["subject"] for message in answer["messages"]] != [subject]:
                raise RuntimeError(f"the wait for {subject} was answered with {answer}")
    return times


def _asks(web: Endpoint, path: str, count: int) -> Callable[[], float]:
    """Return the median milliseconds of a request whose answer has so many messages."""

    def measure() -> float:
        times = []
        with Http(*web) as api:
            for _ in range(ASKED):
                began = time.perf_counter()
                answer = api.ask("GET", path)
                times.append((time.perf_counter() - began) * 1000)
                if len(answer["messages"]) != count:
                    raise RuntimeError(f"{path} has {len(answer['messages'])} messages, not {count}")
        return statistics.median(times)

    return measure


def _total(api: Http) -> int:
    """Return how many messages the catalog has."""
    return int(api.ask("GET", "/api/v1/messages?limit=1")["total"])


def until_quiet(web: Endpoint) -> None:
    """Return once the road is quiet and the catalog has everything."""
    with Http(*web) as api:
        api.ask("POST", "/v1/quiet", {"timeout": 120})


def whole_again(app: Endpoint, web: Endpoint) -> Callable[[], float]:
    """Return the seconds from the last 250 of a burst until the catalog is whole."""

    def measure() -> float:
        with Http(*web) as api:
            before = _total(api)
            smtp_source(*app, messages=MESSAGES, reuse=True)
            accepted = time.perf_counter()
            until_quiet(web)
            seconds = time.perf_counter() - accepted
            total = _total(api)
            if total != before + MESSAGES:
                raise RuntimeError(f"the catalog has {total - before} of {MESSAGES} messages")
        return seconds

    return measure


def rows(app: Endpoint, web: Endpoint, folder: Path, rounds: int) -> Iterator[Row]:
    """Measure the waits, the peers, the end of a burst, and then all with many messages."""
    median, slowest = (Row(f"250 to wait answered, {which}", "ms", at_most(most)) for which, most in WAITS)
    for number in range(rounds):
        times = _waits(app, web)
        median.ours.append(statistics.median(times))
        slowest.ours.append(statistics.quantiles(times, n=100, method="inclusive")[98])
        print(f"  {median.name}, p99: round {number + 1} of {rounds}: {median.ours[-1]:.1f}, {slowest.ours[-1]:.1f} ms",
              file=sys.stderr, flush=True)  # fmt: skip
    yield from (median, slowest)
    yield from _beside_peers(app, web, folder, rounds)
    yield interleave(Row("burst of 2,000: last 250 to whole catalog", "s", at_most(2)), rounds, whole_again(app, web))
    _fill(app, web)
    for name, path, count in (
        ("Mailpit list of 50 of 100,000", "/api/v1/messages?limit=50", 50),
        ("Mailpit search, a rare word of 100,000", f"/api/v1/search?query={RARE}", 1),
    ):
        yield interleave(Row(name, "ms p50", at_most(10)), rounds, _asks(web, path, count))


def _fill(app: Endpoint, web: Endpoint) -> None:
    """Send until the catalog has many messages, one of which has the rare word."""
    with contextlib.closing(smtplib.SMTP(*app)) as sender:
        sender.ehlo("client.test")
        _send(sender, _letter("a word", f"There is a {RARE} here.\r\n"))
    with Http(*web) as api:
        while (total := _total(api)) < MANY:
            print(f"  {total:,} of {MANY:,} messages", file=sys.stderr, flush=True)
            smtp_source(*app, messages=min(10_000, MANY - total), reuse=True)
            until_quiet(web)


# -- the peers ----------------------------------------------------------------------------------------------------


def _beside_peers(app: Endpoint, web: Endpoint, folder: Path, rounds: int) -> Iterator[Row]:
    with Http(*web) as api:
        ours = partial(_total, api)
        with Maildev(folder / "maildev") as maildev:
            yield from _beside(app, ours, maildev, "maildev 3", rounds)
        with Smtpdfix() as smtpdfix:
            yield from _beside(app, ours, smtpdfix, "smtpdfix", rounds)


def _beside(app: Endpoint, ours: Callable[[], int], peer: Maildev | Smtpdfix, name: str, rounds: int) -> Iterator[Row]:
    """Measure how soon one message is counted, and how soon many are, beside a peer."""
    row = Row("accept to visible by API", "ms p50", None, peer_name=name)
    yield interleave(row, rounds, _visible(app, ours), _visible(peer.smtp, peer.count))
    row = Row("2,000 messages to visible by API", "messages/s", None, peer_name=name)
    yield interleave(row, rounds, _rate(app, ours), _rate(peer.smtp, peer.count))


def _visible(smtp: tuple[str, int], count: Callable[[], int]) -> Callable[[], float]:
    """Return the median milliseconds from the 250 until the API counts one message more."""

    def measure() -> float:
        times = []
        with contextlib.closing(smtplib.SMTP(*smtp)) as sender:
            sender.ehlo("client.test")
            for number in range(SINGLES):
                before = count()
                accepted = _send(sender, _letter(f"number {number}"))
                while count() == before:
                    if time.perf_counter() - accepted > PATIENCE:
                        raise TimeoutError("a message did not become visible")
                    time.sleep(LOOK)
                times.append((time.perf_counter() - accepted) * 1000)
        return statistics.median(times)

    return measure


def _rate(smtp: tuple[str, int], count: Callable[[], int]) -> Callable[[], float]:
    """Return messages per second, from the first connection until the API counts the last."""

    def measure() -> float:
        wanted = count() + MESSAGES
        began = time.perf_counter()
        smtp_source(*smtp, messages=MESSAGES, reuse=True)
        while count() < wanted:
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError("messages did not become visible")
            time.sleep(LOOK)
        return MESSAGES / (time.perf_counter() - began)

    return measure


class Maildev:
    """MailDev with its defaults, its mail in memory. It is installed into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = 0  # messages that it has had before

    def __enter__(self) -> Self:
        self._folder.mkdir()
        command = [program("npm", "npm"), "install", "--no-audit", "--no-fund", MAILDEV]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, check=False)
        if done.returncode:
            raise MissingPeerError(f"npm can't install {MAILDEV}: {done.stderr.decode()[-300:]}")
        network, self._claim = claim_network()
        address = f"{network}.2"
        self.smtp = (address, SMTP_PORT)
        ports = ["--smtp", str(SMTP_PORT), "--ip", address, "--web", str(WEB_PORT), "--web-ip", address, "--silent"]
        self._daemon = Daemon([str(self._folder / "node_modules" / ".bin" / "maildev"), *ports], self._folder)
        self._daemon.start(address, WEB_PORT)
        self._api = Http(address, WEB_PORT)
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._daemon.stop()
        self._claim.close()

    def count(self) -> int:
        """Return how many messages it has. Its API tells no total, but whether there is one more, or 50 more."""
        while self._has(self._known):
            self._known += 50 if self._has(self._known + 49) else 1
        return self._known

    def _has(self, index: int) -> bool:
        return bool(self._api.ask("GET", f"/api/email?limit=1&skip={index}"))


_FIXTURE = """
import sys
from smtpdfix import SMTPDFix
with SMTPDFix(sys.argv[1], int(sys.argv[2])) as smtpd:
    for _ in iter(lambda: (print(len(smtpd.messages), flush=True), sys.stdin.readline())[1], ""):
        pass
"""


class Smtpdfix:
    """smtpdfix in a process of its own, which says how many messages it has for each line that it reads."""

    def __enter__(self) -> Self:
        network, self._claim = claim_network()
        self.smtp = (f"{network}.2", SMTP_PORT)
        command = [sys.executable, "-c", _FIXTURE, self.smtp[0], str(SMTP_PORT)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._line() is None:
            raise MissingPeerError("smtpdfix is not here: pip install smtpdfix")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._claim.close()

    def _line(self) -> int | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return int(line) if line else None

    def count(self) -> int:
        """Return how many messages it has."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._line()
        if line is None:
            raise RuntimeError("smtpdfix has ended")
        return line
