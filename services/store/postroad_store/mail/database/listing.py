"""What the control door reads: accounts, mailboxes and messages as lists, and contents by the place of a copy.

A mailbox is found by its UIDVALIDITY, which no other one has or had; so a copy is found though its mailbox has been
renamed meanwhile. Everything is synchronous, for a thread of its own, and reads what is on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from postroad_store.mail.database.rows import joined
from postroad_store.mail.database.stretches import merged
from postroad_store.mail.model.keywords import Keywords

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad_store.mail.database.reader import Reader


class Place(NamedTuple):
    """A copy of a message."""

    login: str
    uid_validity: int
    uid: int


class AccountCounts(NamedTuple):
    """An account, and what it has."""

    login: str
    mailboxes: int
    messages: int
    unseen: int


class MailboxCounts(NamedTuple):
    r"""A mailbox, and what is in it; a \Noselect name has nothing."""

    name: str
    special_use: str | None
    selectable: bool
    messages: int
    unseen: int
    uid_validity: int
    uid_next: int


class Listed(NamedTuple):
    """A message; the internal date is in seconds since 1970."""

    uid: int
    flags: list[str]
    internal_date: int
    size: int


class Listing:
    """Lists, on a reading connection of its own. All methods raise `StorageError`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def accounts(self) -> list[AccountCounts]:
        """Return all accounts that have been made, by their logins."""
        return [AccountCounts(*row) for row in self._reader.rows(_OF_ALL, ())]

    def counted(self, logins: Iterable[str]) -> list[AccountCounts]:
        """Return those of some accounts that have been made."""
        rows = [row for login in logins for row in self._reader.rows(_OF_ACCOUNT, (login,))]
        return [AccountCounts(*row) for row in rows]

    def has(self, login: str) -> bool:
        """Return True if the account has been made."""
        return bool(self._reader.rows("SELECT 1 FROM accounts WHERE login = ?", (login,)))

    def mailboxes(self, login: str) -> list[MailboxCounts]:
        """Return the account's mailboxes, by their names; none if the account has not been made."""
        rows = self._reader.rows(
            "SELECT m.name, m.special_use, m.selectable, m.messages, m.unseen, m.uid_validity, m.uid_next"
            " FROM accounts a JOIN mailboxes m ON m.account = a.id"
            " WHERE a.login = ? ORDER BY m.name",
            (login,),
        )
        return [MailboxCounts(name, use, bool(selectable), *rest) for name, use, selectable, *rest in rows]

    def messages(self, login: str, mailbox: str, *, after: int, limit: int) -> list[Listed] | None:
        """Return messages with UIDs above `after`, ascending; None if there is no such mailbox."""
        number = self._reader.rows(
            "SELECT m.id FROM accounts a JOIN mailboxes m ON m.account = a.id WHERE a.login = ? AND m.name = ?",
            (login, mailbox),
        )
        if not number:
            return None
        keywords = Keywords(self._reader.rows("SELECT number, keyword FROM keywords WHERE mailbox = ?", number[0]))
        rows = self._reader.rows(
            f"SELECT uid, flags, wide_flags, internal_date, size FROM {merged()}"  # noqa: S608
            " WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?",
            (*number[0], after, limit),
        )
        return [
            Listed(uid, keywords.flag_names(joined(flags, wide)), internal_date, size)
            for uid, flags, wide, internal_date, size in rows
        ]

    def count(self) -> int:
        """Return how many messages there are in all mailboxes."""
        ((count,),) = self._reader.rows("SELECT count(*) FROM entries", ())
        return int(count)

    def filled(self, login: str | None) -> list[tuple[str, str, int]]:
        """Return (login, mailbox, highest UID) of the mailboxes that have messages: one account's, or all."""
        return self._reader.rows(
            "SELECT a.login, m.name, (SELECT max(uid) FROM entries WHERE mailbox = m.id) AS last"
            " FROM accounts a JOIN mailboxes m ON m.account = a.id"
            " WHERE last IS NOT NULL AND (?1 IS NULL OR a.login = ?1) ORDER BY a.id, m.id",
            (login,),
        )

    def uids(self, mailbox: int, *, last: int, limit: int) -> list[int]:
        """Return the lowest UIDs, up to `last`, of a mailbox by its id, ascending."""
        rows = self._reader.rows(
            "SELECT uid FROM entries WHERE mailbox = ? AND uid <= ? ORDER BY uid LIMIT ?", (mailbox, last, limit)
        )
        return [uid for (uid,) in rows]

    def contents(self, places: Sequence[Place], *, most: int) -> list[bytes | None]:
        """Return the whole messages in these places, None for each that has gone.

        The list ends with the message with which it has `most` octets or more.
        """
        mailboxes: dict[tuple[str, int], int | None] = {}
        contents: list[bytes | None] = []
        octets = 0
        with self._reader.moment():
            for login, uid_validity, uid in places:
                key = (login, uid_validity)
                if key not in mailboxes:
                    mailboxes[key] = self._mailbox(login, uid_validity)
                mailbox = mailboxes[key]
                content = None if mailbox is None else self._content(mailbox, uid)
                contents.append(content)
                octets += len(content or b"")
                if octets >= most:
                    break
        return contents

    def _mailbox(self, login: str, uid_validity: int) -> int | None:
        rows = self._reader.rows(
            "SELECT m.id FROM mailboxes m JOIN accounts a ON a.id = m.account WHERE m.uid_validity = ? AND a.login = ?",
            (uid_validity, login),
        )
        return rows[0][0] if rows else None

    def _content(self, mailbox: int, uid: int) -> bytes | None:
        rows: list[tuple[Any, ...]] = self._reader.rows(
            "SELECT c.id, c.size, c.header_size, c.header, o.octets FROM entries e"
            " CROSS JOIN contents c ON c.id = e.content CROSS JOIN octets o ON o.piece = c.id << 16"
            " WHERE e.mailbox = ? AND e.uid = ?",
            (mailbox, uid),
        )
        if not rows:
            return None
        ((content, size, header_size, header, body),) = rows
        if header_size + len(body) == size:
            whole: bytes = header + body
            return whole
        return self._reader.octets(content, size, header_size)


# The counts that each mailbox keeps, as `database.tables.mailboxes` has them
_COUNTS = (
    "SELECT a.login, count(m.id), coalesce(sum(m.messages), 0), coalesce(sum(m.unseen), 0)"
    " FROM accounts a LEFT JOIN mailboxes m ON m.account = a.id"
)
_OF_ACCOUNT = f"{_COUNTS} WHERE a.login = ? GROUP BY a.id"
_OF_ALL = f"{_COUNTS} GROUP BY a.id ORDER BY a.login"
