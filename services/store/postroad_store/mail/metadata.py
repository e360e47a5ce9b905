"""The annotations of mailboxes and of the server (RFC 5464)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroad_store.mail.database.commits.metadata import Annotate
from postroad_store.mail.model.annotations import is_private

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from postroad_store.mail.database.commits.special_use import Uses
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.writer import Writer


class Annotation(NamedTuple):
    """An entry that has a value; the value is None if it is larger than the reader wants."""

    entry: str
    size: int  # octets
    value: bytes | None


class Metadata:
    """Annotations as one account sees them: the shared ones, and its own private ones.

    A mailbox of None means the server.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def set(self, account: Account, mailbox: Mailbox | None, entries: Mapping[str, bytes | None]) -> Awaitable[Uses]:
        """Commit: set entries, or remove those without value; returns what special uses mailboxes have now.

        Raises `NoSuchMailbox`, `TooManyAnnotations`.
        """
        return self._writer.submit(Annotate(account, mailbox, entries))

    def get(
        self, account: Account, mailbox: Mailbox | None, entries: Sequence[str], *, depth: int | None, most: int
    ) -> list[Annotation]:
        """Read: the entries that have a value, and those below them to a depth (None: all), each once."""
        by_entry: dict[str, Annotation] = {}
        number = 0 if mailbox is None else mailbox.id
        for entry in entries:
            owner = account.id if is_private(entry) else 0
            rows = self._reader.rows(_GET, (most, number, owner, entry))
            if depth != 0:  # below it; "0" is the character after "/"
                rows += self._reader.rows(_BELOW, (most, number, owner, f"{entry}/", f"{entry}0"))
            for row in rows:
                if depth is None or row[0].count("/") <= entry.count("/") + depth:
                    by_entry[row[0]] = Annotation(*row)
        return list(by_entry.values())


_COLUMNS = "SELECT entry, length(value), iif(length(value) <= ?, value, NULL) FROM metadata WHERE mailbox = ? AND"
_GET = f"{_COLUMNS} account = ? AND entry = ?"
_BELOW = f"{_COLUMNS} account = ? AND entry > ? AND entry < ?"
