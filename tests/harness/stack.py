"""What the tests know of one running Postroad, however it runs: its endpoints, its services, its journal and logs.

`ProcessStack` runs the services as processes on a loopback network of its own, `ComposeStack` as containers. A test
written against `Stack` runs against both. Every wait is for an event (a line of a log, a protocol's banner) and is
bounded; nothing sleeps.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_WORLD = (ROOT / "services" / "world.toml").read_text()

WAIT = 30.0  # seconds: the bound of every wait; a healthy stack needs a fraction of one

LOOK_AGAIN = 0.05  # seconds between two looks at what cannot be waited for

RELAY_NAME = "relay.postroad.test"
STORE_NAME = "mx.postroad.test"
DNS_NAME = "ns.postroad.test"
WEB_NAME = "web.postroad.test"


class Service(StrEnum):
    """A service that can be stopped and started."""

    DNS = "dns"
    RELAY = "relay"
    STORE = "store"
    WEB = "web"


class Endpoint(NamedTuple):
    """Where a protocol is spoken."""

    host: str
    port: int


class Port(StrEnum):
    """A protocol of the stack; `Stack.endpoint` says where it is spoken."""

    DNS = "dns"
    APP = "app"  # the relay's door for apps
    SMTP = "smtp"  # of the relay
    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"
    MX = "mx"  # SMTP of the store
    POP3 = "pop3"
    POP3S = "pop3s"
    IMAP = "imap"
    IMAPS = "imaps"
    SIEVE = "sieve"
    LMTP = "lmtp"  # of the store; containers do not publish it
    WEB = "web"


@dataclass(frozen=True, slots=True)
class User:
    """An account of the world under test."""

    address: str
    password: str


ALICE = User("alice@alpha.test", "wonderland")
CAROL = User("carol@alpha.test", "rainbow")
BOB = User("bob@beta.test", "builder")
DAVE = User("dave@beta.test", "gravel")
CAPTURE = User("capture@postroad.test", "capture")

FRESH_DOMAIN = "fresh.test"
FRESH_USERS = 600
ALIASED = {"почта": User(f"utf8@{FRESH_DOMAIN}", "u"), "a b": User(f"quoted@{FRESH_DOMAIN}", "q")}


def fresh_domain() -> str:
    """Return the world's part that holds the accounts which `Stack.fresh_user` hands out."""
    users = {f"u{number:03}": f"p{number:03}" for number in range(FRESH_USERS)}
    users |= {user.address.partition("@")[0]: user.password for user in ALIASED.values()}
    accounts = ", ".join(f'{name} = "{password}"' for name, password in users.items())
    aliases = ", ".join(f"'{alias}' = '{user.address}'" for alias, user in ALIASED.items())
    return f"""
[domains."{FRESH_DOMAIN}"]
mx = ["10 mx.postroad.test"]
accounts = {{ {accounts} }}
aliases = {{ {aliases} }}
"""


class Log:
    """The lines that one service wrote, over all its starts; a thread appends, tests wait."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._open = 0

    def follow(self, lines: Iterator[str]) -> threading.Thread:
        """Read the lines of one start of the service, until they end, in a thread of its own."""
        with self._changed:
            self._open += 1

        def run() -> None:
            try:
                for line in lines:
                    with self._changed:
                        self._lines.append(line.rstrip("\n"))
                        self._changed.notify_all()
            finally:
                with self._changed:
                    self._open -= 1
                    self._changed.notify_all()

        thread = threading.Thread(target=run, name=f"log of {self._name}", daemon=True)
        thread.start()
        return thread

    @property
    def position(self) -> int:
        """How many lines there are: a mark for `wait(after=)`."""
        with self._changed:
            return len(self._lines)

    def text(self, after: int = 0) -> str:
        """Return the lines after a position."""
        with self._changed:
            return "\n".join(self._lines[after:])

    def wait(self, pattern: str, *, after: int = 0, timeout: float = WAIT) -> str:
        """Return the first line after a position that matches, waiting for it if need be."""
        deadline = time.monotonic() + timeout
        compiled = re.compile(pattern)
        with self._changed:
            while True:
                for line in itertools.islice(self._lines, after, None):
                    if compiled.search(line):
                        return line
                after = max(after, len(self._lines))
                left = deadline - time.monotonic()
                if left <= 0 or not self._open:
                    why = "within the time" if self._open else "before it ended"
                    tail = "\n".join(self._lines[-30:])
                    raise AssertionError(f"{self._name} logged no line like {pattern!r} {why}; its last lines:\n{tail}")
                self._changed.wait(left)


class Stack(ABC):
    """One running Postroad."""

    def __init__(self) -> None:
        self.logs = {service: Log(service) for service in Service}
        self._numbers = itertools.count()

    # Life

    @abstractmethod
    def open(self) -> None:
        """Start everything and wait until it is ready."""

    @abstractmethod
    def close(self) -> None:
        """Stop everything and leave nothing behind."""

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def start(self, *services: Service) -> None:
        """Start services that are not running and wait until they are ready."""

    @abstractmethod
    def stop(self, *services: Service) -> None:
        """Stop services as an operator does (SIGTERM), and wait until they are gone."""

    @abstractmethod
    def kill(self, *services: Service) -> None:
        """Stop services at whatever instruction they are (SIGKILL)."""

    def restart(self, *services: Service) -> None:
        """Stop and start."""
        self.stop(*services)
        self.start(*services)

    # What a client needs

    @abstractmethod
    def endpoint(self, port: Port) -> Endpoint:
        """Return where the protocol is spoken."""

    @property
    @abstractmethod
    def ca_file(self) -> Path:
        """The CA certificate that clients verify against."""

    def fresh_user(self) -> User:
        """Return an account that no test has used before."""
        number = next(self._numbers)
        if number >= FRESH_USERS:
            raise AssertionError("the world has no more fresh accounts: raise FRESH_USERS")
        return User(f"u{number:03}@{FRESH_DOMAIN}", f"p{number:03}")

    # What can be seen and changed from outside

    @abstractmethod
    def edit_world(self, text: str) -> None:
        """Replace the world file, as an editor does."""

    @abstractmethod
    def journal_lines(self, service: Service) -> list[str]:
        """Return the lines of a service's journal."""

    def journal(self, service: Service) -> list[dict[str, Any]]:
        """Return the events of a service's journal; a last line that was cut off by a kill is left out."""
        events = []
        for line in self.journal_lines(service):
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def wait_journal(
        self, service: Service, kind: str, *, count: int = 1, timeout: float = WAIT, **detail: object
    ) -> list[dict[str, Any]]:
        """Return the events of a kind, with these details, as soon as there are `count` of them.

        The journal is written a moment after what it tells of, and nothing announces that: it is looked at again.
        """
        deadline = time.monotonic() + timeout
        while True:
            events = [
                event
                for event in self.journal(service)
                if event["kind"] == kind and all(event.get(name) == value for name, value in detail.items())
            ]
            if len(events) >= count:
                return events
            assert time.monotonic() < deadline, f"{len(events)} of {count} events {kind} {detail} in the journal"
            threading.Event().wait(LOOK_AGAIN)

    @abstractmethod
    def trace(self, name: str) -> str:
        """Return what `make trace ID=name` prints."""

    def check_logs(self) -> None:
        """Assert what holds of every log: no traceback, and no password of an account."""
        for service, log in self.logs.items():
            text = log.text()
            at = text.find("Traceback")
            assert at < 0, f"{service} logged a traceback:\n{text[max(0, at - 500) : at + 4000]}"
            for user in (ALICE, CAROL, BOB, DAVE):
                assert user.password not in text, f"{service} logged a password"
