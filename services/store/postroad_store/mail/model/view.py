"""The view of a session: a mailbox as its client knows it, and the changes to report (RFC 3501 §7.3, §7.4).

A session's message sequence numbers change only when the server sends EXPUNGE. RFC 3501 §7.4.1 does not allow that at
any moment, while other sessions go on changing the mailbox. So each session has a `View`: the UIDs that its client
knows, and the changes that it does not know yet. These are bounded by the size of the mailbox: a set of UIDs whose
flags have changed, and a set of UIDs that have gone. A view that knows of all changes has the mailbox's own array.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, cast

from postroad.value import value
from postroad_store.mail.model.rights import ALL
from postroad_store.mail.model.uidset import UidSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID


@value
class Changes:
    r"""Changes to report to a client, in this order.

    `expunged`: (sequence number, UID) of messages that have gone, each number as it is after those before it: for
    EXPUNGE (RFC 3501 §7.4.1) or VANISHED (RFC 7162 §3.2.10).
    `exists`: the new count of messages, None if it is left out (RFC 3501 §7.3.1).
    `recent`: the new count of \Recent messages, None if it has not changed.
    `keywords`: the mailbox's keywords have changed: FLAGS and PERMANENTFLAGS are due (RFC 3501 §7.2.6).
    `flags`: (sequence number, UID) of messages whose flags have changed; the mailbox has the flags.
    """

    expunged: tuple[tuple[int, UID], ...] = ()
    exists: int | None = None
    recent: int | None = None
    keywords: bool = False
    flags: tuple[tuple[int, UID], ...] = ()


_NOTHING = Changes()
_NO_UIDS = cast("Sequence[UID]", array("I"))
PIECE = 5_000  # messages that a piece of long news is about (some 2 ms to write)


class View:
    """One session's view of a mailbox. `Storage.view` opens it; `close` it when the session leaves.

    Everything here is synchronous, on the event loop's thread.
    """

    __slots__ = (
        "__weakref__",
        "_claim",
        "_expunged",
        "_expunged_since",
        "_flagged",
        "_flagged_since",
        "_keywords",
        "_knows_recent",
        "_last",
        "foreign",
        "mailbox",
        "on_change",
        "read_only",
        "recent",
        "rights",
        "saved",
        "uids",
    )

    def __init__(
        self, mailbox: Mailbox, *, read_only: bool, claim: Callable[[Mailbox], None] | None, recent: bool = True
    ) -> None:
        self.mailbox = mailbox
        self.read_only = read_only  # EXAMINE
        self.rights = ALL  # what the session may do with the mailbox (RFC 4314)
        self.foreign = False  # the mailbox is another account's
        # Message sequence number n is uids[n - 1]; only `take` changes it.
        self.uids = _NO_UIDS
        self.recent = UidSet()  # the messages that are \Recent in this session (RFC 3501 §2.3.2)
        self.saved: Sequence[int] = ()  # the first and last UID of each run that SEARCH has saved (RFC 5182)
        # For IDLE: called after each change that the session should know of; not for flags that it changed itself.
        self.on_change: Callable[[], None] | None = None
        self._knows_recent = recent  # False: nothing is \Recent (RFC 9051 §2.3.2 has the flag no more)
        self._claim = claim  # makes the mailbox's recent_uid durable; None: the view claims nothing
        self._expunged = UidSet()  # messages that have gone, but not from `uids` yet
        self._flagged = UidSet()  # messages whose new flags the session does not know
        self._expunged_since = self._flagged_since = 0  # the lowest modseq of those, while there are any
        self._last = 0  # the highest UID that was ever in `uids`
        self._keywords = mailbox.keywords_version  # the session knows the keywords of this one
        self._arrivals()
        mailbox.views.add(self)

    @property
    def gone(self) -> bool:
        """True if the mailbox has been deleted: the session should end, or see it as empty."""
        return self.mailbox.deleted

    @property
    def changed(self) -> bool:
        """True if `take(expunges=True)` would return anything."""
        mailbox = self.mailbox
        return bool(
            self._expunged.pages or self._flagged.pages or self._unknown() or mailbox.keywords_version != self._keywords
        )

    @property
    def known_modseq(self) -> int:
        """The modseq up to which the session has been told of every change (RFC 7162 §3.1.2.1, §3.2).

        It is below the mailbox's while changes wait to be told, and while one is shown in steps.
        """
        mailbox = self.mailbox
        known = mailbox.modseq - mailbox.changing
        if self._expunged.pages:
            known = min(known, self._expunged_since - 1)
        if self._flagged.pages:
            known = min(known, self._flagged_since - 1)
        return known

    @property
    def waiting_to_go(self) -> list[int]:
        """The UIDs, ascending, of messages that have gone, but have their numbers until `take`."""
        return list(self._expunged)

    def much(self, *, expunges: bool, flags: bool = True) -> bool:
        """Return True if there is so much news that it is better taken in `pieces`."""
        return (len(self._flagged) if flags else 0) + (len(self._expunged) if expunges else 0) > PIECE

    def take(self, *, expunges: bool, flags: bool = True) -> Changes:
        """Return the changes to report now, and apply them to `uids` and `recent`.

        RFC 3501 §7.4.1: EXPUNGE is not sent while no command is in progress, nor while FETCH, STORE or SEARCH runs.
        Such a caller passes `expunges=False`, and messages that have gone keep their numbers until later. With
        `flags=False`, changed flags are left for later too.
        """
        if not self.changed:
            return _NOTHING
        recent = len(self.recent)
        gone: tuple[tuple[int, UID], ...] = ()
        if expunges and self._expunged:
            gone = self._take_expunged()
        arrived = self._arrivals()
        changed: tuple[tuple[int, UID], ...] = ()
        if flags and self._flagged:
            self._flagged.remove(self._expunged)
            changed = tuple(self._numbered(self._flagged))
            self._flagged.clear()
        return Changes(
            expunged=gone,
            exists=len(self.uids) if arrived else None,
            recent=len(self.recent) if len(self.recent) != recent else None,
            keywords=self._learn_keywords(),
            flags=changed,
        )

    def pieces(self, *, expunges: bool, flags: bool = True) -> Iterator[Changes]:
        """Do as `take` does, a few thousand messages at a time, so that others get their turn in between.

        After each piece the view agrees with the client, and the caller may end there. A change between two pieces is
        in one of the later ones, or is left for the next time.
        """
        recent = len(self.recent)
        if expunges:
            yield from self._expunged_in_pieces()
        arrived = self._arrivals()
        yield Changes(
            exists=len(self.uids) if arrived else None,
            recent=len(self.recent) if len(self.recent) != recent else None,
            keywords=self._learn_keywords(),
        )
        if flags:
            yield from self._flagged_in_pieces()

    def _expunged_in_pieces(self) -> Iterator[Changes]:
        # From the last to the first, so that each number is right when its turn comes.
        stop = len(self.uids)
        while stop and self._expunged:
            start = max(stop - PIECE, 0)
            gone = self._expunged.between(self.uids[start], self.uids[stop - 1])
            if gone:
                numbered = self._numbered(gone)
                self._forget(gone)
                yield Changes(expunged=tuple(reversed(numbered)), keywords=self._learn_keywords())
            stop = start

    def _flagged_in_pieces(self) -> Iterator[Changes]:
        start = 0
        while start < len(self.uids) and self._flagged:
            last = self.uids[min(start + PIECE, len(self.uids)) - 1]
            changed = self._flagged.between(self.uids[start], last)
            if changed:
                self._flagged.remove(changed)
                changed.remove(self._expunged)
                yield Changes(flags=tuple(self._numbered(changed)), keywords=self._learn_keywords())
            start += PIECE

    def abandon(self) -> None:
        """Report no change any more: another mailbox has taken the place of this one."""
        self._expunged.clear()
        self._flagged.clear()

    def _learn_keywords(self) -> bool:
        """Return True if the keywords have changed since they were last reported."""
        known, self._keywords = self._keywords, self.mailbox.keywords_version
        return known != self._keywords

    def _take_expunged(self) -> tuple[tuple[int, UID], ...]:
        # From the last to the first, so that each number is right when its turn comes.
        gone, self._expunged = self._expunged, UidSet()
        numbered = self._numbered(gone)
        numbered.reverse()
        self._forget(gone)
        return tuple(numbered)

    def _forget(self, gone: UidSet) -> None:
        """Take messages out of `uids`, and out of all that is known of them."""
        runs = list(gone.runs())
        self.recent.remove(gone)
        self._flagged.remove(gone)
        self._expunged.remove(gone)
        if not self._expunged and not self._unknown():
            self.uids = self.mailbox.lend_uids()
            return
        stays = array("I")
        start = 0
        for low, high in runs:
            end = bisect_left(self.uids, low, start)
            stays.extend(self.uids[start:end])
            start = bisect_right(self.uids, high, end)
        stays.extend(self.uids[start:])
        self.uids = cast("Sequence[UID]", stays)

    def _unknown(self) -> bool:
        """Return True if the mailbox has messages that are not in `uids` yet."""
        uids = self.mailbox.uids
        return bool(uids) and uids[-1] > self._last

    def _numbered(self, uids: UidSet) -> list[tuple[int, UID]]:
        """Return UIDs with their sequence numbers, ascending; those that are not in the view are left out."""
        mine = self.uids
        numbered: list[tuple[int, UID]] = []
        at = 0
        for low, high in uids.runs():
            at = bisect_left(mine, low, at)
            end = bisect_right(mine, high, at)
            numbered += enumerate(mine[at:end], at + 1)
            at = end
        return numbered

    def _arrivals(self) -> bool:
        r"""Take in new messages, those that are \Recent for the first time with it; return whether there are any."""
        if not self._unknown():
            return False
        mailbox = self.mailbox
        first = bisect_right(mailbox.uids, self._last)
        if self._expunged.pages:
            self.uids = cast("Sequence[UID]", array("I", self.uids) + mailbox.uids[first:])
        else:  # with them it is as the mailbox is
            self.uids = mailbox.lend_uids()
        self._last = mailbox.uids[-1]
        if self._last > mailbox.recent_uid and self._knows_recent:
            self.recent.add(mailbox.uids[max(first, bisect_right(mailbox.uids, mailbox.recent_uid)) :])
            if self._claim is not None:
                mailbox.recent_uid = self._last
                self._claim(mailbox)
        return True

    def pick_each(self, values: Sequence[int], numbers: Sequence[int]) -> list[int]:
        """Do as `pick` does, for sequence numbers that are far apart."""
        if not self._expunged.pages:
            return [values[number - 1] for number in numbers]
        return [self.pick(values, number, number)[0] for number in numbers]

    def pick(self, values: Sequence[int], first: int, last: int) -> Sequence[int]:
        """Return the entries of one of the mailbox's parallel lists for sequence numbers `first` to `last`.

        For example `view.pick(view.mailbox.flags, 1, 10)`. A message that has gone, but not from this view, gives -1.
        If none has, this is a plain slice.
        """
        if not self._expunged.pages:  # then `uids` is where the mailbox's own begin
            return values[first - 1 : last]
        index = self.mailbox.index
        places = [index(uid) for uid in self.uids[first - 1 : last]]
        return [-1 if at is None else values[at] for at in places]

    def entry(self, values: Sequence[int], number: int) -> int:
        """Do as `pick` does, for one sequence number."""
        return self.pick(values, number, number)[0] if self._expunged.pages else values[number - 1]

    def changed_since(self, modseq: int) -> list[int]:
        """Return the sequence numbers of the messages that have changed after this modseq (RFC 7162 §3.1.4.1).

        The last changes are known. Else, where all of a piece has changed, or nothing has, no message of it is looked
        at by itself: 15 ms a million.
        """
        mailbox = self.mailbox
        recent = None if mailbox.recent_changes is None else mailbox.recent_changes.after(modseq)
        if recent is not None:
            places = [at for uid in recent if (at := mailbox.index(uid)) is not None]
            if not self._expunged:  # then `uids` is where the mailbox's own begin
                return [at + 1 for at in places if at < len(self.uids)]
            return [number for at in places if (number := self.number(mailbox.uids[at])) is not None]
        numbers: list[int] = []
        for start in range(0, len(self.uids), PIECE):
            part = self.pick(self.mailbox.modseqs, start + 1, min(start + PIECE, len(self.uids)))
            if max(part) <= modseq:
                continue
            if min(part) > modseq:
                numbers += range(start + 1, start + 1 + len(part))
            else:
                numbers += [number for number, value in enumerate(part, start + 1) if value > modseq]
        return numbers

    @property
    def has_lost_any(self) -> bool:
        """True if one of its messages has gone."""
        return bool(self._expunged.pages)

    def has_lost(self, first: int, last: int) -> bool:
        """Return True if one of the sequence numbers `first` to `last` is of a message that has gone."""
        return self.has_lost_any and bool(self._expunged.between(self.uids[first - 1], self.uids[last - 1]))

    def position(self, uid: int) -> int:
        """Return how many messages of this view have a lower UID."""
        return bisect_left(self.uids, uid)

    def number(self, uid: int) -> int | None:
        """Return the sequence number of the UID in this view, or None."""
        at = bisect_left(self.uids, uid)
        return at + 1 if at < len(self.uids) and self.uids[at] == uid else None

    def first_unseen(self) -> int | None:
        r"""Return the number of the first message without \Seen, for SELECT's UNSEEN; None if all have it."""
        at = self.mailbox.first_unseen()
        if at is not None and not self._expunged.pages:  # then `uids` is where the mailbox's own begin
            return at + 1 if at < len(self.uids) else None
        return None if at is None else self.number(self.mailbox.uids[at])

    def close(self) -> None:
        """Stop following; may be called twice."""
        self.on_change = None
        self.mailbox.views.discard(self)

    # -- called by the mailbox ---------------------------------------------------------------------------------

    def flagged(self, uids: UidSet) -> None:
        """Note that the flags of these messages have changed."""
        if not self._flagged:
            self._flagged_since = self.mailbox.modseq
        self._flagged.update(uids, self._last)
        if self.on_change is not None:
            self.on_change()

    def expunged(self, uids: UidSet) -> None:
        """Note that these messages have gone."""
        if not self._expunged:
            self._expunged_since = self.mailbox.modseq
        self._expunged.update(uids, self._last)
        if self.on_change is not None:
            self.on_change()
