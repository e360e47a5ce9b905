"""The base of all commits: work for the writer, and the change in memory that follows it.

`write` runs in the writer's thread, or on the event loop's if it is `brief`. It is inside a transaction, and touches
only the database. If it raises, all that it has written is rolled back. `show` runs on the event loop's thread once the
transaction is on disk, in the order of the commits. It changes the memory accordingly, and returns the caller's result.
If that takes long, `show` is a generator instead, which yields where others may run, and returns the result; the next
commit is shown after its end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from sqlite3 import Connection

    from postroad.journal import Line
    from postroad_store.mail.database.facts import Boxes

FEW = 100  # messages that a brief commit may change in a mailbox of any size
BRIEF = 128 << 10  # octets of disk space that one may need

Written = TypeVar("Written")
Shown = TypeVar("Shown")


class Commit(ABC, Generic[Written, Shown]):
    """One piece of work."""

    brief = False  # whether `write` takes a millisecond at most, however large the mailbox is
    joins = False  # whether it is a message that may be written with others (`append.write_together`)
    last = False  # whether it may be written after all others that share its transaction
    octets = 0  # of disk space that it needs; work that makes room, or needs little, asks for none
    # Gives what the journal has to say of it, from what it has written, where it is written; None: nothing.
    events: Callable[[Boxes, Any], Sequence[Line]] | None = None
    renames = False  # whether mailboxes may have other names, or other UIDVALIDITY values, afterwards
    hurry = True  # whether nobody flushes the journal who waits for it
    lines: Sequence[Line] = ()  # these events, and the row of `news` that has them
    row = 0

    @abstractmethod
    def write(self, db: Connection) -> Written:
        """Write to the database."""

    @abstractmethod
    def show(self, written: Written) -> Shown | Generator[None, None, Shown]:
        """Change the memory, on the event loop's thread, and return the caller's result."""


def discard(db: Connection, contents: Iterable[int]) -> None:
    """Note contents that may have lost their last entry: `Collect` removes those that have."""
    db.executemany("INSERT OR IGNORE INTO garbage VALUES (?)", [(content,) for content in contents])
