"""The door to the mail: one SQLite database in the store's mail folder.

**Commits** return an awaitable. The call hands the work over, so calls commit in the order in which they were made, and
several may be in flight. The awaitable ends once the work is on disk (fsync) and the memory shows it. Dropping or
cancelling the awaitable does not undo the work. Each may raise a `StorageError`, and then nothing of that call has been
written. An invalid name raises at once, not when awaited.

**Reads** are synchronous and short. They see the work of every awaitable that has ended. A message that has gone is
left out, and is not an error. To open a mailbox that is not in memory takes about a microsecond per message:
for a mailbox that `is_large` there is `view_large`, which reads in a thread while other sessions go on.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from postroad.clock import Clock
from postroad_store.mail.accounts import Accounts
from postroad_store.mail.ahead import Ahead
from postroad_store.mail.collector import Collector, ignore
from postroad_store.mail.database import facts
from postroad_store.mail.database.commits.accounts import DropAccounts, NewAccount, Subscribe
from postroad_store.mail.database.commits.append import Append
from postroad_store.mail.database.commits.flags import StoreFlags
from postroad_store.mail.database.commits.housekeeping import Claim
from postroad_store.mail.database.commits.keywords import TakeBack
from postroad_store.mail.database.commits.mailboxes import Create, Delete, Rename
from postroad_store.mail.database.commits.messages import Copy, Expunge, Replace
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.database.reader import Reader
from postroad_store.mail.database.schema import NARROW_KEYWORDS
from postroad_store.mail.database.texts import UNTEXTED
from postroad_store.mail.decoded import DecodedParts
from postroad_store.mail.expunger import Expunger
from postroad_store.mail.finder import Finder
from postroad_store.mail.hidden import Hidden
from postroad_store.mail.incoming import incoming
from postroad_store.mail.labels import Labels
from postroad_store.mail.loader import Loader
from postroad_store.mail.lock import Lock
from postroad_store.mail.metadata import Metadata
from postroad_store.mail.model.errors import NoSuchMailbox, StorageError
from postroad_store.mail.model.flags import DELETED
from postroad_store.mail.model.mailboxes import Mailboxes
from postroad_store.mail.model.ranges import following, gaps, intersection
from postroad_store.mail.model.view import View
from postroad_store.mail.opened import OpenMessages
from postroad_store.mail.outbox import Outbox
from postroad_store.mail.packer import Packer
from postroad_store.mail.quotas import Quotas
from postroad_store.mail.retexter import Retexter
from postroad_store.mail.scripts import Scripts
from postroad_store.mail.sharing import Sharing
from postroad_store.mail.snapshots import Memory, Snapshots
from postroad_store.mail.url_keys import UrlKeys
from postroad_store.mail.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from postroad.control.histogram import Histogram
    from postroad.journal import Journal
    from postroad_store.mail.database.commits.base import Commit
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.arrival import Arrival, Copied, FlagsStored, Renamed, Stored
    from postroad_store.mail.model.flags import Change, FlagSet
    from postroad_store.mail.model.mailbox import Mailbox, Status
    from postroad_store.mail.model.message import UID, Column, ReadColumns
    from postroad_store.mail.model.ranges import Runs
    from postroad_store.mail.model.telling import Box, Gone, Names, Places, Put, Tell

PARSE_APART = 256 * 1024  # octets, above which messages are parsed in a thread, to keep the event loop free
PARSERS = 2  # threads for these: the event loop waits up to 5 ms for each that is busy

Shown = TypeVar("Shown")


class Storage:
    """All accounts' mail. Open it once per process, use it on one event loop, and close it at the end."""

    def __init__(self, directory: Path, *, clock: Clock | None = None, journal: Journal | None = None) -> None:
        """Open the database in `directory`, making both if they are missing; raises `StorageError`.

        UIDVALIDITY values are taken from the clock. The journal hears of commits that are given a `Telling`.
        """
        self._clock = clock or Clock()
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the mail's folder cannot be made: {error.strerror}") from error
        self._lock = Lock(directory)
        path = directory / FILE
        try:
            self._writer = Writer(path, journal)
        except StorageError:
            self._lock.release()
            raise
        self._reader = Reader(path)
        self._ahead = Ahead(self._reader)
        self._packer = Packer(self._submit, self._clock)
        self._loader = Loader(path, self._reader, self._packer)
        self._parser = ThreadPoolExecutor(PARSERS, thread_name_prefix="mail-parser")
        self._mailboxes = Mailboxes()
        self._accounts = Accounts(self._reader, self._mailboxes, self._loader.account)
        self.hidden = Hidden(self._writer, self._reader)
        self.metadata = Metadata(self._writer, self._reader)
        self.quotas = Quotas(self._writer, self._reader)
        self.sharing = Sharing(self._writer, self._reader, self._accounts)
        self.scripts = Scripts(self._writer, self._reader, path)
        self.outbox = Outbox(self._writer, self._reader, self._parser, self.quotas)
        self.decoded = DecodedParts()
        self.url_keys = UrlKeys(self._reader, self._submit)
        self.finder = Finder(path, self._reader, self._clock)
        self._retexter = Retexter(self._submit, self._clock, self.finder.texts_are_made)
        self.opened = OpenMessages(self._reader)
        self._collector = Collector(self._writer, self.opened.has, self._clock)
        self.expunger = Expunger(self.expunge)
        self.labels = Labels(self._writer, self._reader, self._clock, self.quotas, self._collector)
        memory = Memory(self._accounts, self._loader, self.scripts, self.quotas)
        self.snapshots = Snapshots(self._writer, self._reader, self._clock, self._collector, memory)
        self.may_exist: Callable[[str], bool] = lambda _login: True  # whether an account may be made
        self._swept = False
        self._closed = False

    def close(self) -> None:
        """Finish all work that was handed over, and close the database. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._collector.close()
        self._retexter.close()
        self.finder.close()
        self._parser.shutdown()
        self._packer.close()
        self._loader.close()
        self._reader.close()
        self._writer.close()
        self._lock.release()

    # -- accounts and mailboxes -------------------------------------------------------------------------------

    async def account(self, login: str) -> Account:
        """Return the account of this login (`world.Account.login`); raises `StorageError`.

        A new account is made with its mailboxes, in a commit, or `NoSuchMailbox` is raised if it may not exist. For any
        other, nothing is waited for.
        """
        if not self._swept:  # a process that was killed may have left garbage
            self._swept = True
            self._collector.collect()
            if self._reader.rows(UNTEXTED, ()):
                self._retexter.begin()
        known = await self._accounts.find(login)
        if known is None:
            if not self.may_exist(login):
                raise NoSuchMailbox("there is no such account")
            await self._submit(NewAccount(login, int(self._clock.now())))
            known = await self._accounts.find(login)
            if known is None:  # it was dropped meanwhile
                raise NoSuchMailbox("there is no such account")
        return known

    def drop_accounts(self, logins: Sequence[str]) -> Awaitable[None]:
        """Commit: remove accounts with all their mail."""
        return self._submit(DropAccounts(logins, self._accounts.forget, self._collector.collect))

    def known_account(self, login: str) -> Account | None:
        """Return an account that is in memory, or that is read at once; see `Accounts.known`."""
        return self._accounts.known(login)

    def create(self, account: Account, name: str, *, special_use: str | None = None) -> Awaitable[Mailbox]:
        """Commit: make a mailbox and the superiors that it lacks (RFC 3501 §6.3.3). A final delimiter is dropped.

        Raises `MailboxExists`, `NameNotAllowed`, `LimitReached`. UIDVALIDITY is a value that was never used before.
        """
        return self._submit(Create(self._mailboxes, account, name, special_use=special_use, now=int(self._clock.now())))

    def delete(self, account: Account, name: str, tell: Tell[Box] = None) -> Awaitable[Mailbox]:
        r"""Commit: remove a mailbox with its messages (RFC 3501 §6.3.4), and return it.

        With inferiors its name stays, as a \Noselect one. Raises `NoSuchMailbox`; `NameNotAllowed` for INBOX and for a
        \Noselect name with inferiors.
        """
        commit = Delete(self._mailboxes, account, name, now=int(self._clock.now()), collect=self._collector.collect)
        return self._submit(facts.tells(commit, tell, facts.deleted))

    def rename(self, account: Account, name: str, new_name: str, tell: Tell[Names] = None) -> Awaitable[Renamed]:
        """Commit: rename a mailbox and its inferiors; INBOX's messages move into a new one (RFC 3501 §6.3.5).

        Raises `NoSuchMailbox`, `MailboxExists`, `NameNotAllowed`, `LimitReached`.
        """
        commit = Rename(self._mailboxes, account, name, new_name, now=int(self._clock.now()))
        return self._submit(facts.tells(commit, tell, facts.renamed))

    def subscribe(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: subscribe to a name, whether a mailbox has it or not; raises `NameNotAllowed`, `LimitReached`."""
        return self._submit(Subscribe(account, name, subscribed=True))

    def unsubscribe(self, account: Account, name: str) -> Awaitable[None]:
        """Commit: end a subscription; no error if the name is not subscribed to."""
        return self._submit(Subscribe(account, name, subscribed=False))

    # -- messages ---------------------------------------------------------------------------------------------

    def append(self, arrivals: Sequence[Arrival], tell: Tell[Places] = None) -> Awaitable[list[Stored]]:
        """Commit: store messages, all of them or none (RFC 3501 §6.3.11, RFC 3502).

        Returns one `Stored` per arrival and mailbox, in order. Raises `NoSuchMailbox` if a mailbox has been deleted
        meanwhile, and `OverQuota`. Keywords beyond `MAX_KEYWORDS` are left out. Large messages are parsed in a thread
        first, so their order among other calls is not certain.
        """
        self.finder.arrived(len(arrivals))
        if sum([len(arrival.content) for arrival in arrivals]) > PARSE_APART:
            return asyncio.ensure_future(self._append_apart(arrivals, tell))
        commit = Append([incoming(arrival) for arrival in arrivals], int(self._clock.now()), self.quotas.check)
        return self._submit(facts.tells(commit, tell, facts.stored))

    async def _append_apart(self, arrivals: Sequence[Arrival], tell: Tell[Places]) -> list[Stored]:
        return await self._submit(facts.tells(await self._parsed(arrivals), tell, facts.stored))

    async def _parsed(self, arrivals: Sequence[Arrival]) -> Append:
        parsed = asyncio.get_running_loop().run_in_executor(self._parser, list, map(incoming, arrivals))
        return Append(await parsed, int(self._clock.now()), self.quotas.check)

    async def replace(
        self, mailbox: Mailbox, uid: int, arrivals: Sequence[Arrival], *, tell: Tell[Gone] = None
    ) -> list[Stored]:
        """Commit: store messages and remove another, or do neither (RFC 8508 §3.4).

        Raises what `append` raises, and `MessagesExpunged` if the message that should go has gone already.
        """
        self.finder.arrived(len(arrivals))
        expunge = Expunge(mailbox, [(uid, uid)], only_deleted=False, collect=self._collector.collect)
        replace = Replace(await self._parsed(arrivals), expunge)
        return await self._submit(facts.tells(replace, tell, facts.replaced_in(mailbox)))

    def store(
        self,
        mailbox: Mailbox,
        uids: Sequence[int],
        change: Change,
        flags: FlagSet,
        *,
        view: View | None = None,
        unchanged_since: int | None = None,
    ) -> Awaitable[FlagsStored]:
        """Commit: change flags (RFC 3501 §6.4.6). `uids` ascend; messages that have gone are ignored.

        A message that has changed after the modseq `unchanged_since` stays as it is (RFC 7162 §3.1.3). All views learn
        which messages have changed, except `view`, the caller's own. Raises `NoSuchMailbox`, and `LimitReached` for a
        keyword beyond `MAX_KEYWORDS`.
        """
        self._packer.changed(mailbox)
        runs = mailbox.runs(uids)
        return self._submit(StoreFlags(mailbox, runs, change, flags, view=view, unchanged_since=unchanged_since))

    def expunge(
        self, mailbox: Mailbox, uids: Sequence[int] | None = None, *, only_deleted: bool = True, tell: Tell[Gone] = None
    ) -> Awaitable[list[UID]]:
        r"""Commit: remove messages for good, and return their UIDs (RFC 3501 §6.4.3, RFC 4315 §2.1).

        Removes those of `uids` (ascending; None: all messages) that have \Deleted, or all of `uids` with
        `only_deleted=False` (POP3). All views learn of it by `View.take`, the caller's own too.
        """
        self._packer.changed(mailbox)
        runs = [(0, 1 << 32)] if uids is None else mailbox.runs(uids)
        likely = intersection(following(mailbox.marked(DELETED)), runs) if only_deleted else []
        commit = Expunge(mailbox, runs, only_deleted=only_deleted, collect=self._collector.collect, likely=likely)
        return self._submit(facts.tells(commit, tell, facts.gone_from(mailbox)))

    def copy(
        self,
        source: Mailbox,
        uids: Sequence[int],
        target: Mailbox,
        *,
        move: bool = False,
        whole: bool = False,
        mask: int = -1,
        tell: Tell[Put] = None,
    ) -> Awaitable[Copied]:
        """Commit: copy messages with flags and internal date (RFC 3501 §6.4.7); content is shared, not copied.

        `uids` ascend. Messages that have gone are ignored; with `whole`, nothing is copied and `MessagesExpunged` is
        raised if one has gone. Keywords beyond the target's `MAX_KEYWORDS` are left out, and flags that are not in the
        `mask` (RFC 4314 §4). A `move` removes them from `source` in the same step (RFC 6851 §3.3). Raises
        `NoSuchMailbox`, and `OverQuota` as `append` does.
        """
        if move:
            self._packer.changed(source)
        least = len(uids) if whole else 0
        now, allowed = int(self._clock.now()), self.quotas.check
        commit = Copy(source, source.runs(uids), target, now, allowed, move=move, least=least, mask=mask)
        return self._submit(facts.tells(commit, tell, facts.put_from(source, target)))

    # -- reading ----------------------------------------------------------------------------------------------

    def is_large(self, mailbox: Mailbox) -> bool:
        """Return True if to open the mailbox at once would keep other sessions waiting."""
        return self._loader.is_large(mailbox)

    def view(
        self, mailbox: Mailbox, *, read_only: bool = False, claim_recent: bool = True, recent: bool = True
    ) -> View:
        r"""Read: open a view, loading the mailbox if it is not in memory.

        Messages that no session has seen yet are \Recent in it. They are \Recent in no later view, unless this one is
        `read_only` or `claim_recent` is False (RFC 3501 §2.3.2). Without `recent` the view knows no such thing, and
        claims nothing (RFC 9051 §2.3.2). Raises `NoSuchMailbox` for a deleted or \Noselect mailbox.
        """
        if mailbox.deleted or not mailbox.selectable:
            raise NoSuchMailbox("there is no such mailbox")
        self._loader.load(mailbox)
        if len(mailbox.keywords) >= NARROW_KEYWORDS and mailbox.has_unused_keywords():
            self._submit(TakeBack(mailbox)).add_done_callback(ignore)
        claim = None if read_only or not claim_recent else self._claim
        return View(mailbox, read_only=read_only, claim=claim, recent=recent)

    async def view_large(
        self, mailbox: Mailbox, *, read_only: bool = False, claim_recent: bool = True, recent: bool = True
    ) -> View:
        """Read: do the same, loading a mailbox that `is_large` in a thread."""
        await self._loader.load_large(mailbox)
        return self.view(mailbox, read_only=read_only, claim_recent=claim_recent, recent=recent)

    def _claim(self, mailbox: Mailbox) -> None:
        # Nobody waits for it: if it were lost, some messages would be \Recent a second time.
        self._writer.submit(Claim(mailbox), hurry=False).add_done_callback(ignore)

    def deleted_octets(self, mailbox: Mailbox) -> int:
        r"""Read: return how many octets the messages with \Deleted have (RFC 9208 §4.1.4); they are looked for."""
        return self._reader.deleted_octets(mailbox)

    def deleted_octets_apart(self, mailbox: Mailbox) -> Awaitable[int]:
        """Read: do the same in a thread, for a mailbox of very many messages."""
        return self._loader.deleted_octets(mailbox)

    def status(self, mailbox: Mailbox) -> Status:
        """Read: return the figures of STATUS, which every commit keeps."""
        return mailbox.status()

    def vanished(self, mailbox: Mailbox, since: int, within: Runs | None = None) -> Runs:
        """Read: return the UIDs `within` these ranges that were expunged after the modseq `since` (RFC 7162 §3.2.6).

        If some of that has been forgotten: all UIDs without a message. Of a loaded mailbox.
        """
        runs = self._reader.expunged(mailbox, since, mailbox.modseq)
        if runs is None or mailbox.changing:  # while a change is shown in steps, some of the messages are there still
            missing = gaps(mailbox.uids, mailbox.uid_next)
            runs = missing if runs is None else intersection(runs, missing)
        return runs if within is None else intersection(runs, within)

    def changed_since(self, view: View, since: int) -> list[int]:
        """Read: the sequence numbers in `view` of the messages that have changed after the modseq `since`."""
        return view.changed_since(since)

    def fetch(
        self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]
    ) -> Iterator[tuple[UID, tuple[bytes, ...]]]:
        """Read: yield (UID, the columns in the order asked) for those of `uids` (ascending) that are there.

        One SELECT reads a block of about a megabyte. None stays open between two messages, so the caller may wait
        between them. The TEXT or CONTENT of a message above a megabyte is better read by `content`, in pieces.
        """
        return self._reader.fetch(mailbox, uids, columns)

    def columns(self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]) -> ReadColumns:
        """Read: those of `uids` (ascending, at least one) that are there, and their columns (none, if none is there).

        The quick way of `fetch` for a caller that cuts blocks itself: no Python runs per message (0.5 µs each).
        """
        return self._ahead.columns(mailbox, uids, columns)

    def content(self, mailbox: Mailbox, uid: int, start: int = 0, end: int | None = None) -> bytes | None:
        """Read: return octets `start` to `end` (None: to the end) of the message; None if it has gone."""
        return self._reader.content(mailbox, uid, start, end)

    # -- figures ----------------------------------------------------------------------------------------------

    @property
    def commit_times(self) -> Histogram:
        """How long commits take, each with its fsync, in seconds."""
        return self._writer.times

    @property
    def open_mailboxes(self) -> int:
        """How many mailboxes some session looks at."""
        return self._loader.open_mailboxes

    def _submit(self, commit: Commit[Any, Shown]) -> asyncio.Future[Shown]:
        return self._writer.submit(commit)
