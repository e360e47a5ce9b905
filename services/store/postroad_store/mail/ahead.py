"""Reads ahead for clients that fetch whole messages one after the other.

A SELECT takes three times as long as one more message of it. So the second message in a row is read with those that
follow it. One block is kept for all sessions: what a client has pipelined is answered without a break, up to about
that many octets (`protocol.transport.TURN`), before others have their turn.

The octets of a message never change. Whether it is still there is asked of the mailbox in memory each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.model.message import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import ReadColumns

OCTETS = 128 * 1024  # of messages that are read together
_WHOLE = (Column.CONTENT,)


class Ahead:
    """The blocks of one reader (`Reader.columns`), of which the last is kept while it may be of use."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._mailbox: Mailbox | None = None
        self._read: dict[int, bytes] = {}  # what was read ahead
        self._next = 0  # the UID behind the one that was asked for last

    def columns(self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]) -> ReadColumns:
        """See `Storage.columns`."""
        if len(uids) != 1 or columns != _WHOLE:
            return self._reader.columns(mailbox, uids, columns)
        uid = uids[0]
        at = mailbox.index(uid)
        if at is None:  # it has gone, or the mailbox is not in memory
            return self._reader.columns(mailbox, uids, columns)
        if mailbox is not self._mailbox:
            self._mailbox, self._read, self._next = mailbox, {}, 0
        octets = self._read.pop(uid, None)
        if octets is None:
            octets = self._fetch(mailbox, uid, self._following(mailbox, at) if uid == self._next else uids)
        self._next = mailbox.uids[at + 1] if at + 1 < len(mailbox.uids) else 0
        return ((), ()) if octets is None else (uids, ((octets,),))

    def _fetch(self, mailbox: Mailbox, uid: int, uids: Sequence[int]) -> bytes | None:
        """Read some messages, the first of which is wanted now."""
        try:
            there, read = self._reader.columns(mailbox, uids, _WHOLE)
        except StorageError:
            if len(uids) == 1:
                raise
            there, read = self._reader.columns(mailbox, [uid], _WHOLE)  # it may be another that cannot be read
        self._read = dict(zip(there, *read, strict=True))
        return self._read.pop(uid, None)

    @staticmethod
    def _following(mailbox: Mailbox, at: int) -> Sequence[int]:
        """Return the UIDs of the message at this place and of those behind it that are read with it."""
        sizes = mailbox.sizes
        last, octets = at + 1, sizes[at]
        while last < len(sizes) and octets + sizes[last] <= OCTETS:
            octets += sizes[last]
            last += 1
        return mailbox.uids[at:last]
