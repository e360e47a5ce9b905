"""What a commit has done, as the journal is told of it; called before the transaction ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from postroad_store.mail.database.rows import find_mailbox
from postroad_store.mail.model.account import INBOX
from postroad_store.mail.model.telling import Box, Gone, Moved, Names, Places, Put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Connection

    from postroad.journal import Line
    from postroad_store.mail.database.commits.base import Commit
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.telling import Tell

Work = TypeVar("Work", bound="Commit[Any, Any]")


def box_of(db: Connection, mailbox: Mailbox) -> Box:
    """Return a mailbox as it is called now: memory may not know its new name yet."""
    return Box(*db.execute("SELECT name, uid_validity FROM mailboxes WHERE id = ?", (mailbox.id,)).fetchone())


def tells(commit: Work, telling: Tell[Any], fact: Callable[[Connection, Any], Any]) -> Work:
    """Let a commit have events; `fact` says what it has done, None if that was nothing. Returns the commit."""
    if telling is not None:

        def events(db: Connection, written: Any) -> Sequence[Line]:
            done = fact(db, written)
            return () if done is None else telling.events(done)

        commit.events, commit.hurry = events, telling.hurry
    return commit


def stored(db: Connection, written: Sequence[Any]) -> Places:
    """Of `Append`."""
    return Places([box_of(db, each.mailbox) for each in written], [each.entry[0] for each in written])


def delivered(db: Connection, written: tuple[Sequence[Any], bool]) -> Places:
    """Of `Deliver`."""
    return stored(db, written[0])


def gone_from(mailbox: Mailbox) -> Callable[[Connection, Any], Gone | None]:
    """Of `Expunge`."""
    return lambda db, written: None if written is None else Gone(box_of(db, mailbox), written[2])


def replaced_in(mailbox: Mailbox) -> Callable[[Connection, Any], Gone]:
    """Of `Replace`: the message that has gone."""
    return lambda db, written: Gone(box_of(db, mailbox), written[1][2])


def put_from(source: Mailbox, target: Mailbox) -> Callable[[Connection, Any], Put | None]:
    """Of `Copy`."""
    return lambda db, written: (
        None if written is None else Put(box_of(db, source), written.copied(), box_of(db, target))
    )


def deleted(_db: Connection, written: Any) -> Box | None:
    r"""Of `Delete`; nothing of a \Noselect name."""
    row = written.row
    return Box(row.name, row.uid_validity) if row.selectable else None


def renamed(db: Connection, written: Any) -> Names:
    """Of `Rename`."""
    if not written.inbox_modseq:
        return Names(written.names, None)
    target = written.new[-1]
    inbox = find_mailbox(db, target.account, INBOX)
    if inbox is None or target.uid_next == 1:
        return Names((), None)
    box = Box(inbox.name, inbox.uid_validity)
    return Names((), Moved(box, target.uid_next - 1, Box(target.name, target.uid_validity)))


def kept(_db: Connection, written: Any) -> Any:
    """Of `TakeSnapshot`."""
    return written


def restored_from(world: str, name: str) -> Callable[[Connection, Any], Any]:
    """Of `RestoreSnapshot`: the snapshot's token, and the accounts."""

    def fact(db: Connection, written: Any) -> Any:
        (token,) = db.execute("SELECT token FROM snapshots WHERE world = ? AND name = ?", (world, name)).fetchone()
        return token, written

    return fact
