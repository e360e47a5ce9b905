"""One mailbox, shared by all sessions that look at it (RFC 3501 §2.3, §6.3).

Its attributes change only on the event loop's thread, after the commit that made the change durable, and in the order
of the commits. Sessions read flags, sizes and dates from it. Sequence numbers are their `View`'s, which lags.

While a large mailbox is read in a thread, commits go on. So the load is announced first, changes are kept from then
on, and `load` applies those that the snapshot lacks: modseq tells which these are.

A change of many messages has steps, `…_in_steps`, so that others get their turn in between. After each step the lists
and the views agree. The commits after it are shown after its last step, so nothing else changes the lists meanwhile.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from functools import partial
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.model.columns import Columns
from postroad_store.mail.model.flags import FIRST_KEYWORD
from postroad_store.mail.model.keywords import Keywords
from postroad_store.mail.model.ranges import following
from postroad_store.mail.model.recent_changes import RecentChanges
from postroad_store.mail.model.uidset import UidSet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Sequence

    from postroad_store.mail.model.columns import Entry
    from postroad_store.mail.model.contents import Contents, Counts, MailboxRow
    from postroad_store.mail.model.flags import Change
    from postroad_store.mail.model.keywords import Naming
    from postroad_store.mail.model.observer import Observer
    from postroad_store.mail.model.ranges import Runs
    from postroad_store.mail.model.view import View

MANY = 50  # messages, above which they are taken out in steps
STEP = 5_000  # messages that one step of a change looks at (some 2 ms)
MAX_FLAG_NAMES = 1000  # texts of flags that are remembered per mailbox


_NOTHING = Columns()  # of all mailboxes that are not loaded: nothing is ever added to those


@value
class Status:
    """The figures that STATUS gives (RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 9051 §6.3.11)."""

    messages: int
    recent: int
    uid_next: int
    uid_validity: int
    unseen: int
    deleted: int
    octets: int
    highest_modseq: int


class Mailbox(Columns):
    """A mailbox: its name, and while it is loaded, its messages.

    The columns are filled while a `View` is open, and for a while after. Ask `Storage.view` or `Storage.status`, not an
    unloaded mailbox.
    """

    __slots__ = (
        "__weakref__",
        "_flag_names",
        "_kept",
        "_keywords",
        "account",
        "acl",
        "changing",
        "counts",
        "deleted",
        "id",
        "loaded",
        "modseq",
        "name",
        "object_id",
        "observers",
        "recent_changes",
        "recent_uid",
        "replaced",
        "selectable",
        "special_use",
        "uid_next",
        "uid_validity",
        "views",
    )

    def __init__(self, row: MailboxRow) -> None:
        self.id = row.id
        self.name = row.name  # Unicode; the wire has it in modified UTF-7. INBOX in capitals
        self.special_use = row.special_use  # RFC 6154 §2: "\\Drafts", ...
        self.selectable = row.selectable  # False: \Noselect, a name that has only inferiors
        self.deleted = False  # its views learn of it by `View.gone`
        self.replaced = False  # it was deleted because a snapshot was restored
        self.uid_validity = row.uid_validity
        self.uid_next = row.uid_next
        self.object_id = row.object_id  # MAILBOXID (RFC 8474 §4)
        self.account = row.account  # the id of its owner
        self.acl = row.acl  # who else may do what (`model.rights`)
        self.modseq = row.modseq  # HIGHESTMODSEQ (RFC 7162 §3.1.2.1): rises with every change of the messages
        self.counts = row.counts  # what is in it; `recent` only while it is not loaded
        self.recent_uid = row.recent_uid  # the highest UID that some session has seen as \Recent
        self.views: set[View] = set()
        self.observers: Collection[Observer] = ()  # its account's: they need not look at it
        self.changing = False  # a change is between two of its steps: the lists must not be forgotten
        self._kept: list[Callable[[], None]] | None = None  # changes since a load was announced; None if no load is
        self.unload()

    def unload(self) -> None:
        """Forget its messages, but keep its name."""
        self.loaded = False
        self._keywords = Keywords()
        self.take_over(_NOTHING)
        self._flag_names: dict[int, str] = {}
        self.recent_changes: RecentChanges | None = None

    def announce_load(self) -> None:
        """Keep all changes from now on: a snapshot of the database is about to be read, and may lack them."""
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
        self.take_over(contents.columns)
        self.uid_next, self.modseq, self.counts = row.uid_next, row.modseq, row.counts
        self._flag_names = {}
        self.recent_changes = RecentChanges(row.modseq)
        self.loaded = True
        for change in kept:
            change()

    def status(self) -> Status:
        """Return the figures of STATUS, which are kept, not counted."""
        messages, unseen, deleted, octets, recent = self.counts
        if self.loaded:
            recent = len(self.uids) - bisect_right(self.uids, self.recent_uid)
        return Status(
            messages, recent, self.uid_next, self.uid_validity, unseen, deleted, octets, highest_modseq=self.modseq
        )

    def runs(self, uids: Sequence[int]) -> Runs:
        """Return ranges that cover these of its UIDs (ascending) and none of its others.

        UIDs that it does not have are passed over. Of an unloaded mailbox: ranges of consecutive UIDs. A `range`
        without steps means all between two UIDs, and none is looked at.
        """
        if isinstance(uids, range) and uids.step == 1:
            return [(uids[0], uids[-1])] if uids else []
        return self.runs_of(uids) if self.loaded else following(uids)

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
            if len(self._flag_names) > MAX_FLAG_NAMES:
                self._flag_names.clear()
            names = self._flag_names[flags] = " ".join(self._keywords.flag_names(flags))
        return names

    def keyword_bit(self, keyword: str) -> int:
        """Return the flag bit of a keyword in any case, 0 if the mailbox does not have it."""
        return self._keywords.bit(keyword)

    def has_unused_keywords(self) -> bool:
        """Return True if no message has one of the keywords; of a loaded mailbox."""
        used = 0
        for code in self.flags.used(0, len(self.flags)):
            used |= self.flags.values[code]
        return (used >> FIRST_KEYWORD).bit_count() < len(self._keywords)

    # -- changes: commits call these in their order, each with the modseq that it has made ------------------------

    def _is_news(self, modseq: int) -> bool:
        """Return True if a change is not in the lists yet: they may have been loaded after it was committed."""
        if modseq <= self.modseq:
            return False
        self.modseq = modseq
        return self.loaded

    def _keep(self, change: Callable[[], None]) -> None:
        """Keep a change for `load`, if a load has been announced."""
        if self._kept is not None:
            self._kept.append(change)

    def counted(self, modseq: int, counts: Counts) -> None:
        """Learn what is in the mailbox at this modseq; called before the change that has made it."""
        if modseq >= self.modseq:
            self.counts = counts
        self._keep(partial(self.counted, modseq, counts))

    def arrive(self, modseq: int, entries: Sequence[Entry], naming: Naming) -> None:
        """Add new messages, and learn their keywords."""
        for _ in self.arrive_in_steps(modseq, entries, naming):
            pass

    def arrive_in_steps(self, modseq: int, entries: Sequence[Entry], naming: Naming) -> Generator[None, None, None]:
        """Do the same in steps."""
        self.uid_next = max(self.uid_next, entries[-1][0] + 1)
        self._announce(arrived=True)
        if not self._is_news(modseq):
            self._keep(partial(self.arrive, modseq, entries, naming))
            return
        if naming:
            self._learn(naming)
        for start in range(0, len(entries), STEP):
            if start:
                yield from self._pause()
            some = entries[start : start + STEP]
            self.add(some, modseq)
            self._note(modseq, [entry[0] for entry in some])
            self.tell()

    def reflag(self, modseq: int, runs: Runs, change: Change, bits: int, *, naming: Naming, by: View | None) -> None:
        """Change flags, and learn their keywords; tell all views except `by` which messages have changed."""
        for _ in self.reflag_in_steps(modseq, runs, change, bits, naming=naming, by=by):
            pass

    def reflag_in_steps(
        self, modseq: int, runs: Runs, change: Change, bits: int, *, naming: Naming, by: View | None
    ) -> Generator[None, None, None]:
        """Do the same in steps."""
        self._announce()
        if not self._is_news(modseq):
            self._keep(partial(self.reflag, modseq, runs, change, bits, naming=naming, by=by))
            return
        if naming and self._learn(naming):
            self.tell()
        uids = self.uids
        changed = array("I")  # UIDs
        looked = 0  # at so many messages, since the last step
        for low, high in runs:
            start = bisect_left(uids, low)
            last = bisect_right(uids, high, start)
            while start < last:
                if looked >= STEP:
                    self._tell_flagged(modseq, changed, by)
                    changed, looked = array("I"), 0
                    yield from self._pause()
                end = min(last, start + STEP)
                looked += end - start
                changed.extend(self.change_flags(start, end, change, bits, modseq))
                start = end
        self._tell_flagged(modseq, changed, by)

    def _note(self, modseq: int, uids: Sequence[int]) -> None:
        assert self.recent_changes is not None  # noqa: S101 - it is loaded
        self.recent_changes.note(modseq, uids)

    def _tell_flagged(self, modseq: int, changed: Sequence[int], by: View | None) -> None:
        self._note(modseq, changed)
        others = [view for view in self.views if view is not by]
        if changed and others:
            uids = UidSet(changed)
            for view in others:
                view.flagged(uids)

    def _pause(self) -> Iterator[None]:
        """Let others run between two steps."""
        self.changing = True
        try:
            yield
        finally:
            self.changing = False

    def remove(self, modseq: int, uids: Sequence[int]) -> None:
        """Remove messages (ascending UIDs)."""
        for _ in self.remove_in_steps(modseq, uids):
            pass

    def remove_in_steps(self, modseq: int, uids: Sequence[int]) -> Generator[None, None, None]:
        """Do the same in steps."""
        self._announce(expunged=True)
        if not self._is_news(modseq):
            self._keep(partial(self.remove, modseq, uids))
            return
        yield from self._take_out(uids)

    def empty(self, modseq: int) -> None:
        """Remove all messages."""
        for _ in self.empty_in_steps(modseq):
            pass

    def empty_in_steps(self, modseq: int) -> Generator[None, None, None]:
        """Do the same in steps."""
        self._announce(expunged=True)
        if not self._is_news(modseq):
            self._keep(partial(self.empty, modseq))
            return
        yield from self._take_out(self.uids[:])

    def _take_out(self, uids: Sequence[int]) -> Iterator[None]:
        if len(uids) <= MANY:
            self.drop(uids)
            self._tell_expunged(uids)
            return
        left = len(uids)  # the last go first: then little has to be moved
        while left:
            stop = bisect_right(self.uids, uids[left - 1])
            start = max(stop - STEP, 0)
            first = bisect_left(uids, self.uids[start], 0, left) if start else 0
            gone = uids[first:left]
            self.drop_between(start, stop, set(gone))
            self._tell_expunged(gone)
            left = first
            if left:
                yield from self._pause()

    def _tell_expunged(self, uids: Sequence[int]) -> None:
        gone = UidSet(uids)
        for view in self.views:
            view.expunged(gone)

    def rename_keywords(self, modseq: int, naming: Naming) -> None:
        """Forget keywords whose numbers have been taken back."""
        if not self._is_news(modseq):
            self._keep(partial(self.rename_keywords, modseq, naming))
            return
        if self._learn(naming):
            self.tell()

    def _learn(self, naming: Naming) -> bool:
        """Learn keywords; return True if any is new."""
        if not self._keywords.learn(naming):
            return False
        self._flag_names.clear()
        return True

    def vanish(self, *, replaced: bool = False) -> None:
        """Note that the mailbox has been deleted: its views see all messages expunged, and no other change.

        With `replaced` they see no change at all: a snapshot's is in its place now, which may have them.
        """
        self.deleted, self.replaced = True, replaced
        if replaced:
            for view in self.views:
                view.abandon()
        else:
            self._tell_expunged(self.uids)
        keywords = self._keywords
        self.unload()
        self._keywords = keywords
        self.tell()

    def _announce(self, *, arrived: bool = False, expunged: bool = False) -> None:
        """Tell the observers what kind of change there is."""
        if self.observers:
            for observer in tuple(self.observers):
                observer.changed(self, arrived=arrived, expunged=expunged)

    def tell(self) -> None:
        """Call all views that wait for changes."""
        for view in list(self.views):
            if view.on_change is not None:
                view.on_change()
