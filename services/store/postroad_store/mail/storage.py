"""The door to the mail: one SQLite database in the store's mail folder.

**Commits** return an awaitable. The work is handed over at the call, so calls commit in the order in which they
were made and several may be in flight; the awaitable ends once the work is on disk (fsync) and the memory shows
it. Dropping or cancelling the awaitable does not undo the work. Each may raise a `StorageError`, upon which
nothing of that call has been written.

**Reads** are synchronous and short; they see everything that any awaitable has promised. A message that is gone
is left out, not an error.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from postroad_store.mail.account import Account
    from postroad_store.mail.changes import View
    from postroad_store.mail.flags import Change, FlagSet
    from postroad_store.mail.mailbox import Mailbox, Status
    from postroad_store.mail.message import UID, Arrival, Copied, Item, Part, Stored
    from postroad_store.mail.search import SearchKey


class Storage:
    """All accounts' mail. Open it once a process, with its event loop running or about to; close it at the end."""

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or make the database in `directory` (made where it is missing); raises `StorageError`.

        `clock` gives the seconds since 1970; UIDVALIDITY values are taken from it.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Finish what was handed over, and close the database."""
        raise NotImplementedError

    # -- accounts and mailboxes -------------------------------------------------------------------------------

    async def account(self, login: str) -> Account:
        """Return the account of this login (`world.Account.login`), made with its mailboxes if it is new.

        Returns without waiting where the account is in memory; commits where it is new.
        """
        raise NotImplementedError

    def create(self, account: Account, name: str, *, special_use: str | None = None) -> Awaitable[Mailbox]:
        """Commit: make a mailbox and the superiors that it lacks (RFC 3501 §6.3.3). A final delimiter is dropped.

        Raises `MailboxExists`, `NameNotAllowed`, `LimitReached`. UIDVALIDITY is one that was never used before.
        """
        raise NotImplementedError

    def delete(self, account: Account, name: str) -> Awaitable[None]:
        r"""Commit: remove a mailbox with its messages (RFC 3501 §6.3.4); with inferiors it becomes \Noselect.

        Raises `NoSuchMailbox`; `NameNotAllowed` for INBOX and for a \Noselect name with inferiors.
        """
        raise NotImplementedError

    def rename(self, account: Account, name: str, new_name: str) -> Awaitable[None]:
        """Commit: rename a mailbox and its inferiors; INBOX's messages move into a new one (RFC 3501 §6.3.5).

        Raises `NoSuchMailbox`, `MailboxExists`, `NameNotAllowed`, `LimitReached`.
        """
        raise NotImplementedError

    def subscribe(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: subscribe to a name, whether a mailbox has it or not; raises `NameNotAllowed`, `LimitReached`."""
        raise NotImplementedError

    def unsubscribe(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: end a subscription; no error where there is none."""
        raise NotImplementedError

    # -- messages ---------------------------------------------------------------------------------------------

    def append(self, arrivals: Sequence[Arrival]) -> Awaitable[list[Stored]]:
        """Commit: store messages, all of them or none (RFC 3501 §6.3.11, RFC 3502).

        One `Stored` for each arrival and each of its mailboxes, in order. Raises `NoSuchMailbox` if one has been
        deleted meanwhile, `LimitReached` for keywords.
        """
        raise NotImplementedError

    def store(
        self, mailbox: Mailbox, uids: Sequence[int], change: Change, flags: FlagSet, *, view: View | None = None
    ) -> Awaitable[None]:
        """Commit: change flags (RFC 3501 §6.4.6). `uids` ascend; those that are gone are passed over.

        Views are told of the messages whose flags did change, other than `view`, the caller's own, which knows.
        Raises `LimitReached` for keywords, `NoSuchMailbox`.
        """
        raise NotImplementedError

    def expunge(
        self, mailbox: Mailbox, uids: Sequence[int] | None = None, *, only_deleted: bool = True
    ) -> Awaitable[list[UID]]:
        r"""Commit: remove messages for good, and return their UIDs (RFC 3501 §6.4.3, RFC 4315 §2.1).

        Of `uids` (ascending; None: of all) those with \Deleted, or all of `uids` with `only_deleted=False`
        (POP3). All views learn of it by `View.take`, the caller's own too.
        """
        raise NotImplementedError

    def copy(self, source: Mailbox, uids: Sequence[int], target: Mailbox) -> Awaitable[Copied]:
        """Commit: copy messages with flags and internal date (RFC 3501 §6.4.7); content is shared, not copied.

        `uids` ascend; those that are gone are passed over. Raises `NoSuchMailbox`, `LimitReached` for keywords.
        """
        raise NotImplementedError

    def move(self, source: Mailbox, uids: Sequence[int], target: Mailbox) -> Awaitable[Copied]:
        """Commit: the same, and the messages leave `source` in one step (RFC 6851 §3.3)."""
        raise NotImplementedError

    # -- reading ----------------------------------------------------------------------------------------------

    def view(self, mailbox: Mailbox, *, read_only: bool = False, claim_recent: bool = True) -> View:
        r"""Read: open a view, loading the mailbox where it is not in memory.

        Messages that no session has been told of are \Recent in it; unless `read_only` or `claim_recent=False`
        they are so in no later one (RFC 3501 §2.3.2). Raises `NoSuchMailbox` for a deleted or \Noselect one.
        """
        raise NotImplementedError

    def status(self, mailbox: Mailbox) -> Status:
        """Read: what STATUS tells, from memory or by one count."""
        raise NotImplementedError

    def fetch(
        self, mailbox: Mailbox, uids: Sequence[int], items: Sequence[Item]
    ) -> Iterator[tuple[UID, tuple[bytes, ...]]]:
        """Read: yield (UID, the items in the order asked) for those of `uids` (ascending) that are there.

        Ranges are read by one SELECT for each block of about a megabyte, none of which stays open between
        items, so the caller may wait between them. A message whose TEXT or CONTENT is over a megabyte is better
        read by `content`, in pieces.
        """
        raise NotImplementedError

    def content(self, mailbox: Mailbox, uid: int, start: int = 0, end: int | None = None) -> bytes | None:
        """Read: octets `start` to `end` (to the end where None) of the whole message; None where it is gone.

        Costs as much as the range is long, however long the message.
        """
        raise NotImplementedError

    def parts(self, mailbox: Mailbox, uid: int) -> Part | None:
        """Read: the root of the message's parts; None where the message is gone."""
        raise NotImplementedError

    async def search(self, view: View, key: SearchKey) -> list[int]:
        """Read: the sequence numbers in `view` of the messages that match, ascending.

        Long searches let other tasks run in between; the view must not `take` meanwhile.
        """
        raise NotImplementedError
