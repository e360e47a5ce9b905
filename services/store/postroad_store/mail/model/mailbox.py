"""One mailbox, shared by all sessions that look at it (RFC 3501 §2.3, §6.3).

Its attributes change only on the event loop's thread, after the commit that made the change durable, and in the order
of the commits. Sessions read flags, sizes and dates from it. Sequence numbers are their `View`'s, which lags.

While a large mailbox is read in a thread, commits go on. So the load is announced first, changes are kept from then
on, and `load` applies those that the snapshot lacks: modseq tells which these are.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING

from postroad_store.mail.model.flags import FIRST_KEYWORD, SEEN, SYSTEM_FLAGS, count_unseen
from postroad_store.mail.model.keywords import Keywords
from postroad_store.mail.model.message import UID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad_store.mail.model.contents import Contents, MailboxRow
    from postroad_store.mail.model.flags import Change
    from postroad_store.mail.model.keywords import Naming
    from postroad_store.mail.model.view import View

Runs = list[tuple[int, int]]  # ranges of UIDs, both ends included, ascending
Entry = tuple[int, int, int, int]  # UID, flags, size, internal date of a message
MANY = 50  # messages, above which it is quicker to copy or extend whole lists than to go message by message
FEW = 8  # messages, up to which it is quicker to look at each
MAX_FLAG_NAMES = 1000  # texts of flags that are remembered per mailbox


@dataclass(frozen=True, slots=True)
class Status:
    """The figures that STATUS gives (RFC 3501 §6.3.10)."""

    messages: int
    recent: int
    uid_next: int
    uid_validity: int
    unseen: int


class Mailbox:
    """A mailbox: what it is called, and while it is loaded, what is in it.

    `uids`, `flags`, `sizes` and `internal_dates` are parallel and ascend by UID. They are filled while a `View` is
    open, and for a while after. Ask `Storage.view` or `Storage.status`, not an unloaded mailbox.
    """

    __slots__ = (
        "__weakref__",
        "_all_seen",
        "_flag_names",
        "_kept",
        "_keywords",
        "deleted",
        "flags",
        "id",
        "internal_dates",
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
        self.name = row.name  # Unicode; the wire has it in modified UTF-7. INBOX in capitals
        self.special_use = row.special_use  # RFC 6154 §2: "\\Drafts", ...
        self.selectable = row.selectable  # False: \Noselect, a name that has only inferiors
        self.deleted = False  # its views learn of it by `View.gone`
        self.uid_validity = row.uid_validity
        self.uid_next = row.uid_next
        self.modseq = row.modseq  # RFC 7162 §3.1.1: rises with every change of the mailbox
        self.recent_uid = row.recent_uid  # the highest UID that some session has seen as \Recent
        self.views: set[View] = set()
        self._kept: list[Callable[[], None]] | None = None  # changes since a load was announced; None: none is
        self.unload()

    def unload(self) -> None:
        """Forget what is in it, keeping what it is called."""
        self.loaded = False
        self._keywords = Keywords()
        self.uids: list[UID] = []
        self.flags: list[int] = []
        self.sizes: array[int] = array("q")  # octets, RFC822.SIZE
        self.internal_dates: array[int] = array("q")  # seconds since 1970 UTC
        self.unseen = 0  # how many messages lack \Seen
        self._all_seen = 0  # at least so many of the first messages have \Seen
        self._flag_names: dict[int, str] = {}

    def announce_load(self) -> None:
        """Keep all changes from now on: somebody is about to read a snapshot of the database, which may lack them."""
        self._kept = []

    def load(self, contents: Contents | None) -> None:
        """Take up a snapshot of the database, and the changes since `announce_load`.

        With None, the snapshot could not be read or the mailbox has gone, and nothing changes here.
        """
        kept, self._kept = self._kept or (), None
        if contents is None or self.loaded or self.deleted:
            return
        row = contents.row
        self._keywords = Keywords(contents.keywords)
        self.uids, self.flags = contents.uids, contents.flags
        self.sizes, self.internal_dates = contents.sizes, contents.internal_dates
        self.uid_next, self.modseq = row.uid_next, row.modseq
        self.unseen = contents.unseen
        self._all_seen = contents.all_seen
        self._flag_names = {}
        self.loaded = True
        for change in kept:
            change()

    def status(self) -> Status:
        """Return the figures of STATUS; of a loaded mailbox."""
        recent = len(self.uids) - bisect_right(self.uids, self.recent_uid)
        return Status(len(self.uids), recent, self.uid_next, self.uid_validity, self.unseen)

    def index(self, uid: int) -> int | None:
        """Return where the message is in the parallel lists, or None if it has gone."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def first_unseen(self) -> int | None:
        r"""Return where the first message without \Seen is in the parallel lists, or None if all have it."""
        if not self.unseen:
            return None
        at = self._all_seen
        while self.flags[at] & SEEN:
            at += 1
        self._all_seen = at  # so that the next SELECT need not look at all of these again
        return at

    def runs(self, uids: Sequence[int]) -> Runs:
        """Return ranges that cover these of its UIDs (ascending) and none of its others.

        UIDs that it does not have are passed over. Of an unloaded mailbox: ranges of consecutive UIDs.
        """
        if not uids:
            return []
        if not self.loaded:
            return _following(uids)
        mine = self.uids
        first, last = bisect_left(mine, uids[0]), bisect_right(mine, uids[-1])
        if last - first == len(uids) and mine[first:last] == list(uids):  # all between: the common case
            return [(uids[0], uids[-1])]
        runs: Runs = []
        previous = -2
        for uid in uids:
            at = bisect_left(mine, uid)
            if at == len(mine) or mine[at] != uid:
                continue
            if at == previous + 1:
                runs[-1] = (runs[-1][0], uid)
            else:
                runs.append((uid, uid))
            previous = at
        return runs

    @property
    def keywords(self) -> list[str]:
        """The keywords of a loaded mailbox, in the order of their bits (RFC 3501 §7.2.6)."""
        return self._keywords.names()

    @property
    def keywords_version(self) -> int:
        """A number that rises when the keywords change."""
        return self._keywords.version

    def flag_names(self, flags: int) -> str:
        """Return the flags in IMAP's spelling, separated by spaces, without the parentheses; cached by value."""
        names = self._flag_names.get(flags)
        if names is None:
            listed = [name for name, bit in SYSTEM_FLAGS.items() if flags & bit]
            listed += self._keywords.names_in(flags)
            if len(self._flag_names) > MAX_FLAG_NAMES:
                self._flag_names.clear()
            names = self._flag_names[flags] = " ".join(listed)
        return names

    def keyword_bit(self, keyword: str) -> int:
        """Return the flag bit of a keyword in any case, 0 where the mailbox does not have it."""
        return self._keywords.bit(keyword)

    def has_unused_keywords(self) -> bool:
        """Return True if no message has one of the keywords; of a loaded mailbox."""
        used = 0
        for flags in set(self.flags):
            used |= flags
        return (used >> FIRST_KEYWORD).bit_count() < len(self._keywords)

    # -- what commits have changed: they call these in their order, each with the modseq that it has made ---------

    def _is_news(self, modseq: int) -> bool:
        """Return True if a change is not in the lists yet: they may have been loaded after it was committed."""
        if not self.loaded or modseq <= self.modseq:
            self.modseq = max(self.modseq, modseq)
            return False
        self.modseq = modseq
        return True

    def _keep(self, change: Callable[[], None]) -> None:
        """Keep a change for `load`, if a load has been announced."""
        if self._kept is not None:
            self._kept.append(change)

    def arrive(self, modseq: int, entries: Sequence[Entry], naming: Naming) -> None:
        """Take up new messages, and what their keywords are."""
        self.uid_next = max(self.uid_next, entries[-1][0] + 1)
        if not self._is_news(modseq):
            self._keep(partial(self.arrive, modseq, entries, naming))
            return
        if naming:
            self._learn(naming)
        if len(entries) > MANY:
            self._arrive_many(entries)
        else:
            for uid, flags, size, internal_date in entries:
                self.uids.append(UID(uid))
                self.flags.append(flags)
                self.sizes.append(size)
                self.internal_dates.append(internal_date)
                self.unseen += not flags & SEEN
        self.tell()

    def _arrive_many(self, entries: Sequence[Entry]) -> None:
        """Add messages column by column: half the time."""
        flags = [entry[1] for entry in entries]
        self.uids += [UID(entry[0]) for entry in entries]
        self.flags += flags
        self.sizes.extend([entry[2] for entry in entries])
        self.internal_dates.extend([entry[3] for entry in entries])
        self.unseen += count_unseen(flags)

    def reflag(self, modseq: int, runs: Runs, change: Change, bits: int, *, naming: Naming, by: View | None) -> None:
        """Take up changed flags, and what the keywords are; tell all views except `by` which messages have changed."""
        if not self._is_news(modseq):
            self._keep(partial(self.reflag, modseq, runs, change, bits, naming=naming, by=by))
            return
        if naming and self._learn(naming):
            self.tell()
        uids = self.uids
        changed: list[UID] = []
        for low, high in runs:
            start = bisect_left(uids, low)
            end = bisect_right(uids, high, start)
            if end - start > FEW:
                changed += self._reflag_many(start, end, change, bits)
                continue
            for at in range(start, end):
                if self._reflag(at, change, bits):
                    changed.append(uids[at])
        if changed:
            for view in self.views:
                if view is not by:
                    view.flagged(changed)

    def _reflag(self, at: int, change: Change, bits: int) -> bool:
        """Change the flags of one message; return whether they were different."""
        old = self.flags[at]
        new = change.apply(old, bits)
        if new == old:
            return False
        self.flags[at] = new
        if (new ^ old) & SEEN:
            self.unseen += 1 if old & SEEN else -1
            self._all_seen = min(self._all_seen, at)
        return True

    def _reflag_many(self, start: int, end: int, change: Change, bits: int) -> list[UID]:
        """Do the same for messages that follow each other; return the UIDs of those whose flags were different.

        Among 10,000 messages there are few different values, so each value is changed once: 0.2 ms instead of 2.
        """
        old = self.flags[start:end]
        becomes = {flags: change.apply(flags, bits) for flags in set(old)}
        different = {flags for flags, new in becomes.items() if flags != new}
        if not different:
            return []
        self.flags[start:end] = map(becomes.__getitem__, old)
        if any((becomes[flags] ^ flags) & SEEN for flags in different):
            self.unseen += count_unseen(self.flags[start:end]) - count_unseen(old)
            self._all_seen = min(self._all_seen, start)
        uids = self.uids[start:end]
        if len(different) == len(becomes):
            return uids
        return [uid for uid, flags in zip(uids, old, strict=True) if flags in different]

    def remove(self, modseq: int, uids: Sequence[int]) -> None:
        """Take messages (ascending UIDs) out."""
        if not self._is_news(modseq):
            self._keep(partial(self.remove, modseq, uids))
            return
        self._take_out(uids)

    def empty(self, modseq: int) -> None:
        """Take all messages out."""
        if not self._is_news(modseq):
            self._keep(partial(self.empty, modseq))
            return
        self._take_out(self.uids[:])

    def _take_out(self, uids: Sequence[int]) -> None:
        if len(uids) > MANY:
            gone = set(uids)
            stays = [uid not in gone for uid in self.uids]
            self.uids = list(compress(self.uids, stays))
            self.flags = list(compress(self.flags, stays))
            self.sizes = array("q", list(compress(self.sizes, stays)))
            self.internal_dates = array("q", list(compress(self.internal_dates, stays)))
            self.unseen = count_unseen(self.flags)
            self._all_seen = 0
        else:
            for at in reversed([at for uid in uids if (at := self.index(uid)) is not None]):
                self.unseen -= not self.flags[at] & SEEN
                self._all_seen = min(self._all_seen, at)
                del self.uids[at], self.flags[at]
                del self.sizes[at], self.internal_dates[at]
        for view in self.views:
            view.expunged(uids)

    def rename_keywords(self, modseq: int, naming: Naming) -> None:
        """Take up what keywords have given their numbers back."""
        if not self._is_news(modseq):
            self._keep(partial(self.rename_keywords, modseq, naming))
            return
        if self._learn(naming):
            self.tell()

    def _learn(self, naming: Naming) -> bool:
        """Take up what the keywords are; return whether that is new."""
        if not self._keywords.learn(naming):
            return False
        self._flag_names.clear()
        return True

    def vanish(self) -> None:
        """Note that the mailbox has been deleted: its views see all messages expunged, and no other change."""
        self.deleted = True
        for view in self.views:
            view.expunged(self.uids)
        keywords = self._keywords
        self.unload()
        self._keywords = keywords
        self.tell()

    def tell(self) -> None:
        """Call all views that wait for changes."""
        for view in list(self.views):
            if view.on_change is not None:
                view.on_change()


def _following(uids: Iterable[int]) -> Runs:
    """Return ranges of consecutive UIDs."""
    runs: Runs = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], uid)
        else:
            runs.append((uid, uid))
    return runs
