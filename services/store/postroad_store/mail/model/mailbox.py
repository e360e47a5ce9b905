"""One mailbox, shared by all sessions that look at it (RFC 3501 §2.3, §6.3).

Its attributes change on the event loop's thread only, after the commit that made the change durable and in the
order of the commits. Sessions do not read sequence numbers from it (those are `View`'s, which lags), but flags,
sizes and dates.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad_store.mail.model.flags import DELETED, FIRST_KEYWORD, SEEN, SYSTEM_FLAGS, Change
from postroad_store.mail.model.message import UID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad_store.mail.model.view import View

Runs = list[tuple[int, int]]  # ranges of UIDs, both ends included, ascending


@dataclass(frozen=True, slots=True)
class Status:
    """What STATUS tells (RFC 3501 §6.3.10)."""

    messages: int
    recent: int
    uid_next: int
    uid_validity: int
    unseen: int


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A mailbox as the database has it."""

    id: int
    name: str
    special_use: str | None
    selectable: bool
    uid_validity: int
    uid_next: int
    modseq: int
    recent_uid: int


class Mailbox:
    """A mailbox: what it is called, and while it is loaded what is in it.

    `uids`, `flags`, `sizes` and `internal_dates` are parallel and ascend by UID. They are filled while a `View`
    is open (and for a while after); ask `Storage.view` or `Storage.status`, not an unloaded mailbox.
    """

    __slots__ = (
        "__weakref__",
        "_names",
        "deleted",
        "flags",
        "id",
        "internal_dates",
        "keywords",
        "loaded",
        "modseq",
        "name",
        "recent_uid",
        "selectable",
        "sizes",
        "special_use",
        "uid_next",
        "uid_validity",
        "uids",
        "unseen",
        "views",
    )

    def __init__(self, row: MailboxRow) -> None:
        self.id = row.id
        self.name = row.name  # Unicode; modified UTF-7 is the wire's matter. INBOX in capitals
        self.special_use = row.special_use  # RFC 6154 §2: "\\Drafts", ...
        self.selectable = row.selectable  # False: \Noselect, a name that has only inferiors
        self.deleted = False  # it has gone; its views are told by `View.gone`
        self.uid_validity = row.uid_validity
        self.uid_next = row.uid_next
        self.modseq = row.modseq  # RFC 7162 §3.1.1: rises with every change of the mailbox
        self.recent_uid = row.recent_uid  # the highest UID that some session has been told of as \Recent
        self.views: set[View] = set()
        self.unload()

    def unload(self) -> None:
        """Forget what is in it, keeping what it is called."""
        self.loaded = False
        self.keywords: list[str] = []  # the n-th has the flag bit `1 << (FIRST_KEYWORD + n)`
        self.uids: list[UID] = []
        self.flags: list[int] = []
        self.sizes: array[int] = array("q")  # octets, RFC822.SIZE
        self.internal_dates: array[int] = array("q")  # seconds since 1970 UTC
        self.unseen = 0  # how many messages lack \Seen
        self._names: dict[int, str] = {}

    def load(self, row: MailboxRow, keywords: Iterable[str], entries: Sequence[tuple[int, int, int, int]]) -> None:
        """Fill it from the database: entries are (UID, flags, size, internal date), ascending by UID."""
        uids, flags, sizes, dates = zip(*entries, strict=True) if entries else ((), (), (), ())
        self.keywords = list(keywords)
        self.uids, self.flags = list(uids), list(flags)
        self.sizes, self.internal_dates = array("q", sizes), array("q", dates)
        self.uid_next, self.modseq = row.uid_next, row.modseq
        self.unseen = sum(1 for one in flags if not one & SEEN)
        self._names = {}
        self.loaded = True

    def status(self) -> Status:
        """Return what STATUS tells; of a loaded mailbox."""
        recent = len(self.uids) - bisect_right(self.uids, self.recent_uid)
        return Status(len(self.uids), recent, self.uid_next, self.uid_validity, self.unseen)

    def index(self, uid: int) -> int | None:
        """Return where the message stands in the parallel lists, or None where it is no longer there."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def runs(self, uids: Sequence[int]) -> Runs:
        """Return ranges that cover these of its UIDs (ascending) and none of its others.

        UIDs that it does not have are passed over. Unloaded, ranges of following numbers.
        """
        if not uids:
            return []
        if not self.loaded:
            return _following(uids)
        mine = self.uids
        first, last = bisect_left(mine, uids[0]), bisect_right(mine, uids[-1])
        if last - first == len(uids) and mine[first:last] == list(uids):  # all between: the common case
            return [(uids[0], uids[-1])]
        found: Runs = []
        previous = -2
        for uid in uids:
            at = bisect_left(mine, uid)
            if at == len(mine) or mine[at] != uid:
                continue
            if at == previous + 1:
                found[-1] = (found[-1][0], uid)
            else:
                found.append((uid, uid))
            previous = at
        return found

    def flag_names(self, flags: int) -> str:
        """Return the flags in IMAP's spelling, parted by spaces, without the parentheses; cached by value."""
        names = self._names.get(flags)
        if names is None:
            found = [name for name, bit in SYSTEM_FLAGS.items() if flags & bit]
            found += [one for number, one in enumerate(self.keywords) if flags >> (FIRST_KEYWORD + number) & 1]
            if len(self._names) > 1000:
                self._names.clear()
            names = self._names[flags] = " ".join(found)
        return names

    def keyword_bit(self, keyword: str) -> int:
        """Return the flag bit of a keyword in any case, 0 where the mailbox does not know it."""
        folded = keyword.lower()
        for number, one in enumerate(self.keywords):
            if one.lower() == folded:
                return 1 << (FIRST_KEYWORD + number)
        return 0

    # -- what commits have changed: called by them, in order; each brings the modseq that it made ---------------

    def _is_news(self, modseq: int) -> bool:
        """Whether a change is not yet in the lists: they may have been loaded after it was committed."""
        if not self.loaded or modseq <= self.modseq:
            self.modseq = max(self.modseq, modseq)
            return False
        self.modseq = modseq
        return True

    def learn(self, keywords: Iterable[tuple[int, str]]) -> None:
        """Take up new keywords (number, name)."""
        for number, keyword in keywords:
            if self.loaded and number == len(self.keywords):
                self.keywords.append(keyword)
                self.tell()

    def arrive(self, modseq: int, entries: Sequence[tuple[int, int, int, int]]) -> None:
        """Take up new messages: (UID, flags, size, internal date)."""
        self.uid_next = max(self.uid_next, entries[-1][0] + 1)
        if not self._is_news(modseq):
            return
        for uid, flags, size, internal_date in entries:
            self.uids.append(UID(uid))
            self.flags.append(flags)
            self.sizes.append(size)
            self.internal_dates.append(internal_date)
            self.unseen += not flags & SEEN
        self.tell()

    def reflag(self, modseq: int, runs: Runs, change: Change, bits: int, by: View | None) -> None:
        """Take up changed flags, and tell all views of them but `by`."""
        if not self._is_news(modseq):
            return
        others = [view for view in self.views if view is not by]
        flags = self.flags
        changed: list[int] = []
        for low, high in runs:
            for at in range(bisect_left(self.uids, low), bisect_right(self.uids, high)):
                old = flags[at]
                new = old | bits if change is Change.ADD else old & ~bits if change is Change.REMOVE else bits
                if new != old:
                    flags[at] = new
                    self.unseen += (old & SEEN) - (new & SEEN)
                    changed.append(self.uids[at])
        if changed:
            for view in others:
                view.flagged(changed)

    def remove(self, modseq: int, uids: Sequence[int]) -> None:
        """Take messages (ascending UIDs) out."""
        if not self._is_news(modseq):
            return
        gone = [at for uid in uids if (at := self.index(uid)) is not None]
        self.unseen -= sum(1 for at in gone if not self.flags[at] & SEEN)
        if len(gone) > 50:
            lost = set(gone)
            keep = [at for at in range(len(self.uids)) if at not in lost]
            self.uids = [self.uids[at] for at in keep]
            self.flags = [self.flags[at] for at in keep]
            self.sizes = array("q", [self.sizes[at] for at in keep])
            self.internal_dates = array("q", [self.internal_dates[at] for at in keep])
        else:
            for at in reversed(gone):
                del self.uids[at], self.flags[at]
                del self.sizes[at], self.internal_dates[at]
        for view in self.views:
            view.expunged(uids)

    def vanish(self) -> None:
        """Note that it has been deleted: its views see all messages expunged."""
        self.deleted = True
        for view in self.views:
            view.expunged(self.uids)
        self.unload()
        self.tell()

    def tell(self) -> None:
        """Call all views that wait to hear of changes."""
        for view in list(self.views):
            if view.on_change is not None:
                view.on_change()


def deleted_uids(mailbox: Mailbox) -> list[UID]:
    r"""Return the UIDs of the messages that have \Deleted."""
    return [uid for uid, flags in zip(mailbox.uids, mailbox.flags, strict=True) if flags & DELETED]


def _following(uids: Iterable[int]) -> Runs:
    found: Runs = []
    for uid in uids:
        if found and uid == found[-1][1] + 1:
            found[-1] = (found[-1][0], uid)
        else:
            found.append((uid, uid))
    return found
