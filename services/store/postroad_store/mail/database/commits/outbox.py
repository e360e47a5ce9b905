"""Commits of deliveries that scripts have decided on: messages, letters and what is to be remembered, in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.append import Append
from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.connection import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Connection
    from typing import Any

    from postroad_store.mail.database.commits.append import Incoming
    from postroad_store.mail.database.commits.quotas import Allowed
    from postroad_store.mail.model.arrival import Stored
    from postroad_store.mail.model.letter import Letter, Memory

MAX_REMEMBERED = 10_000  # keys of an account; RFC 5230 §4.2: at least 1,000, and the oldest go first


class Deliver(Commit["tuple[Any, bool]", "list[Stored]"]):
    """Store messages, put letters into the outbox, and remember: all of it, or nothing.

    `posted` is called once letters are on disk. All that is asked of it is asked for `now`, in seconds since 1970.
    """

    def __init__(
        self,
        arrivals: Sequence[Incoming],
        letters: Sequence[Letter],
        memories: Sequence[Memory],
        now: int,
        *,
        allowed: Allowed,
        posted: Callable[[], None],
    ) -> None:
        self._append = Append(arrivals, now, allowed)
        self._letters = letters
        self._memories = memories
        self._now = now
        self._posted = posted
        self.octets = self._append.octets + sum(len(letter.content) for letter in letters) + 4 * PAGE

    def write(self, db: Connection) -> tuple[Any, bool]:
        """Write all of it; a letter whose memory is still fresh is not sent again (RFC 5230 §4.2)."""
        appended = self._append.write(db)
        posted = False
        for letter in self._letters:
            if letter.unless is not None:
                if self._is_fresh(db, letter.unless):
                    continue
                self._remember(db, letter.unless)
            db.execute(
                "INSERT INTO outbox (sender, recipient, smtputf8, written, attempts, due, content, world)"
                " VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
                (letter.sender, letter.recipient, letter.smtputf8, self._now, self._now, letter.content, letter.world),
            )
            posted = True
        for memory in self._memories:
            self._remember(db, memory)
        return appended, posted

    def _is_fresh(self, db: Connection, memory: Memory) -> bool:
        row = db.execute(
            "SELECT 1 FROM remembered WHERE account = ? AND key = ? AND until > ?",
            (memory.account, memory.key, self._now),
        ).fetchone()
        return row is not None

    def _remember(self, db: Connection, memory: Memory) -> None:
        if memory.seconds <= 0:
            return
        account = (memory.account,)
        db.execute("DELETE FROM remembered WHERE account = ? AND until <= ?", (*account, self._now))
        db.execute(
            "INSERT OR REPLACE INTO remembered VALUES (?, ?, ?)",
            (*account, memory.key, self._now + memory.seconds),
        )
        db.execute(
            "DELETE FROM remembered WHERE account = ? AND key IN (SELECT key FROM remembered WHERE account = ?"
            " ORDER BY until DESC LIMIT -1 OFFSET ?)",
            (*account, *account, MAX_REMEMBERED),
        )

    def show(self, written: tuple[Any, bool]) -> list[Stored]:
        """Show the messages in their mailboxes."""
        appended, posted = written
        stored = self._append.show(appended)
        if posted:
            self._posted()
        return stored


class Forget(Commit[None, None]):
    """Forget a letter: the relay has it, or it can't be sent."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, db: Connection) -> None:
        """Delete it."""
        db.execute("DELETE FROM outbox WHERE id = ?", (self._number,))

    def show(self, written: None) -> None:
        """Do nothing: the outbox is read when it is needed."""


class ForgetAll(Commit[None, None]):
    """Forget the letters of a world, which was dropped."""

    def __init__(self, world: str) -> None:
        self._world = world

    def write(self, db: Connection) -> None:
        """Delete them."""
        db.execute("DELETE FROM outbox WHERE world = ?", (self._world,))

    def show(self, written: None) -> None:
        """Do nothing: the outbox is read when it is needed."""


class Postpone(Commit[None, None]):
    """Try a letter again later."""

    def __init__(self, number: int, due: int) -> None:
        self._number = number
        self._due = due

    def write(self, db: Connection) -> None:
        """Change its time."""
        db.execute("UPDATE outbox SET attempts = attempts + 1, due = ? WHERE id = ?", (self._due, self._number))

    def show(self, written: None) -> None:
        """Do nothing: the outbox is read when it is needed."""
