"""Commits that make, delete and rename mailboxes (RFC 3501 §6.3.3 to §6.3.5).

The database decides, not the memory: it already has the changes of earlier calls that are still in flight. A
commit in flight keeps its `Account` alive, and commits are shown in their order. So at each `show` the memory is as
the database was at its `write`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.mail.database.commits.base import Commit
from postroad_store.mail.database.commits.special_use import take_uses
from postroad_store.mail.database.expunged import log_expunged
from postroad_store.mail.database.packs import forget_packs
from postroad_store.mail.database.rows import find_mailbox, insert_mailbox
from postroad_store.mail.model.account import DELIMITER, INBOX, MAX_MAILBOXES, Named, checked_name
from postroad_store.mail.model.arrival import Emptied, NewName, Renamed
from postroad_store.mail.model.contents import NOTHING, MailboxRow
from postroad_store.mail.model.errors import HasInferiors, LimitReached, MailboxExists, NameNotAllowed, NoSuchMailbox
from postroad_store.mail.model.mailbox import STEP, Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from sqlite3 import Connection

    from postroad_store.mail.database.commits.special_use import Uses
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailboxes import Mailboxes

NAMES = 2_000  # that are shown at once (some 5 ms)


def _existing(db: Connection, account: int, name: str) -> MailboxRow:
    row = find_mailbox(db, account, name)
    if row is None:
        raise NoSuchMailbox("there is no such mailbox")
    return row


def _has_inferiors(db: Connection, account: int, name: str) -> bool:
    return db.execute(f"SELECT 1 {_BELOW} LIMIT 1", _below(account, name)).fetchone() is not None


def _below(account: int, name: str) -> tuple[int, str, str]:
    # The character after the delimiter: what begins with the prefix lies before it.
    return account, name + DELIMITER, name + chr(ord(DELIMITER) + 1)


_BELOW = "FROM mailboxes WHERE account = ? AND name > ? AND name < ?"


def _make_with_superiors(
    db: Connection, account: int, name: str, now: int, special_use: str | None = None
) -> list[MailboxRow]:
    """Make a mailbox and the superiors that it lacks; each is shared as the one above it (RFC 4314 §4)."""
    rows = []
    levels = name.split(DELIMITER)
    acl = None
    for depth in range(1, len(levels)):
        superior = DELIMITER.join(levels[:depth])
        known = find_mailbox(db, account, superior)
        if known is None:
            rows.append(insert_mailbox(db, account, superior, now, acl=acl))
        else:
            acl = known.acl
    rows.append(insert_mailbox(db, account, name, now, special_use=special_use, acl=acl))
    _check_count(db, account)
    return rows


def _check_count(db: Connection, account: int) -> None:
    (count,) = db.execute("SELECT mailboxes FROM accounts WHERE id = ?", (account,)).fetchone()
    if count > MAX_MAILBOXES:
        raise LimitReached(f"an account has at most {MAX_MAILBOXES} mailboxes")


@value
class _Created:
    rows: list[MailboxRow]
    uses: Uses  # of mailboxes that have lost a special use to the new one


class Create(Commit[_Created, Mailbox]):
    """Make a mailbox and the superiors that it lacks."""

    def __init__(self, mailboxes: Mailboxes, account: Account, name: str, *, special_use: str | None, now: int) -> None:
        self._mailboxes = mailboxes
        self._account = account
        # RFC 3501 §6.3.3: a final delimiter declares that the client will make names under this one.
        self._name = checked_name(name.removesuffix(DELIMITER))
        self._special_use = special_use
        self._now = now

    def write(self, db: Connection) -> _Created:
        r"""Insert it; a \Noselect name becomes a mailbox."""
        account = self._account.id
        old = find_mailbox(db, account, self._name)
        if old is not None:
            if old.selectable:
                raise MailboxExists("there is a mailbox of this name already")
            db.execute("DELETE FROM mailboxes WHERE id = ?", (old.id,))
        uses = take_uses(db, account, self._special_use) if self._special_use else []
        return _Created(_make_with_superiors(db, account, self._name, self._now, self._special_use), uses)

    def show(self, written: _Created) -> Mailbox:
        """Show them in the account."""
        for name, use in written.uses:
            self._account.set_special_use(name, use)
        created = [self._mailboxes.adopt(row) for row in written.rows]
        for mailbox in created:
            self._account.put(mailbox)
        for mailbox in created:
            self._account.tell_named(mailbox.name)
        return created[-1]


@value
class _Deleted:
    row: MailboxRow
    name_left: MailboxRow | None  # \Noselect, in its place


class Delete(Commit[_Deleted, Mailbox]):
    r"""Remove a mailbox with its messages; with inferiors its name stays, \Noselect."""

    def __init__(
        self, mailboxes: Mailboxes, account: Account, name: str, *, now: int, collect: Callable[[], None]
    ) -> None:
        self._mailboxes = mailboxes
        self._account = account
        self._name = checked_name(name)
        self._now = now
        self._collect = collect
        if self._name == INBOX:
            # RFC 3501 §6.3.4: "It is an error to attempt to delete INBOX"
            raise NameNotAllowed("INBOX cannot be deleted")

    def write(self, db: Connection) -> _Deleted:
        r"""Remove it; return the \Noselect one in its place."""
        account = self._account.id
        row = _existing(db, account, self._name)
        inferiors = _has_inferiors(db, account, self._name)
        if inferiors and not row.selectable:
            raise HasInferiors("the name has inferior names")
        db.execute("INSERT OR IGNORE INTO garbage SELECT content FROM entries WHERE mailbox = ?", (row.id,))
        db.execute("DELETE FROM entries WHERE mailbox = ?", (row.id,))
        db.execute("DELETE FROM stretches WHERE mailbox = ?", (row.id,))
        db.execute("DELETE FROM expunged WHERE mailbox = ?", (row.id,))
        forget_packs(db, row.id, [(0, row.uid_next)], row.uid_next)
        db.execute("DELETE FROM keywords WHERE mailbox = ?", (row.id,))
        db.execute("DELETE FROM mailboxes WHERE id = ?", (row.id,))
        left = insert_mailbox(db, account, self._name, self._now, selectable=False) if inferiors else None
        return _Deleted(row, left)

    def show(self, written: _Deleted) -> Mailbox:
        """Show that it has gone."""
        known = self._account.take(self._name)
        removed = self._mailboxes.adopt(written.row) if isinstance(known, Named) else known
        removed.vanish()
        if written.name_left is not None:
            self._account.put(self._mailboxes.adopt(written.name_left))
        self._account.tell_named(self._name)
        self._collect()
        return removed


@value
class _Renamed:
    new: list[MailboxRow]
    names: list[NewName]
    inbox_modseq: int  # 0 unless INBOX was emptied


class Rename(Commit[_Renamed, Renamed]):
    """Rename a mailbox and its inferiors; INBOX's messages move into a new one."""

    renames = True

    def __init__(self, mailboxes: Mailboxes, account: Account, name: str, new_name: str, *, now: int) -> None:
        self._mailboxes = mailboxes
        self._account = account
        self._name = checked_name(name)
        self._new = checked_name(new_name.removesuffix(DELIMITER))
        self._now = now
        if self._new.startswith(self._name + DELIMITER) and self._name != INBOX:
            raise NameNotAllowed("a mailbox cannot become its own inferior")

    def write(self, db: Connection) -> _Renamed:
        """Change the names."""
        account = self._account.id
        row = _existing(db, account, self._name)
        if find_mailbox(db, account, self._new) is not None:
            raise MailboxExists("there is a mailbox of the new name already")
        if self._name == INBOX:
            return self._empty_inbox(db, row)
        # RFC 3501 §6.3.5: superiors of the new name are made as CREATE makes them
        *superiors, place = _make_with_superiors(db, account, self._new, self._now)
        db.execute("DELETE FROM mailboxes WHERE id = ?", (place.id,))
        length = len(self._name)
        below = db.execute(f"SELECT id, name, uid_validity {_BELOW}", _below(account, self._name))
        names = [
            (number, NewName(old, checked_name(self._new + old[length:]), uid_validity))
            for number, old, uid_validity in ((row.id, row.name, row.uid_validity), *below.fetchall())
        ]
        db.executemany("UPDATE mailboxes SET name = ? WHERE id = ?", [(each.name, number) for number, each in names])
        return _Renamed(superiors, [each for _, each in names], 0)

    def _empty_inbox(self, db: Connection, inbox: MailboxRow) -> _Renamed:
        # RFC 3501 §6.3.5: "It moves all messages in INBOX to a new mailbox with the given name, leaving INBOX
        # empty. If the server implementation supports inferior hierarchical names of INBOX, these are unaffected".
        *superiors, new = _make_with_superiors(db, self._account.id, self._new, self._now)
        (lowest,) = db.execute("SELECT min(uid) FROM entries WHERE mailbox = ?", (inbox.id,)).fetchone()
        forget_packs(db, inbox.id, [(0, inbox.uid_next)], inbox.uid_next)
        db.execute("UPDATE entries SET mailbox = ? WHERE mailbox = ?", (new.id, inbox.id))
        db.execute("UPDATE stretches SET mailbox = ? WHERE mailbox = ?", (new.id, inbox.id))
        db.execute("INSERT INTO keywords SELECT ?, number, keyword FROM keywords WHERE mailbox = ?", (new.id, inbox.id))
        # RFC 5464 §4.1: "mailbox annotations are preserved on the INBOX when it is renamed"
        db.execute(
            "INSERT INTO metadata SELECT ?, account, entry, value FROM metadata WHERE mailbox = ?", (new.id, inbox.id)
        )
        counts = inbox.counts
        db.execute(_FILL, (inbox.uid_next, inbox.modseq, inbox.recent_uid, *counts, new.id))
        db.execute(_FILL, (inbox.uid_next, inbox.modseq + 1, inbox.recent_uid, *NOTHING, inbox.id))
        if lowest is not None:
            log_expunged(db, inbox.id, inbox.modseq + 1, [(lowest, inbox.uid_next - 1)])
        filled = replace(new, uid_next=inbox.uid_next, modseq=inbox.modseq, recent_uid=inbox.recent_uid, counts=counts)
        return _Renamed([*superiors, filled], [], inbox.modseq + 1)

    def show(self, written: _Renamed) -> Renamed | Generator[None, None, Renamed]:
        """Show the names."""
        created = [self._mailboxes.adopt(row) for row in written.new]
        for mailbox in created:
            self._account.put(mailbox)
        if not written.inbox_modseq:
            return _show_names(self._account, written.names)
        self._account.tell_named(self._new, self._name)
        inbox = self._account.inbox
        emptied = Emptied(inbox, written.new[-1].uid_next - 1, created[-1])
        inbox.counted(written.inbox_modseq, NOTHING)
        if len(inbox.uids) > STEP:
            return _show_in_steps(written.inbox_modseq, emptied)
        inbox.empty(written.inbox_modseq)
        return Renamed((), emptied)


def _show_names(account: Account, names: list[NewName]) -> Generator[None, None, Renamed]:
    """Show new names, some at a time. Those in between are as a client may see them that lists during the RENAME."""
    for start in range(0, len(names), NAMES):
        if start:
            yield
        account.rename([(each.old, each.name) for each in names[start : start + NAMES]])
    account.tell_named(names[0].name, names[0].old)
    return Renamed(tuple(names))


def _show_in_steps(modseq: int, emptied: Emptied) -> Generator[None, None, Renamed]:
    yield from emptied.inbox.empty_in_steps(modseq)
    return Renamed((), emptied)


_FILL = (
    "UPDATE mailboxes SET uid_next = ?, modseq = ?, recent_uid = ?,"
    " messages = ?, unseen = ?, deleted = ?, octets = ?, recent = ? WHERE id = ?"
)
