r"""Removes messages that have \Deleted, for sessions that share a mailbox: often one's EXPUNGE is that of others.

Sessions that mark messages and give EXPUNGE at about the same time all ask for the same. The first one's commit removes
what all have marked. Whose command comes while it runs waits for its end, and not for a commit of its own after it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from postroad_store.mail.model.flags import DELETED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.telling import Gone, Tell


class Expunge(Protocol):
    """`Storage.expunge`, or what stands for it."""

    def __call__(self, mailbox: Mailbox, uids: Sequence[int], *, tell: Tell[Gone] = None) -> Awaitable[list[UID]]:
        """Remove messages."""


class Expunger:
    """The EXPUNGEs of a storage; `expunge` hands one over to the writer."""

    def __init__(self, expunge: Expunge) -> None:
        self._expunge = expunge
        self._under_way: WeakKeyDictionary[Mailbox, asyncio.Future[list[UID]]] = WeakKeyDictionary()

    async def remove(self, mailbox: Mailbox, uids: Sequence[int], tell: Tell[Gone] = None) -> list[UID]:
        r"""Commit: remove those of `uids` (ascending) that have \Deleted; return those that nobody else has removed.

        At the end, every message among them that has it now is gone, whoever has removed it. The mailbox is in memory.
        Raises as `Storage.expunge`.
        """
        if not mailbox.counts.deleted:
            return []
        before = self._under_way.get(mailbox)
        if before is not None:
            marked = mailbox.marked(DELETED)
            if len(marked) == mailbox.counts.deleted:  # all of them: they are not too many to be looked for
                await asyncio.wait({before})
                if all(mailbox.index(uid) is None for uid in marked):
                    return []
        work = asyncio.ensure_future(self._expunge(mailbox, uids, tell=tell))
        self._under_way[mailbox] = work
        try:
            return await work
        finally:
            if self._under_way.get(mailbox) is work:
                del self._under_way[mailbox]
