"""A mailbox of ten thousand, a hundred thousand and a million messages: time, others' waits, and memory.

The messages are copies of a thousand, so the database is small beside one of as many letters. What is measured reads
entries and packs, of which there are as many as there are messages.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clients import ImapClient
from bench.rows_imap import messages
from bench.table import Row, at_most, interleave
from bench.waiting import Others

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.rows_imap import Place, User
    from bench.table import Floor

SIZES = (10_000, 100_000, 1_000_000)
AT_ONCE = 1_000  # messages that are appended, and copied
SESSIONS = 10  # that look at the mailbox
SLOW = 50.0  # milliseconds that SELECT and STATUS may take
WAIT = 20.0  # milliseconds that others' NOOPs may take meanwhile, 99 of 100
MEMORY = 300.0  # MB of the store
STATUS = "STATUS big (MESSAGES UNSEEN RECENT UIDNEXT UIDVALIDITY)"
COMMANDS = (
    "FETCH 1:* (FLAGS)",
    "UID SEARCH UNSEEN",
    "STORE 1:* +FLAGS.SILENT (\\Flagged)",
    "STORE 500 -FLAGS.SILENT (\\Flagged)",
    "UID EXPUNGE 500",
)


def rows(place: Place, user: User, process_id: Callable[[], int], restart: Callable[[], None]) -> Iterator[Row]:
    """Fill the mailbox, and measure it at each size; `restart` starts the store anew, so that it has read nothing."""

    def client() -> ImapClient:
        return ImapClient(place[0], place[1], *user)

    with client() as filler:
        filler.empty()
        filler.append(messages(AT_ONCE, 2048, 5))
        filler.command("CREATE big")
        filler.command("SELECT INBOX")
    for size in SIZES:
        with client() as filler:
            _fill(filler, size)
        restart()
        with client() as asking:
            yield once(f"STATUS of {size:,}, the first", at_most(SLOW), asking.timed(STATUS))
            yield once(f"STATUS of {size:,}, again", at_most(SLOW), asking.timed(STATUS))
        with contextlib.ExitStack() as stack:
            first, *others = [stack.enter_context(client()) for _ in range(SESSIONS + 1)]
            yield once(f"SELECT of {size:,}, the first", at_most(SLOW), first.timed("SELECT big"))
            yield once(
                f"SELECT of {size:,}, again", at_most(SLOW), max(other.timed("SELECT big") for other in others[1:])
            )
            yield once(
                f"memory with {size:,}, in {SESSIONS} sessions", at_most(MEMORY), memory(process_id()), unit="MB"
            )
            waiting = Others(others[0])
            for text in COMMANDS:
                began = time.perf_counter()
                wait = waiting.wait(partial(first.command, text))
                yield once(f"{text} of {size:,}", None, (time.perf_counter() - began) * 1000)
                yield once(f"others' NOOP, p99, during {text} of {size:,}", at_most(WAIT), wait)
            yield once(f"memory afterwards, with {size:,}", at_most(MEMORY), memory(process_id()), unit="MB")
            for other in others[1:]:
                other.command("UNSELECT")
    with client() as filler:
        filler.command("DELETE big")
        filler.empty()


def _fill(client: ImapClient, size: int) -> None:
    """Copy messages into the mailbox until it has that many."""
    client.command("SELECT INBOX")
    answer = client.command("STATUS big (MESSAGES)")
    there = int(answer.split(b"MESSAGES ", 1)[1].split(b")", 1)[0])
    for _ in range((size - there + AT_ONCE - 1) // AT_ONCE):
        client.command("COPY 1:* big")


def once(name: str, floor: Floor | None, figure: float, unit: str = "ms") -> Row:
    """Return the row of what is measured once."""
    return interleave(Row(f"IMAP {name}", unit, floor), 1, lambda: figure)


def memory(process_id: int) -> float:
    """Return what the process has of its own and shares with files, in MB."""
    time.sleep(0.2)  # what was just read may still be in the hands of a thread
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise ValueError("the process has no memory")
