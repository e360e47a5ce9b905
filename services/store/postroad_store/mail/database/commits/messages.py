"""Commits that copy, move, replace and remove messages (RFC 3501 §6.4.3, §6.4.7; RFC 6851; RFC 8508)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from postroad.value import value
from postroad_store.mail.database.commits.base import FEW, Commit, discard
from postroad_store.mail.database.commits.keywords import Numbers
from postroad_store.mail.database.commits.quotas import check_room, of_one_account
from postroad_store.mail.database.commits.tally import Tally
from postroad_store.mail.database.expunged import log_expunged
from postroad_store.mail.database.packs import forget_packs, pack_full
from postroad_store.mail.database.rows import has_wide_flags, insert_entries, joined
from postroad_store.mail.database.stretches import forget_empty, read_parts, read_stretches
from postroad_store.mail.database.threads import share_threads
from postroad_store.mail.model.arrival import Copied
from postroad_store.mail.model.contents import NOTHING
from postroad_store.mail.model.errors import MessagesExpunged
from postroad_store.mail.model.flags import DELETED, FIRST_KEYWORD, SYSTEM
from postroad_store.mail.model.mailbox import STEP
from postroad_store.mail.model.ranges import following

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from sqlite3 import Connection

    from postroad_store.mail.database.commits.append import Append, Arrived
    from postroad_store.mail.database.commits.quotas import Allowed
    from postroad_store.mail.model.arrival import Stored
    from postroad_store.mail.model.columns import Entry
    from postroad_store.mail.model.contents import Counts
    from postroad_store.mail.model.keywords import Naming
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.ranges import Runs


Expunged: TypeAlias = "tuple[int, Counts, list[UID]]"
NOWHERE: Runs = []


class Expunge(Commit["Expunged | None", "list[UID]"]):
    r"""Remove messages: all in ranges of UIDs, or those of them that have \Deleted.

    `likely` are ranges of those that have it as far as memory knows, which may lag behind: they are looked at first,
    and all others only if the mailbox has more.
    """

    def __init__(
        self, mailbox: Mailbox, runs: Runs, *, only_deleted: bool, collect: Callable[[], None], likely: Runs = NOWHERE
    ) -> None:
        self._mailbox = mailbox
        self._runs = runs
        self._likely = likely
        self._mask = DELETED if only_deleted else 0
        self._collect = collect
        most = mailbox.counts.deleted if only_deleted else sum([high - low + 1 for low, high in runs])
        self.brief = mailbox.counts.messages <= STEP and most <= FEW

    def write(self, db: Connection) -> Expunged | None:
        """Remove the entries; their contents may be garbage now. Return None if there was none."""
        tally = Tally(db, self._mailbox)
        rows = self._removed(db, self._likely)
        if not self._mask or len(rows) < tally.deleted:
            rows += self._removed(db, self._runs)
        if not rows:
            return None
        uids, contents, flags, sizes = zip(*sorted(rows), strict=True)
        discard(db, contents)
        tally.gone(uids, flags, sizes)
        runs = following(uids)
        forget_packs(db, self._mailbox.id, runs, tally.uid_next)
        log_expunged(db, self._mailbox.id, tally.modseq, runs)
        return tally.modseq, tally.close(), list(uids)

    def _removed(self, db: Connection, runs: Runs) -> list[tuple[UID, int, int, int]]:
        """Remove entries; return the UID, content, flags and size of each."""
        rows: list[tuple[UID, int, int, int]] = []
        mailbox, touched = self._mailbox.id, set()
        for low, high, stretch in read_parts(db, mailbox, runs):
            said = None if stretch is None else stretch.flags
            values = {"mailbox": mailbox, "low": low, "high": high, "said": said, "mask": self._mask}
            rows += db.execute(_DELETE_ENTRIES, values).fetchall()
            if stretch is not None:
                touched.add(stretch)
        forget_empty(db, mailbox, touched)
        return rows

    def show(self, written: tuple[int, Counts, list[UID]] | None) -> list[UID] | Generator[None, None, list[UID]]:
        """Show that they have gone."""
        if written is None:
            return []
        modseq, counts, uids = written
        self._mailbox.counted(modseq, counts)
        if len(uids) > STEP:
            return self._show_in_steps(modseq, uids)
        self._mailbox.remove(modseq, uids)
        self._collect()
        return uids

    def _show_in_steps(self, modseq: int, uids: list[UID]) -> Generator[None, None, list[UID]]:
        yield from self._mailbox.remove_in_steps(modseq, uids)
        self._collect()
        return uids


_DELETE_ENTRIES = (
    "DELETE FROM entries WHERE mailbox = :mailbox AND uid BETWEEN :low AND :high"
    " AND ifnull(:said, flags) & :mask = :mask RETURNING uid, content, ifnull(:said, flags), size"
)


class Replace(Commit["tuple[list[Arrived], tuple[int, Counts, list[UID]]]", "list[Stored]"]):
    """Store messages and remove another, or do neither (RFC 8508 §3.4)."""

    def __init__(self, append: Append, expunge: Expunge) -> None:
        self._append = append
        self._expunge = expunge
        self.octets = append.octets

    def write(self, db: Connection) -> tuple[list[Arrived], tuple[int, Counts, list[UID]]]:
        """Do both; raises `MessagesExpunged` if the message that should go has gone already."""
        # RFC 8508 §3.4: what goes makes room in a quota for what comes
        gone = self._expunge.write(db)
        if gone is None:
            raise MessagesExpunged("some of the requested messages no longer exist.")
        return self._append.write(db), gone

    def show(self, written: tuple[list[Arrived], tuple[int, Counts, list[UID]]]) -> list[Stored]:
        """Show that the old message has gone, then the new ones."""
        arrived, gone = written
        self._expunge.show(gone)  # one message takes no steps
        return self._append.show(arrived)


@value
class Duplicated:
    """What has been copied: where from and where to."""

    uid_validity: int
    modseq: int
    counts: Counts
    source_modseq: int
    source_counts: Counts
    source: list[UID]
    entries: list[Entry]
    naming: Naming

    def copied(self) -> Copied:
        """Return the UIDs: those in the target follow each other."""
        first = self.entries[0][0]
        target = range(first, first + len(self.entries))
        return Copied(self.uid_validity, tuple(self.source), cast("tuple[UID, ...]", tuple(target)))


class Copy(Commit[Duplicated | None, Copied]):
    """Copy or move messages; the contents are shared."""

    def __init__(
        self,
        source: Mailbox,
        runs: Runs,
        target: Mailbox,
        now: int,
        allowed: Allowed,
        *,
        move: bool,
        least: int = 0,
        mask: int = -1,
    ) -> None:
        self._allowed = allowed
        self._source = source
        self._runs = runs
        self._target = target
        self._now = now
        self._move = move
        self._mask = mask  # of the flags that the copies keep (RFC 4314 §4)
        self._least = least  # how many messages must exist; otherwise nothing is copied

    def write(self, db: Connection) -> Duplicated | None:
        """Insert new entries, and for a move remove the old ones; return None if no message was there.

        Raises `OverQuota`; a move within an account takes no more of it.
        """
        rows: list[tuple[UID, int, int, int, int]] = []
        for low, high, stretch in read_parts(db, self._source.id, self._runs):
            said = None if stretch is None else stretch.flags
            rows += db.execute(_READ_ENTRIES, (said, self._source.id, low, high)).fetchall()
        target = Tally(db, self._target)
        if len(rows) < self._least:
            raise MessagesExpunged("some of the requested messages no longer exist.")
        if not rows:
            return None
        old = self._flags(db, rows)
        kept = [value & self._mask for value in old]
        becomes, naming = self._translate(db, set(kept))
        flags = [becomes[value] for value in kept]
        uids, sizes = [row[0] for row in rows], [row[4] for row in rows]
        first = target.arrived(flags, sum(sizes))
        modseq, counts = target.modseq, target.close()
        source_modseq, source_counts = self._take_out(db, uids, old, sizes) if self._move else (0, NOTHING)
        if not (self._move and of_one_account(db, self._source.id, self._target.id)):
            check_room(db, (self._target.id,), self._allowed)
        entries = [(first + at, value, row[4], row[3]) for at, (value, row) in enumerate(zip(flags, rows, strict=True))]
        contents = [row[1] for row in rows]
        share_threads(db, self._source.id, target.account, contents)
        insert_entries(db, self._target.id, modseq, entries, contents, now=self._now)
        pack_full(db, self._target.id, first, target.uid_next)
        return Duplicated(target.uid_validity, modseq, counts, source_modseq, source_counts, uids, entries, naming)

    def _take_out(
        self, db: Connection, uids: list[UID], flags: Sequence[int], sizes: Sequence[int]
    ) -> tuple[int, Counts]:
        """Remove the messages from the source; return its modseq and counts."""
        source = Tally(db, self._source)  # after the target's is closed: it may be the same mailbox
        db.executemany(
            "DELETE FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ?",
            [(self._source.id, low, high) for low, high in self._runs],
        )
        forget_empty(db, self._source.id, read_stretches(db, self._source.id, self._runs))
        source.gone(uids, flags, sizes)
        runs = following(uids)
        forget_packs(db, self._source.id, runs, source.uid_next)
        log_expunged(db, self._source.id, source.modseq, runs)
        return source.modseq, source.close()

    def _flags(self, db: Connection, rows: list[tuple[UID, int, int, int, int]]) -> list[int]:
        """Return the flags of these entries; few mailboxes have any that SQLite's integers are too narrow for."""
        flags = [row[2] for row in rows]
        if has_wide_flags(db, self._source.id):
            wide: dict[int, bytes] = {}
            for low, high in self._runs:
                wide.update(db.execute(_READ_WIDE, (self._source.id, low, high)).fetchall())
            flags = [joined(row[2], wide.get(row[0])) for row in rows]
        return flags

    def _translate(self, db: Connection, values: set[int]) -> tuple[dict[int, int], Naming]:
        """Return each value of flags as the target has it, with the target's numbers for keywords.

        Keywords beyond the target's limit are left out: mail is never refused for a flag.
        """
        used = 0
        for flags in values:
            used |= flags
        if self._source.id == self._target.id or not used & ~SYSTEM:
            return {value: value for value in values}, []
        numbers = Numbers(db, self._target.id)
        bits = {}  # of the source → of the target
        for number, keyword in db.execute(
            "SELECT number, keyword FROM keywords WHERE mailbox = ? ORDER BY number", (self._source.id,)
        ).fetchall():
            bit = 1 << (FIRST_KEYWORD + number)
            if used & bit:
                bits[bit] = numbers.bits([keyword], make=True)
        return {value: _translated(value, bits) for value in values}, numbers.naming

    def show(self, written: Duplicated | None) -> Copied | Generator[None, None, Copied]:
        """Show the new messages, then that the old ones have gone."""
        if written is None:
            return Copied(self._target.uid_validity, (), ())
        if len(written.source) > STEP:
            return self._show_in_steps(written)
        self._target.counted(written.modseq, written.counts)
        self._target.arrive(written.modseq, written.entries, written.naming)
        if self._move:
            self._source.counted(written.source_modseq, written.source_counts)
            self._source.remove(written.source_modseq, written.source)
        return written.copied()

    def _show_in_steps(self, written: Duplicated) -> Generator[None, None, Copied]:
        self._target.counted(written.modseq, written.counts)
        yield from self._target.arrive_in_steps(written.modseq, written.entries, written.naming)
        if self._move:
            self._source.counted(written.source_modseq, written.source_counts)
            yield from self._source.remove_in_steps(written.source_modseq, written.source)
        return written.copied()


_READ_ENTRIES = (
    "SELECT uid, content, ifnull(?, flags), internal_date, size FROM entries"
    " WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid"
)
_READ_WIDE = "SELECT uid, wide_flags FROM entries WHERE mailbox = ? AND uid BETWEEN ? AND ? AND wide_flags IS NOT NULL"


def _translated(flags: int, bits: dict[int, int]) -> int:
    """Return flags with other bits for the keywords."""
    result = flags & SYSTEM
    left = flags & ~SYSTEM
    while left:
        lowest = left & -left
        result |= bits[lowest]
        left ^= lowest
    return result
