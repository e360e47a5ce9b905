"""Twenty sessions that work on one mailbox at once: how long the commands that change it take.

Each session gives the next command when the last one is answered, so a server that answers reads faster gets more
commands to answer. How many it got is a row of its own.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from typing import TYPE_CHECKING

from bench.clients import ImapClient
from bench.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rows_imap import Place, User

SESSIONS = 20
MESSAGES = 1_000  # in the mailbox at the beginning
SECONDS = 4.0
MESSAGE = b"From: alice@alpha.test\r\nTo: bob@beta.test\r\nSubject: busy\r\n\r\n" + b"A line.\r\n" * 200
CHANGES = ("STORE", "EXPUNGE", "APPEND")


class _Busy:
    """The times of the commands of all sessions, in milliseconds."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {name: [] for name in CHANGES}
        self.commands = 0
        self._lock = threading.Lock()
        self._until = 0.0

    def run(self, place: Place, user: User) -> None:
        """Let the sessions work."""
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(ImapClient(place[0], place[1], *user)) for _ in range(SESSIONS)]
            clients[0].empty()
            clients[0].append([MESSAGE] * MESSAGES)
            for client in clients:
                client.command("SELECT INBOX")
            self._until = time.perf_counter() + SECONDS
            threads = [threading.Thread(target=self._work, args=(client, at)) for at, client in enumerate(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _work(self, client: ImapClient, at: int) -> None:
        times: dict[str, list[float]] = {name: [] for name in CHANGES}
        commands = turn = 0
        while time.perf_counter() < self._until:
            number = (at * 37 + turn * 11) % 500 + 1
            for text in ("NOOP", f"FETCH {number}:{number + 20} (FLAGS)", f"FETCH {number} (BODY.PEEK[])"):
                client.command(text)
            flag = "\\Deleted" if turn % 4 == 3 else "\\Flagged"
            sign = "+-"[turn % 2] if flag == "\\Flagged" else "+"
            times["STORE"].append(client.timed(f"STORE {number} {sign}FLAGS ({flag})"))
            if turn % 4 == 3:
                times["EXPUNGE"].append(client.timed("EXPUNGE"))
            times["APPEND"].append(client.append([MESSAGE]))
            commands += 5 + (turn % 4 == 3)
            turn += 1
        with self._lock:
            self.commands += commands
            for name, own in times.items():
                self.times[name] += own


def rows(ours: tuple[Place, User], peer: tuple[Place, User], peer_name: str, rounds: int) -> Iterator[Row]:
    """Measure both sides in turn."""
    changes = {
        name: Row(f"IMAP {name}, {SESSIONS} busy sessions", "ms p50", at_most(1.5), peer_name=peer_name)
        for name in CHANGES
    }
    commands = Row(f"IMAP commands of {SESSIONS} busy sessions", "commands/s", None, peer_name=peer_name)
    for number in range(rounds):
        sides = [(ours, "ours"), (peer, "peer")]
        for side, name in sides if number % 2 == 0 else reversed(sides):
            busy = _Busy()
            busy.run(*side)
            for change, row in changes.items():
                getattr(row, name).append(statistics.median(busy.times[change]))
            getattr(commands, name).append(busy.commands / SECONDS)
    yield from changes.values()
    yield commands
