"""The maildrop: INBOX as one POP3 session sees it (RFC 1939 §4, §5). Pure.

It is a snapshot from the moment when the session locks it. Message-numbers, sizes and unique-ids do not change until
the session ends, whatever arrives or is expunged meanwhile. Marks of deletion are the session's own; they take effect
in the UPDATE state and no sooner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.model.message import UID


class Maildrop:
    """Messages by number, from 1; sizes in octets."""

    __slots__ = ("_deleted", "_sizes", "_uid_validity", "octets", "uids")

    def __init__(self, uid_validity: int, uids: Sequence[UID], sizes: Sequence[int]) -> None:
        self._uid_validity = uid_validity
        self.uids = tuple(uids)
        self._sizes = tuple(sizes)
        self._deleted: set[int] = set()
        self.octets = sum(self._sizes)  # of the messages that are not marked

    def __len__(self) -> int:
        """How many messages the snapshot has, marked ones too: the highest message-number."""
        return len(self.uids)

    @property
    def count(self) -> int:
        """How many messages are not marked as deleted."""
        return len(self.uids) - len(self._deleted)

    @property
    def deleted(self) -> tuple[int, ...]:
        """The numbers marked as deleted, ascending."""
        return tuple(sorted(self._deleted))

    def numbers(self) -> list[int]:
        """Return the numbers that are not marked, ascending."""
        return [number for number in range(1, len(self.uids) + 1) if number not in self._deleted]

    def is_deleted(self, number: int) -> bool:
        """Whether the message is marked."""
        return number in self._deleted

    def size(self, number: int) -> int:
        """Return the message's size in octets."""
        return self._sizes[number - 1]

    def unique_id(self, number: int) -> str:
        """Return the unique-id (RFC 1939 §7): 1 to 70 characters, never used again within the maildrop.

        It is UID and UIDVALIDITY in hexadecimal, as Dovecot writes them: clients that leave mail on the server
        know that form.
        """
        return f"{self.uids[number - 1]:08x}{self._uid_validity:08x}"

    def delete(self, number: int) -> None:
        """Mark a message; its octets leave the sum."""
        self._deleted.add(number)
        self.octets -= self._sizes[number - 1]

    def reset(self) -> None:
        """Take all marks off (RSET)."""
        self._deleted.clear()
        self.octets = sum(self._sizes)
