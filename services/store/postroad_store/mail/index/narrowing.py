"""Narrows a search down to the messages that may have a text, by the index."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.index.index import Index
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.search.pacer import Pace

FEW = 2_000  # messages, up to which they are rather read
SHARE = 10  # of a mailbox's messages one in so many may be candidates; with more the index does not help
CHUNK = 500  # contents that are looked up at a time (about a millisecond)
_UIDS = "SELECT uid FROM entries INDEXED BY entries_by_content WHERE mailbox = ? AND"


class Narrowing:
    """The index, and the mail's database, which knows in which mailboxes a content is."""

    __slots__ = ("_index", "_reader")

    def __init__(self, index: Index, reader: Reader) -> None:
        self._index = index
        self._reader = reader

    async def narrowed(self, mailbox: Mailbox, count: int, needles: Sequence[bytes], pace: Pace) -> set[int] | None:
        """Return the UIDs of the messages that may have one of the texts; None: all may.

        If few messages are in question (`count`), they are rather read.
        """
        if count <= FEW or not self._index.useful:
            return None
        candidates = await pace.apart(partial(self._index.candidates, needles, count // SHARE + 1))
        if candidates is None:
            return None
        # Messages that have come since are read, so what is found does not depend on how far the index is.
        rows = self._reader.rows(f"{_UIDS} content > ?", (mailbox.id, candidates.upto))
        uids = {uid for (uid,) in rows}
        for start in range(0, len(candidates.contents), CHUNK):
            some = candidates.contents[start : start + CHUNK]
            rows = self._reader.rows(f"{_UIDS} content IN ({', '.join('?' * len(some))})", (mailbox.id, *some))
            uids.update([uid for (uid,) in rows])
            await pace()
        return uids
