"""Reads and writes stretches: ranges of UIDs with the same flags, in place of what the entries say.

A change of flags makes a stretch of messages that had the same flags before, and then have the same after it, if they
are not few. Those among them that change by themselves later are cut out: their entries say again what they have. What
is left of a stretch on each side stays one, if it is not short; otherwise its entries are written. So stretches are
few, and what changes message by message costs what it does without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from sqlite3 import Connection

    from postroad_store.mail.model.ranges import Runs

LEAST = 256  # UIDs that a stretch has; it pays from some ten messages on


class Stretch(NamedTuple):
    """What the messages with these UIDs have; the modseq is that of the commit that changed them."""

    low: int
    high: int
    flags: int
    modseq: int


Part = tuple[int, int, Stretch | None]  # UIDs, and the stretch that they are in


def merged(entries: str = "entries", stretches: str = "stretches", *, also: str = "") -> str:
    """Return a table for SELECTs: entries with the flags and mod-sequences that the messages have.

    It takes 0.3 µs per message. `also` is the first column of both keys in the tables of snapshots.
    """
    same = f"s.{also} = e.{also} AND " if also else ""
    before = f"SELECT max(uid_low) FROM {stretches} s WHERE {same}s.mailbox = e.mailbox AND s.uid_low <= e.uid"  # noqa: S608
    return (
        f"(SELECT {f'e.{also}, ' if also else ''}e.mailbox, e.uid, e.size, e.internal_date,"  # noqa: S608
        " iif(s.flags IS NULL, e.flags, s.flags) AS flags, e.wide_flags,"
        f" iif(s.flags IS NULL, e.modseq, s.modseq) AS modseq FROM {entries} e LEFT JOIN {stretches} s"
        f" ON {same}s.mailbox = e.mailbox AND s.uid_low = ({before}) AND s.uid_high >= e.uid)"
    )


def is_long(low: int, high: int) -> bool:
    """Return whether so many UIDs may be a stretch."""
    return high - low + 1 >= LEAST


def read_stretches(db: Connection, mailbox: int, runs: Runs) -> list[Stretch]:
    """Return the stretches that have UIDs between the first and the last of these UIDs, ascending."""
    if not runs:
        return []
    low, high = runs[0][0], runs[-1][1]
    return [Stretch(*row) for row in db.execute(_READ, (mailbox, mailbox, low, high, low)).fetchall()]


def parts(stretches: Sequence[Stretch], runs: Runs) -> list[Part]:
    """Return ranges of UIDs, cut where a stretch begins or ends."""
    return list(_parts(stretches, runs)) if stretches else [(low, high, None) for low, high in runs]


def _parts(stretches: Sequence[Stretch], runs: Runs) -> Iterator[Part]:
    left = iter(stretches)
    stretch = next(left, None)
    for first, last in runs:
        low = first
        while low <= last:
            while stretch is not None and stretch.high < low:
                stretch = next(left, None)
            if stretch is None or stretch.low > last:
                yield low, last, None
                break
            if stretch.low > low:
                yield low, stretch.low - 1, None
            end = min(stretch.high, last)
            yield max(low, stretch.low), end, stretch
            low = end + 1


def read_parts(db: Connection, mailbox: int, runs: Runs) -> list[Part]:
    """Return ranges of UIDs, cut where one of the mailbox's stretches begins or ends."""
    return parts(read_stretches(db, mailbox, runs), runs)


def alike(db: Connection, mailbox: int, low: int, high: int) -> Iterator[tuple[int, int, int | None]]:
    """Yield ranges of these UIDs, which are in no stretch, and what flags all messages of a range have.

    None: they may differ, or are too few for a stretch, or have flags that it cannot have.
    """
    begun = low  # where those begin that may differ
    while (first := db.execute(_FIRST, (mailbox, low, high)).fetchone()) is not None:
        uid, flags, wide = first
        other = (uid,) if wide else db.execute(_OTHER, (mailbox, uid, high, flags)).fetchone()
        end = high if other is None else other[0] - 1
        if not is_long(uid, end):
            low = uid + LEAST  # those between are not looked at
            continue
        if begun < uid:
            yield begun, uid - 1, None
        yield uid, end, flags
        begun = low = end + 1
    if begun <= high:
        yield begun, high, None


def lay(db: Connection, mailbox: int, stretch: Stretch) -> None:
    """Let messages be in a stretch; they are in none now."""
    db.execute("INSERT INTO stretches VALUES (?, ?, ?, ?, ?)", (mailbox, *stretch))


def cut(db: Connection, mailbox: int, stretch: Stretch, low: int, high: int) -> None:
    """Take UIDs out of a stretch that has them all. What their entries say is the caller's to write."""
    db.execute(_FORGET, (mailbox, stretch.low))
    for first, last in ((stretch.low, low - 1), (high + 1, stretch.high)):
        left = stretch._replace(low=first, high=last)
        if is_long(first, last) and has_messages(db, mailbox, first, last):
            lay(db, mailbox, left)
        elif first <= last:
            write_entries(db, mailbox, left)


def dissolve(db: Connection, mailbox: int, stretches: Iterable[Stretch]) -> None:
    """Write the entries of stretches, which are none then."""
    for stretch in stretches:
        db.execute(_FORGET, (mailbox, stretch.low))
        write_entries(db, mailbox, stretch)


def write_entries(db: Connection, mailbox: int, stretch: Stretch) -> int:
    """Let entries say what a stretch would, which is none; return how many there are."""
    values = (stretch.flags, stretch.modseq, mailbox, stretch.low, stretch.high)
    return db.execute(_WRITE, values).rowcount


def forget_empty(db: Connection, mailbox: int, stretches: Iterable[Stretch]) -> None:
    """Forget those of the stretches that have no message any more."""
    for stretch in stretches:
        if not has_messages(db, mailbox, stretch.low, stretch.high):
            db.execute(_FORGET, (mailbox, stretch.low))


def has_messages(db: Connection, mailbox: int, low: int, high: int) -> bool:
    """Return whether a mailbox has messages with these UIDs."""
    return db.execute(_ANY, (mailbox, low, high)).fetchone() is not None


def count_messages(db: Connection, mailbox: int, low: int, high: int) -> int:
    """Return how many messages with these UIDs a mailbox has."""
    (count,) = db.execute(_COUNT, (mailbox, low, high)).fetchone()
    return int(count)


_READ = (
    "SELECT uid_low, uid_high, flags, modseq FROM stretches WHERE mailbox = ? AND uid_low BETWEEN ifnull("
    "(SELECT max(uid_low) FROM stretches WHERE mailbox = ? AND uid_low <= ?), 0) AND ? AND uid_high >= ?"
    " ORDER BY uid_low"
)
_FIRST = "SELECT uid, flags, wide_flags FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT 1"
_OTHER = (
    "SELECT uid FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ? AND (flags <> ? OR wide_flags IS NOT NULL)"
    " ORDER BY uid LIMIT 1"
)
_FORGET = "DELETE FROM stretches WHERE mailbox = ? AND uid_low = ?"
_WRITE = "UPDATE entries SET flags = ?, modseq = ? WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_ANY = "SELECT 1 FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ? LIMIT 1"
_COUNT = "SELECT count(*) FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ?"
