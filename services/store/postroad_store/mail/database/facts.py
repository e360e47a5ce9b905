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

KEPT = 1000  # mailboxes whose names are kept
_NAMED = "SELECT name, uid_validity FROM mailboxes WHERE id = ?"


class Boxes:
    """Mailboxes as they are called at a commit: memory may not know a new name yet. Only whoever writes may ask."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self._known: dict[int, Box] = {}

    def of(self, mailbox: Mailbox) -> Box:
        """Return a mailbox."""
        box = self._known.get(mailbox.id)
        if box is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            box = Box(*self.db.execute(_NAMED, (mailbox.id,)).fetchone())
            self._known[mailbox.id] = box
        return box

    def forget(self) -> None:
        """Forget the names: some have changed, or a change of them has been undone."""
        self._known.clear()


def tells(commit: Work, telling: Tell[Any], fact: Callable[[Boxes, Any], Any]) -> Work:
    """Let a commit have events; `fact` says what it has done, None if that was nothing. Returns the commit."""
    if telling is not None:

        def events(boxes: Boxes, written: Any) -> Sequence[Line]:
            done = fact(boxes, written)
            return () if done is None else telling.events(done)

        commit.events, commit.hurry = events, telling.hurry
    return commit


def stored(boxes: Boxes, written: Sequence[Any]) -> Places:
    """Of `Append`."""
    return Places([boxes.of(each.mailbox) for each in written], [each.entry[0] for each in written])


def delivered(boxes: Boxes, written: tuple[Sequence[Any], bool]) -> Places:
    """Of `Deliver`."""
    return stored(boxes, written[0])


def gone_from(mailbox: Mailbox) -> Callable[[Boxes, Any], Gone | None]:
    """Of `Expunge`."""
    return lambda boxes, written: None if written is None else Gone(boxes.of(mailbox), written[2])


def replaced_in(mailbox: Mailbox) -> Callable[[Boxes, Any], Gone]:
    """Of `Replace`: the message that has gone."""
    return lambda boxes, written: Gone(boxes.of(mailbox), written[1][2])


def put_from(source: Mailbox, target: Mailbox) -> Callable[[Boxes, Any], Put | None]:
    """Of `Copy`."""
    return lambda boxes, written: None if written is None else Put(boxes.of(source), written.copied(), boxes.of(target))


def deleted(_boxes: Boxes, written: Any) -> Box | None:
    r"""Of `Delete`; nothing of a \Noselect name."""
    row = written.row
    return Box(row.name, row.uid_validity) if row.selectable else None


def renamed(boxes: Boxes, written: Any) -> Names:
    """Of `Rename`."""
    if not written.inbox_modseq:
        return Names(written.names, None)
    target = written.new[-1]
    inbox = find_mailbox(boxes.db, target.account, INBOX)
    if inbox is None or target.uid_next == 1:
        return Names((), None)
    box = Box(inbox.name, inbox.uid_validity)
    return Names((), Moved(box, target.uid_next - 1, Box(target.name, target.uid_validity)))


def kept(_boxes: Boxes, written: Any) -> Any:
    """Of `TakeSnapshot`."""
    return written


def restored_from(world: str, name: str) -> Callable[[Boxes, Any], Any]:
    """Of `RestoreSnapshot`: the snapshot's token, and the accounts."""

    def fact(boxes: Boxes, written: Any) -> Any:
        (token,) = boxes.db.execute(
            "SELECT token FROM snapshots WHERE world = ? AND name = ?", (world, name)
        ).fetchone()
        return token, written

    return fact
