"""What can be done to messages: each a piece of work for the writer thread, and what it changes in memory.

`write` runs in the writer thread, inside a transaction, and touches nothing but the database; whatever it raises,
all that it wrote is rolled back. `show` runs on the event loop's thread once the transaction is on disk, in the
order of the commits, changes the memory accordingly and gives the caller's result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

from postroad_store.mail.database.database import PAGE, PIECE, PIECE_BITS
from postroad_store.mail.model.errors import LimitReached, MessagesExpunged, NoSuchMailbox
from postroad_store.mail.model.flags import DELETED, FIRST_KEYWORD, MAX_KEYWORDS, SYSTEM, Change, FlagSet
from postroad_store.mail.model.message import UID, Copied, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from sqlite3 import Connection

    from postroad_store.mail.mime.structure import Parsed
    from postroad_store.mail.model.mailbox import Mailbox, Runs
    from postroad_store.mail.model.view import View

Written = TypeVar("Written")
Shown = TypeVar("Shown")
Keywords = list[tuple[int, str]]  # (number, name) of keywords that are new to a mailbox
Entries = list[tuple[int, int, int, int]]  # (UID, flags, size, internal date), as Mailbox.arrive takes them


class Commit(ABC, Generic[Written, Shown]):
    """One piece of work."""

    octets = 0  # how much room it must find on the disk; what makes room, or needs little, asks for none

    @abstractmethod
    def write(self, db: Connection) -> Written:
        """Do it, in the writer thread."""

    @abstractmethod
    def show(self, written: Written) -> Shown:
        """Take it into memory, on the event loop's thread."""


def _advance(db: Connection, mailbox: Mailbox, count: int = 0) -> tuple[int, int, int]:
    """Raise the mailbox's modseq, and uid_next by `count`; return the first of those UIDs, modseq, UIDVALIDITY."""
    rows = db.execute(
        "UPDATE mailboxes SET uid_next = uid_next + ?, modseq = modseq + 1 WHERE id = ? AND selectable"
        " RETURNING uid_next, modseq, uid_validity",
        (count, mailbox.id),
    ).fetchall()
    if not rows:
        raise NoSuchMailbox("the mailbox has gone")
    uid_next, modseq, uid_validity = rows[0]
    return uid_next - count, modseq, uid_validity


def _keyword_bits(db: Connection, mailbox_id: int, keywords: Iterable[str], *, make: bool) -> tuple[int, Keywords]:
    """Return the bits of keywords, giving numbers to new ones if `make`, else leaving them out."""
    known = {
        keyword.lower(): number
        for number, keyword in db.execute("SELECT number, keyword FROM keywords WHERE mailbox = ?", (mailbox_id,))
    }
    bits = 0
    new: Keywords = []
    for keyword in keywords:
        number = known.get(keyword.lower())
        if number is None:
            if not make:
                continue
            number = len(known)
            if number >= MAX_KEYWORDS:
                raise LimitReached(f"a mailbox has at most {MAX_KEYWORDS} keywords")
            db.execute("INSERT INTO keywords VALUES (?, ?, ?)", (mailbox_id, number, keyword))
            known[keyword.lower()] = number
            new.append((number, keyword))
        bits |= 1 << (FIRST_KEYWORD + number)
    return bits, new


def _discard(db: Connection, contents: Iterable[int]) -> None:
    db.executemany("INSERT OR IGNORE INTO garbage VALUES (?)", [(content,) for content in contents])


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to be stored, parsed: an `Arrival` made ready on the event loop's side."""

    mailboxes: tuple[Mailbox, ...]
    content: bytes
    internal_date: int
    flags: FlagSet
    parsed: Parsed
    plain: bool  # the content itself is the text to be searched
    text: tuple[bytes, bytes] | None  # that text, where it is another and is kept (`searchtext`)


_INSERT_CONTENT = (
    "INSERT INTO contents (size, header_size, sent_day, plain, envelope, body, bodystructure, parts, header)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class _Arrived:
    """One message in one mailbox."""

    mailbox: Mailbox
    uid_validity: int
    modseq: int
    keywords: Keywords
    entry: tuple[int, int, int, int]


class Append(Commit[list[_Arrived], list[Stored]]):
    """Store messages, all or none."""

    def __init__(self, arrivals: Sequence[Incoming]) -> None:
        self._arrivals = arrivals
        # Content, what is found out of it, and the pages that are written besides.
        self.octets = 2 * sum(len(one.content) for one in arrivals) + 16 * PAGE

    def write(self, db: Connection) -> list[_Arrived]:
        """Write each content once, and an entry for it in each of its mailboxes."""
        arrived: list[_Arrived] = []
        for one in self._arrivals:
            size = len(one.content)
            content = _write_content(db, one)
            for mailbox in one.mailboxes:
                uid, modseq, uid_validity = _advance(db, mailbox, 1)
                bits, new = one.flags.system & SYSTEM, Keywords()
                if one.flags.keywords:
                    keyword_bits, new = _keyword_bits(db, mailbox.id, one.flags.keywords, make=True)
                    bits |= keyword_bits
                db.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (mailbox.id, uid, content, bits, one.internal_date, size, modseq),
                )
                arrived.append(_Arrived(mailbox, uid_validity, modseq, new, (uid, bits, size, one.internal_date)))
        return arrived

    def show(self, written: list[_Arrived]) -> list[Stored]:
        """Show them in their mailboxes."""
        for one in written:
            one.mailbox.learn(one.keywords)
            one.mailbox.arrive(one.modseq, [one.entry])
        return [Stored(one.mailbox, one.uid_validity, UID(one.entry[0])) for one in written]


def _write_content(db: Connection, one: Incoming) -> int:
    parsed, size = one.parsed, len(one.content)
    header_size = parsed.header_size
    content = db.execute(
        _INSERT_CONTENT,
        (
            size,
            header_size,
            parsed.sent_day,
            one.plain,
            parsed.envelope,
            parsed.body,
            parsed.bodystructure,
            parsed.parts,
            one.content[:header_size],
        ),
    ).lastrowid
    assert content is not None  # noqa: S101 - an INSERT has just set it
    first = content << PIECE_BITS
    if size - header_size <= PIECE:
        db.execute("INSERT INTO octets VALUES (?, ?)", (first, one.content[header_size:]))
    else:
        view = memoryview(one.content)
        for number, start in enumerate(range(header_size, size, PIECE)):
            db.execute("INSERT INTO octets VALUES (?, ?)", (first + number, view[start : start + PIECE]))
    if one.text is not None:
        db.execute("INSERT INTO texts VALUES (?, ?, ?)", (content, *one.text))
    return content


class StoreFlags(Commit[tuple[int, int, Keywords], None]):
    """Change flags of ranges of messages."""

    def __init__(self, mailbox: Mailbox, runs: Runs, change: Change, flags: FlagSet, view: View | None) -> None:
        self._mailbox = mailbox
        self._runs = runs
        self._change = change
        self._flags = flags
        self._view = view

    def write(self, db: Connection) -> tuple[int, int, Keywords]:
        """Change what is not so already; return modseq, the bits, and keywords that are new."""
        mailbox, change = self._mailbox, self._change
        _, modseq, _ = _advance(db, mailbox)
        bits, new = self._flags.system & SYSTEM, Keywords()
        if self._flags.keywords:
            keyword_bits, new = _keyword_bits(db, mailbox.id, self._flags.keywords, make=change is not Change.REMOVE)
            bits |= keyword_bits
        db.executemany(
            _CHANGE_FLAGS[change],
            [
                {"bits": bits, "modseq": modseq, "mailbox": mailbox.id, "low": low, "high": high}
                for low, high in self._runs
            ],
        )
        return modseq, bits, new

    def show(self, written: tuple[int, int, Keywords]) -> None:
        """Show the flags."""
        modseq, bits, new = written
        self._mailbox.learn(new)
        self._mailbox.reflag(modseq, self._runs, self._change, bits, self._view)


_RANGE = "WHERE mailbox = :mailbox AND uid BETWEEN :low AND :high"
_CHANGE_FLAGS = {
    Change.ADD: f"UPDATE entries SET flags = flags | :bits, modseq = :modseq {_RANGE} AND flags & :bits <> :bits",  # noqa: S608
    Change.REMOVE: f"UPDATE entries SET flags = flags & ~:bits, modseq = :modseq {_RANGE} AND flags & :bits",  # noqa: S608
    Change.REPLACE: f"UPDATE entries SET flags = :bits, modseq = :modseq {_RANGE} AND flags <> :bits",  # noqa: S608
}


class Expunge(Commit[tuple[int, list[int]], list[UID]]):
    """Remove messages."""

    def __init__(self, mailbox: Mailbox, runs: Runs, *, only_deleted: bool, collect: Callable[[], None]) -> None:
        self._mailbox = mailbox
        self._runs = runs
        self._mask = DELETED if only_deleted else 0
        self._collect = collect

    def write(self, db: Connection) -> tuple[int, list[int]]:
        """Remove the entries; their contents may be garbage now."""
        _, modseq, _ = _advance(db, self._mailbox)
        gone: list[tuple[int, int]] = []
        for low, high in self._runs:
            gone += db.execute(
                "DELETE FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ? AND flags & ? = ?"
                " RETURNING uid, content",
                (self._mailbox.id, low, high, self._mask, self._mask),
            ).fetchall()
        _discard(db, [content for _, content in gone])
        return modseq, sorted(uid for uid, _ in gone)

    def show(self, written: tuple[int, list[int]]) -> list[UID]:
        """Show that they are gone."""
        modseq, uids = written
        self._mailbox.remove(modseq, uids)
        if uids:
            self._collect()
        return [UID(uid) for uid in uids]


@dataclass(frozen=True, slots=True)
class _Duplicated:
    uid_validity: int
    modseq: int
    source_modseq: int
    source: list[int]
    entries: Entries
    keywords: Keywords


class Copy(Commit[_Duplicated | None, Copied]):
    """Copy or move messages; the contents are shared."""

    def __init__(self, source: Mailbox, runs: Runs, target: Mailbox, *, move: bool, least: int = 0) -> None:
        self._source = source
        self._runs = runs
        self._target = target
        self._move = move
        self._least = least  # how many messages there must be; of fewer none is copied

    def write(self, db: Connection) -> _Duplicated | None:
        """Write new entries, and for a move take the old ones away; None where nothing was there."""
        rows: list[tuple[int, int, int, int, int]] = []
        for low, high in self._runs:
            rows += db.execute(
                "SELECT uid, content, flags, internal_date, size FROM entries"
                " WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid",
                (self._source.id, low, high),
            ).fetchall()
        uid, modseq, uid_validity = _advance(db, self._target, len(rows))
        if len(rows) < self._least:
            raise MessagesExpunged("some of the requested messages no longer exist.")
        if not rows:
            return None
        bits, new = self._translate(db, {row[2] for row in rows})
        entries = [
            (uid + number, bits[flags], size, internal_date)
            for number, (_, _, flags, internal_date, size) in enumerate(rows)
        ]
        source_modseq = 0
        if self._move:
            _, source_modseq, _ = _advance(db, self._source)
            db.executemany(
                "DELETE FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ?",
                [(self._source.id, low, high) for low, high in self._runs],
            )
        db.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (self._target.id, number, row[1], flags, internal_date, size, modseq)
                for (number, flags, size, internal_date), row in zip(entries, rows, strict=True)
            ],
        )
        return _Duplicated(uid_validity, modseq, source_modseq, [row[0] for row in rows], entries, new)

    def _translate(self, db: Connection, values: set[int]) -> tuple[dict[int, int], Keywords]:
        """Return what each value of flags is in the target, which has its own numbers for keywords."""
        if self._source.id == self._target.id or not any(value & ~SYSTEM for value in values):
            return {value: value for value in values}, []
        names = dict(db.execute("SELECT number, keyword FROM keywords WHERE mailbox = ?", (self._source.id,)))
        used = [number for number in names if any(value >> (FIRST_KEYWORD + number) & 1 for value in values)]
        targets: dict[int, int] = {}
        new: Keywords = []
        for number in sorted(used):
            targets[number], more = _keyword_bits(db, self._target.id, [names[number]], make=True)
            new += more
        return {
            value: value & SYSTEM | sum(bit for number, bit in targets.items() if value >> (FIRST_KEYWORD + number) & 1)
            for value in values
        }, new

    def show(self, written: _Duplicated | None) -> Copied:
        """Show the new ones, then that the old ones are gone."""
        if written is None:
            return Copied(self._target.uid_validity, (), ())
        self._target.learn(written.keywords)
        self._target.arrive(written.modseq, written.entries)
        if self._move:
            self._source.remove(written.source_modseq, written.source)
        return Copied(
            written.uid_validity,
            tuple(UID(uid) for uid in written.source),
            tuple(UID(entry[0]) for entry in written.entries),
        )


class Claim(Commit[None, None]):
    r"""Keep which messages some session has been told of as \Recent."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._uid = mailbox.recent_uid

    def write(self, db: Connection) -> None:
        """Raise the mark; it never falls."""
        db.execute("UPDATE mailboxes SET recent_uid = max(recent_uid, ?) WHERE id = ?", (self._uid, self._mailbox.id))

    def show(self, written: None) -> None:
        """Memory knows already."""


class Collect(Commit[bool, None]):
    """Remove contents that no entry names any longer, some at a time so that nobody waits long behind it."""

    LIMIT = 200
    OCTETS = 64 << 20

    def __init__(self, again: Callable[[], None]) -> None:
        self._again = again

    def write(self, db: Connection) -> bool:
        """Remove some; return whether there may be more."""
        found = db.execute(
            "SELECT g.content, coalesce(c.size, 0) FROM garbage g LEFT JOIN contents c ON c.id = g.content LIMIT ?",
            (self.LIMIT,),
        ).fetchall()
        before = accumulate([size for _, size in found], initial=0)
        suspects = [(content,) for (content, _), octets in zip(found, before, strict=False) if octets < self.OCTETS]
        garbage = [
            one
            for one in suspects
            if db.execute("SELECT 1 FROM entries WHERE content = ? LIMIT 1", one).fetchone() is None
        ]
        db.executemany("DELETE FROM contents WHERE id = ?", garbage)
        db.executemany("DELETE FROM texts WHERE content = ?", garbage)
        db.executemany(
            "DELETE FROM octets WHERE piece BETWEEN ? AND ?",
            [(one << PIECE_BITS, (one + 1 << PIECE_BITS) - 1) for (one,) in garbage],
        )
        db.executemany("DELETE FROM garbage WHERE content = ?", suspects)
        return len(found) == self.LIMIT or len(suspects) < len(found)

    def show(self, written: bool) -> None:
        """Go on, if there may be more."""
        if written:
            self._again()
