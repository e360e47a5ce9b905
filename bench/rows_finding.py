"""The text index with a hundred thousand and a million letters: how large it is, and what is found by it how fast.

Every letter is another one, of about two kilobytes, with words as often as language has them. One in a thousand has a
word that no other has.
"""

from __future__ import annotations

import random
import sqlite3
import time
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from bench.clients import ImapClient
from bench.rows_growth import WAIT, memory, once
from bench.table import at_most
from bench.waiting import Others

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.rows_imap import Place, User
    from bench.table import Row

SIZES = (100_000, 1_000_000)
AT_ONCE = 1_000  # letters
FOUND = 50.0  # milliseconds in which a rare word is found
SHARE = 0.4  # of the text, that the index may take
SYLLABLES = [first + rest for first in "bcdfglmnprstv" for rest in ("a", "e", "i", "o", "u", "er", "in", "on")]
VOCABULARY, NAMES = 60_000, 5_000
POLL = 1.0  # seconds between two looks at the index
RARE = "needle{:07}"


class Letters:
    """Letters, the same ones each time."""

    def __init__(self) -> None:
        self._dice = random.Random(7)
        words = ["".join(self._dice.choices(SYLLABLES, k=self._dice.randint(1, 4))) for _ in range(VOCABULARY)]
        self._words, self._names = words, words[-NAMES:]
        self.sender = ""  # of the last letter: few others are from there
        self._weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))  # Zipf's law

    def letter(self, number: int) -> bytes:
        """Return the letter with this number."""
        words = self._dice.choices(self._words, cum_weights=self._weights, k=300)
        name = self._dice.choice(self._names)
        self.sender = f"{name}{number % 97}@alpha.test"
        rare = " " + RARE.format(number) if number % AT_ONCE == 0 else ""
        lines = [" ".join(words[at : at + 11]) for at in range(0, len(words), 11)]
        head = (
            f"From: {name.title()} <{self.sender}>\r\nTo: Bob <bob@beta.test>\r\n"
            f"Subject: {' '.join(words[:5])}{rare}\r\nDate: Sun, 1 Mar 2026 12:00:00 +0000\r\n"
            f"Message-ID: <{number}@alpha.test>\r\n\r\n"
        )
        return (head + "\r\n".join([*lines, ""])).encode("ascii")


def rows(place: Place, user: User, mail: Path, process_id: Callable[[], int]) -> Iterator[Row]:
    """Fill the mailbox, wait for the index, and search; `mail` is the folder of the mail's database."""
    letters, count, octets = Letters(), 0, 0
    with ImapClient(place[0], place[1], *user) as client, ImapClient(place[0], place[1], *user) as other:
        client.empty()
        waiting = Others(other)
        for size in SIZES:
            while count < size:
                some = [letters.letter(number) for number in range(count, count + AT_ONCE)]
                client.append(some)
                count += AT_ONCE
                octets += sum(map(len, some))
            _wait_for_index(mail)
            share = (mail / "index.sqlite").stat().st_size / octets
            yield once(f"index of the texts of {size:,}, to the texts", at_most(SHARE), share, unit="ratio")
            client.command("SELECT INBOX")
            for name, text in _searches(size, letters.sender).items():
                floor = at_most(FOUND) if name.endswith("rare word") else None
                began = time.perf_counter()
                wait = waiting.wait(partial(client.command, text))
                yield once(f"SEARCH {name} among {size:,}", floor, (time.perf_counter() - began) * 1000)
                yield once(f"others' NOOP, p99, during SEARCH {name} among {size:,}", at_most(WAIT), wait)
            yield once(f"memory after searches among {size:,}", None, memory(process_id()), unit="MB")
        client.empty()


def _searches(size: int, sender: str) -> dict[str, str]:
    rare = RARE.format(size // 2)
    misspelt = rare.replace("needle", "neadle")
    return {
        "TEXT, a rare word": f"SEARCH TEXT {rare}",
        "SUBJECT, a rare word": f"SEARCH SUBJECT {rare}",
        "FROM, a rare word": f"SEARCH FROM {sender}",
        "TEXT, a frequent word": "SEARCH RETURN (COUNT) TEXT alpha",
        "FUZZY TEXT, a rare word with a mistake": f"SEARCH RETURN (COUNT) FUZZY TEXT {misspelt}",
    }


def _wait_for_index(mail: Path) -> None:
    """Wait until the index has all letters."""
    while True:
        time.sleep(POLL)
        with sqlite3.connect(f"file:{mail / 'mail.sqlite'}?mode=ro", uri=True) as db:
            (last,) = db.execute("SELECT max(id) FROM contents").fetchone()
        db.close()
        if not (mail / "index.sqlite").exists():
            continue
        with sqlite3.connect(f"file:{mail / 'index.sqlite'}?mode=ro", uri=True) as index:
            row = index.execute("SELECT upto FROM reached").fetchone()
        index.close()
        if row is not None and row[0] >= last:
            return
