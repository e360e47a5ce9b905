"""Labels of messages: the other mailboxes of the account that have the same content (decision 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.database import facts
from postroad_store.mail.database.commits.labels import AddLabel, RemoveLabel
from postroad_store.mail.database.labels import labels_of
from postroad_store.mail.model.flags import FLAGGED
from postroad_store.mail.model.labels import IMPORTANT, IMPORTANT_KEYWORD, STARRED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from postroad.clock import Clock
    from postroad_store.mail.collector import Collector
    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.arrival import Copied
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.telling import Gone, Put, Tell
    from postroad_store.mail.quotas import Quotas
    from postroad_store.mail.writer import Writer


class Labels:
    """The labels of all messages of a storage."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock, quotas: Quotas, collector: Collector) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._quotas = quotas
        self._collector = collector

    def of(self, mailbox: Mailbox, uid: int) -> list[str]:
        """Read: return the labels of a message of a loaded mailbox, without the mailbox itself; flags come last."""
        labels = labels_of(self._reader, mailbox, uid)
        at = mailbox.index(uid)
        flags = 0 if at is None else mailbox.flags[at]
        if flags & FLAGGED:
            labels.append(STARRED)
        if flags & mailbox.keyword_bit(IMPORTANT_KEYWORD):
            labels.append(IMPORTANT)
        return labels

    def add(self, source: Mailbox, uids: Sequence[int], target: Mailbox, tell: Tell[Put] = None) -> Awaitable[Copied]:
        """Commit: copy the messages (ascending UIDs) whose content the target lacks; raises as `Storage.copy`."""
        runs = source.runs(uids)
        now = int(self._clock.now())
        commit = AddLabel(source, runs, target, now, self._quotas.check, move=False)
        return self._writer.submit(facts.tells(commit, tell, facts.put_from(source, target)))

    def remove(
        self, source: Mailbox, uids: Sequence[int], target: Mailbox, tell: Tell[Gone] = None
    ) -> Awaitable[list[UID]]:
        """Commit: remove what has the content of these messages from the target; raises `NoSuchMailbox`."""
        commit = RemoveLabel(target, [], only_deleted=False, collect=self._collector.collect)
        return self._writer.submit(facts.tells(commit.of(source, list(uids)), tell, facts.gone_from(target)))
