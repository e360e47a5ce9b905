"""The door to the mail: one SQLite database in the store's mail folder.

**Commits** return an awaitable. The work is handed over at the call, so calls commit in the order in which they
were made and several may be in flight; the awaitable ends once the work is on disk (fsync) and the memory shows
it. Dropping or cancelling the awaitable does not undo the work. Each may raise a `StorageError`, upon which
nothing of that call has been written; a name that cannot be is refused at the call itself.

**Reads** are synchronous and short; they see everything that any awaitable has promised. A message that is gone
is left out, not an error.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from postroad.groupcommit import GroupCommit
from postroad_store.mail.database.commits import Append, Claim, Collect, Commit, Copy, Expunge, Incoming, StoreFlags
from postroad_store.mail.database.database import FILE, Checkpointer, open_reader, open_writer, storage_error
from postroad_store.mail.database.names import Create, Delete, NewAccount, Rename, Subscribe, adopt
from postroad_store.mail.database.reader import Reader
from postroad_store.mail.mime.structure import parse
from postroad_store.mail.mime.text import is_plain, kept_text
from postroad_store.mail.model.account import Account
from postroad_store.mail.model.errors import MailError, NoSuchMailbox, StorageError, StorageFull
from postroad_store.mail.model.view import View
from postroad_store.mail.search.evaluate import Sources, evaluate
from postroad_store.mail.search.pacer import Pacer, Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from postroad_store.mail.model.flags import Change, FlagSet
    from postroad_store.mail.model.mailbox import Mailbox, Status
    from postroad_store.mail.model.message import UID, Arrival, Copied, Item, Part, Stored
    from postroad_store.mail.search.keys import Key

MAX_LOADED = 200_000  # messages of mailboxes that are kept in memory though no session looks at them
MAX_ACCOUNTS = 1000  # accounts that are kept in memory though no session uses them
PARSE_APART = 256 * 1024  # octets; larger messages are parsed in a thread, to keep the event loop free

Shown = TypeVar("Shown")
_log = logging.getLogger(__name__)


class Storage:
    """All accounts' mail. Open it once a process, and use it on one event loop; close it at the end."""

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or make the database in `directory` (made where it is missing); raises `StorageError`.

        `clock` gives the seconds since 1970; UIDVALIDITY values are taken from it.
        """
        self._clock = clock
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the mail's folder cannot be made: {error.strerror}") from error
        path = directory / FILE
        self._writer = open_writer(path)
        self._reader = Reader(open_reader(path))
        self._checkpointer = Checkpointer(path)
        self._commits: GroupCommit[Commit[Any, Any], Any] = GroupCommit(self._commit, name="mail-writer")
        self._accounts: WeakValueDictionary[str, Account] = WeakValueDictionary()
        self._mailboxes: WeakValueDictionary[int, Mailbox] = WeakValueDictionary()
        self._recent_accounts: OrderedDict[str, Account] = OrderedDict()
        self._loaded: OrderedDict[int, Mailbox] = OrderedDict()
        self._sources = Sources(self._reader)
        self._turns = Turns()
        self._collecting = self._collect_again = False
        self._swept = False
        self._closed = False

    def close(self) -> None:
        """Finish what was handed over, and close the database. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._commits.close()
        self._checkpointer.close()
        self._reader.close()
        self._writer.close()

    # -- accounts and mailboxes -------------------------------------------------------------------------------

    async def account(self, login: str) -> Account:
        """Return the account of this login (`world.Account.login`), made with its mailboxes if it is new.

        Returns without waiting where the account is in memory; commits where it is new.
        """
        if not self._swept:  # a process that was killed may have left garbage
            self._swept = True
            self._collect()
        known = self._accounts.get(login) or self._read_account(login)
        if known is None:
            await self._submit(NewAccount(login, int(self._clock())))
            known = self._accounts.get(login) or self._read_account(login)
            assert known is not None  # noqa: S101 - it has just been committed
        self._recent_accounts[login] = known
        self._recent_accounts.move_to_end(login)
        if len(self._recent_accounts) > MAX_ACCOUNTS:
            self._recent_accounts.popitem(last=False)
        return known

    def _read_account(self, login: str) -> Account | None:
        found = self._reader.account(login)
        if found is None:
            return None
        number, rows, subscriptions = found
        # Somebody may hold a mailbox of an account that has been forgotten: it must stay the same object.
        mailboxes = [adopt(self._mailboxes, row) for row in rows]
        self._accounts[login] = account = Account(number, login, mailboxes, subscriptions)
        return account

    def create(self, account: Account, name: str, *, special_use: str | None = None) -> Awaitable[Mailbox]:
        """Commit: make a mailbox and the superiors that it lacks (RFC 3501 §6.3.3). A final delimiter is dropped.

        Raises `MailboxExists`, `NameNotAllowed`, `LimitReached`. UIDVALIDITY is one that was never used before.
        """
        return self._submit(Create(self._mailboxes, account, name, special_use=special_use, now=int(self._clock())))

    def delete(self, account: Account, name: str) -> Awaitable[None]:
        r"""Commit: remove a mailbox with its messages (RFC 3501 §6.3.4); with inferiors it becomes \Noselect.

        Raises `NoSuchMailbox`; `NameNotAllowed` for INBOX and for a \Noselect name with inferiors.
        """
        return self._submit(Delete(self._mailboxes, account, name, now=int(self._clock()), collect=self._collect))

    def rename(self, account: Account, name: str, new_name: str) -> Awaitable[None]:
        """Commit: rename a mailbox and its inferiors; INBOX's messages move into a new one (RFC 3501 §6.3.5).

        Raises `NoSuchMailbox`, `MailboxExists`, `NameNotAllowed`, `LimitReached`.
        """
        return self._submit(Rename(self._mailboxes, account, name, new_name, now=int(self._clock())))

    def subscribe(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: subscribe to a name, whether a mailbox has it or not; raises `NameNotAllowed`, `LimitReached`."""
        return self._submit(Subscribe(account, name, subscribed=True))

    def unsubscribe(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: end a subscription; no error where there is none."""
        return self._submit(Subscribe(account, name, subscribed=False))

    # -- messages ---------------------------------------------------------------------------------------------

    def append(self, arrivals: Sequence[Arrival]) -> Awaitable[list[Stored]]:
        """Commit: store messages, all of them or none (RFC 3501 §6.3.11, RFC 3502).

        One `Stored` for each arrival and each of its mailboxes, in order. Raises `NoSuchMailbox` if one has been
        deleted meanwhile, `LimitReached` for keywords. Large messages are parsed in a thread first, so their
        order among other calls is not certain.
        """
        if sum(len(one.content) for one in arrivals) > PARSE_APART:
            return asyncio.ensure_future(self._append_apart(arrivals))
        return self._submit(Append([_incoming(one) for one in arrivals]))

    async def _append_apart(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        ready = await asyncio.to_thread(lambda: [_incoming(one) for one in arrivals])
        return await self._submit(Append(ready))

    def store(
        self, mailbox: Mailbox, uids: Sequence[int], change: Change, flags: FlagSet, *, view: View | None = None
    ) -> Awaitable[None]:
        """Commit: change flags (RFC 3501 §6.4.6). `uids` ascend; those that are gone are passed over.

        Views are told of the messages whose flags did change, other than `view`, the caller's own, which knows.
        Raises `LimitReached` for keywords, `NoSuchMailbox`.
        """
        return self._submit(StoreFlags(mailbox, mailbox.runs(uids), change, flags, view))

    def expunge(
        self, mailbox: Mailbox, uids: Sequence[int] | None = None, *, only_deleted: bool = True
    ) -> Awaitable[list[UID]]:
        r"""Commit: remove messages for good, and return their UIDs (RFC 3501 §6.4.3, RFC 4315 §2.1).

        Of `uids` (ascending; None: of all) those with \Deleted, or all of `uids` with `only_deleted=False`
        (POP3). All views learn of it by `View.take`, the caller's own too.
        """
        runs = [(0, 1 << 32)] if uids is None else mailbox.runs(uids)
        return self._submit(Expunge(mailbox, runs, only_deleted=only_deleted, collect=self._collect))

    def copy(self, source: Mailbox, uids: Sequence[int], target: Mailbox, *, whole: bool = False) -> Awaitable[Copied]:
        """Commit: copy messages with flags and internal date (RFC 3501 §6.4.7); content is shared, not copied.

        `uids` ascend; those that are gone are passed over, or with `whole` none is copied where one is gone.
        Raises `NoSuchMailbox`, `LimitReached` for keywords, with `whole` `MessagesExpunged`.
        """
        return self._submit(Copy(source, source.runs(uids), target, move=False, least=len(uids) if whole else 0))

    def move(self, source: Mailbox, uids: Sequence[int], target: Mailbox, *, whole: bool = False) -> Awaitable[Copied]:
        """Commit: the same, and the messages leave `source` in one step (RFC 6851 §3.3)."""
        return self._submit(Copy(source, source.runs(uids), target, move=True, least=len(uids) if whole else 0))

    # -- reading ----------------------------------------------------------------------------------------------

    def view(self, mailbox: Mailbox, *, read_only: bool = False, claim_recent: bool = True) -> View:
        r"""Read: open a view, loading the mailbox where it is not in memory.

        Messages that no session has been told of are \Recent in it; unless `read_only` or `claim_recent=False`
        they are so in no later one (RFC 3501 §2.3.2). Raises `NoSuchMailbox` for a deleted or \Noselect one.
        """
        if mailbox.deleted or not mailbox.selectable:
            raise NoSuchMailbox("there is no such mailbox")
        if not mailbox.loaded:
            self._reader.load(mailbox)
        self._loaded[mailbox.id] = mailbox
        self._loaded.move_to_end(mailbox.id)
        self._forget()
        return View(mailbox, read_only=read_only, claim=None if read_only or not claim_recent else self._claim)

    def _forget(self) -> None:
        """Unload mailboxes that nobody looks at, those first that were opened longest ago."""
        total = sum(len(one.uids) for one in self._loaded.values())
        for number, mailbox in list(self._loaded.items())[:-1]:
            if total <= MAX_LOADED:
                return
            if not mailbox.views:
                total -= len(mailbox.uids)
                mailbox.unload()
                del self._loaded[number]

    def _claim(self, mailbox: Mailbox) -> None:
        # Not waited for: were it lost, some messages would be \Recent a second time.
        self._submit(Claim(mailbox)).add_done_callback(_ignore)

    def status(self, mailbox: Mailbox) -> Status:
        """Read: what STATUS tells, from memory or by one count."""
        if not mailbox.loaded:
            return self._reader.status(mailbox)
        return mailbox.status()

    def fetch(
        self, mailbox: Mailbox, uids: Sequence[int], items: Sequence[Item]
    ) -> Iterator[tuple[UID, tuple[bytes, ...]]]:
        """Read: yield (UID, the items in the order asked) for those of `uids` (ascending) that are there.

        Ranges are read by one SELECT for each block of about a megabyte, none of which stays open between
        items, so the caller may wait between them. A message whose TEXT or CONTENT is over a megabyte is better
        read by `content`, in pieces.
        """
        return self._reader.fetch(mailbox, uids, items)

    def block(self, mailbox: Mailbox, uids: Sequence[int], items: Sequence[Item]) -> list[tuple[Any, ...]]:
        """Read: (UID, *items) rows, all at once, for those of `uids` (ascending) that are there.

        The quick way of `fetch` for a caller that cuts blocks itself: no Python runs for a message (0.5 µs each).
        """
        return self._reader.block(mailbox, uids, items)

    def content(self, mailbox: Mailbox, uid: int, start: int = 0, end: int | None = None) -> bytes | None:
        """Read: octets `start` to `end` (to the end where None) of the whole message; None where it is gone.

        Costs as much as the range is long, however long the message (a header section is read whole).
        """
        return self._reader.content(mailbox, uid, start, end)

    def parts(self, mailbox: Mailbox, uid: int) -> Part | None:
        """Read: the root of the message's parts; None where the message is gone."""
        return self._reader.parts(mailbox, uid)

    async def search(self, view: View, key: Key, *, between: Callable[[], Awaitable[None]] | None = None) -> list[int]:
        """Read: the sequence numbers in `view` of the messages that match, ascending.

        Long searches let other tasks run in between, and await `between` then, which may raise to end the search; the
        view must not `take` meanwhile.
        """
        async with Pacer(self._turns, between) as pace:
            return await evaluate(view, self._sources, key, pace)

    # -- the writer -------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Remove garbage soon: now, or once more after the removal that is under way."""
        if self._collecting or self._closed:
            self._collect_again = True
            return
        self._collecting, self._collect_again = True, False
        self._submit(Collect(self._collect)).add_done_callback(self._collected)

    def _collected(self, done: asyncio.Future[None]) -> None:
        self._collecting = False
        _ignore(done)
        if self._collect_again:
            self._collect()

    def _submit(self, commit: Commit[Any, Shown]) -> asyncio.Future[Shown]:
        """Hand work over; the future ends after `show`, which no cancelling can keep from being called."""
        promise: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        self._commits.submit(commit, partial(_show, commit, promise))
        return promise

    def _commit(self, batch: Sequence[Commit[Any, Any]]) -> Sequence[Any]:
        """Commit a batch in one transaction, in the writer thread.

        If the database refuses (a full disk), the log is copied back, which may make room, and each work is tried
        once more by itself, so that a large message which does not fit takes no smaller one with it.
        """
        wanted = sum(work.octets for work in batch)
        if wanted and wanted > self._checkpointer.room(self._writer):
            self._checkpointer.relieve(self._writer)
        try:
            outcomes = self._transaction(batch)
        except sqlite3.Error:
            self._checkpointer.relieve(self._writer)
            outcomes = [self._alone(work) for work in batch]
        self._checkpointer.committed(self._writer)
        return outcomes

    def _alone(self, work: Commit[Any, Any]) -> Any:
        try:
            return self._transaction([work])[0]
        except sqlite3.Error as error:
            _log.error("mail could not be written: %s", error)  # the cause is all there is
            return storage_error(error)

    def _transaction(self, batch: Sequence[Commit[Any, Any]]) -> list[Any]:
        db = self._writer
        outcomes: list[Any] = []
        room = self._checkpointer.room(self._writer)
        try:
            db.execute("BEGIN IMMEDIATE")
            for work in batch:
                db.execute("SAVEPOINT work")
                try:
                    if work.octets and work.octets > room:
                        raise StorageFull("no space is left for the mail")
                    room -= work.octets
                    outcomes.append(work.write(db))
                except sqlite3.Error:
                    raise
                except Exception as error:  # noqa: BLE001 - this caller's alone
                    db.execute("ROLLBACK TO work")
                    outcomes.append(error)
                db.execute("RELEASE work")
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return outcomes


def _incoming(one: Arrival) -> Incoming:
    parsed = parse(one.content)
    plain = is_plain(one.content, parsed)
    text = None if plain else kept_text(one.content, parsed)
    return Incoming(one.mailboxes, one.content, one.internal_date, one.flags, parsed, plain, text)


def _show(commit: Commit[Any, Shown], promise: asyncio.Future[Shown], written: Any) -> None:
    """Show a commit that is on disk, then keep the promise made to the caller."""
    if isinstance(written, Exception):
        if not promise.done():
            promise.set_exception(written)
        return
    try:
        shown = commit.show(written)
    except Exception as mistake:  # noqa: BLE001 - the commit stands, and the caller must not wait for ever
        _log.exception("a commit could not be shown")
        if not promise.done():
            promise.set_exception(mistake)
        return
    if not promise.done():
        promise.set_result(shown)


def _ignore(done: asyncio.Future[None]) -> None:
    """Take the outcome of work that nobody waits for."""
    if not done.cancelled() and isinstance(done.exception(), MailError):
        _log.warning("mail's housekeeping failed: %s", done.exception())
