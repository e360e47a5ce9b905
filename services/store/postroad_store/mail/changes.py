"""What a session sees of a mailbox, and how it is told of changes (RFC 3501 §7.3, §7.4).

A session's message sequence numbers may change only when the session is told so (EXPUNGE), and that may not be
at any moment (§7.4.1), while other sessions go on changing the mailbox. So each session has a `View`: its own
list of UIDs, and what it has not been told yet. What has gathered is bounded by the size of the mailbox: a set
of UIDs whose flags changed, a set of UIDs that are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad_store.mail.mailbox import Mailbox
    from postroad_store.mail.message import UID


@dataclass(frozen=True, slots=True)
class Changes:
    r"""What is to be told, in this order.

    `expunged`: the number of each EXPUNGE response, one after another, each as it is when its turn comes.
    `exists`: the new count of messages, None where it is to be left out (RFC 3501 §7.3.1).
    `recent`: the new count of \Recent messages, None where that is unchanged.
    `keywords`: the mailbox has keywords that the session has not been told of: FLAGS and PERMANENTFLAGS.
    `flags`: (sequence number, UID) of messages whose flags changed; the flags stand in the mailbox.
    """

    expunged: tuple[int, ...] = ()
    exists: int | None = None
    recent: int | None = None
    keywords: bool = False
    flags: tuple[tuple[int, UID], ...] = ()


class View:
    """One session's sight of a mailbox. `Storage.view` opens one; `close` it when the session leaves.

    All of it is synchronous, on the event loop's thread.
    """

    __slots__ = (
        "__weakref__",
        "_expunged",
        "_flagged",
        "_keywords",
        "mailbox",
        "on_change",
        "read_only",
        "recent",
        "uids",
    )

    mailbox: Mailbox
    read_only: bool  # EXAMINE
    uids: list[UID]  # message sequence number n is uids[n - 1]; changes in `take` alone
    recent: set[UID]  # the messages that are \Recent in this session (RFC 3501 §2.3.2)
    on_change: Callable[[], None] | None  # called after any change worth telling: IDLE. Not for the session's own

    @property
    def gone(self) -> bool:
        """Whether the mailbox has been deleted: the session should end, or see it as empty."""
        raise NotImplementedError

    @property
    def changed(self) -> bool:
        """Whether `take(expunges=True)` would tell anything."""
        raise NotImplementedError

    def take(self, *, expunges: bool) -> Changes:
        """Return what is to be told now and hold it as told: `uids` and `recent` move with it.

        RFC 3501 §7.4.1: no EXPUNGE while no command is in progress, nor while FETCH, STORE or SEARCH runs: such
        a caller says `expunges=False`, and the gone messages keep their numbers until later.
        """
        raise NotImplementedError

    def pick(self, values: Sequence[int], first: int, last: int) -> Sequence[int]:
        """Return, for sequence numbers `first` to `last`, their entries of one of the mailbox's parallel lists.

        `view.pick(view.mailbox.flags, 1, 10)`. A message that is gone but not told yet gives -1. Where nothing
        is gone this is a plain slice.
        """
        raise NotImplementedError

    def number(self, uid: int) -> int | None:
        """Return the sequence number of the UID in this view, or None."""
        raise NotImplementedError

    def first_unseen(self) -> int | None:
        r"""Return the number of the first message without \Seen, for SELECT's UNSEEN; None where all are seen."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop following; may be called twice."""
        raise NotImplementedError
