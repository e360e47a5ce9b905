"""Reading ahead: what a client fetches one by one is what it would get without, by fewer SELECTs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad_store.mail.ahead import OCTETS, Ahead
from postroad_store.mail.model.errors import StorageCorrupt
from postroad_store.mail.model.message import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage
    from tests.store.mail.conftest import Put

WHOLE = (Column.CONTENT,)


class Watched:
    """The reader of a storage: notes what is asked of it; some messages are damaged."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked: list[list[int]] = []
        self.damaged: set[int] = set()

    def columns(
        self, mailbox: Mailbox, uids: Sequence[int], columns: Sequence[Column]
    ) -> tuple[Sequence[int], Sequence[Sequence[Any]]]:
        self.asked.append(list(uids))
        if self.damaged.intersection(uids):
            raise StorageCorrupt("the mail's database is damaged")
        return self._reader.columns(mailbox, uids, columns)


def rows(ahead: Ahead, mailbox: Mailbox, uids: list[int], columns: Sequence[Column] = WHOLE) -> list[tuple[Any, ...]]:
    """Read columns, and return them as rows."""
    there, read = ahead.columns(mailbox, uids, columns)
    return list(zip(there, *read, strict=True))


def watched(storage: Storage) -> tuple[Ahead, Watched]:
    reader = Watched(storage._reader)
    return Ahead(reader), reader  # type: ignore[arg-type]


async def test_from_the_second_message_in_a_row_those_behind_it_are_read_too(
    storage: Storage, inbox: Mailbox, put: Put
) -> None:
    await put(inbox, *[b"Subject: %d\r\n\r\n" % uid for uid in range(1, 6)])
    ahead, reader = watched(storage)
    assert rows(ahead, inbox, [1]) == [(1, b"Subject: 1\r\n\r\n")]
    assert reader.asked == [[1]]  # the mailbox is not in memory: nothing is known of what follows
    storage.view(inbox)
    for uid in range(1, 6):
        assert rows(ahead, inbox, [uid]) == [(uid, b"Subject: %d\r\n\r\n" % uid)]
    assert reader.asked == [[1], [1], [2, 3, 4, 5]]
    assert rows(ahead, inbox, [1]) == [(1, b"Subject: 1\r\n\r\n")]
    assert rows(ahead, inbox, [4]) == [(4, b"Subject: 4\r\n\r\n")]
    assert reader.asked == [[1], [1], [2, 3, 4, 5], [1], [4]]


async def test_so_many_octets_are_read_ahead(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *[b"%d" % uid + b"x" * (OCTETS // 4) for uid in range(1, 9)])
    storage.view(inbox)
    ahead, reader = watched(storage)
    for uid in range(1, 9):
        assert rows(ahead, inbox, [uid]) == [(uid, b"%d" % uid + b"x" * (OCTETS // 4))]
    assert reader.asked == [[1], [2, 3, 4], [5, 6, 7], [8]]


async def test_other_columns_and_many_messages_are_read_as_asked(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"a: b\r\n\r\none", b"a: b\r\n\r\ntwo", b"a: b\r\n\r\nthree")
    storage.view(inbox)
    ahead, reader = watched(storage)
    assert rows(ahead, inbox, [1, 2]) == [(1, b"a: b\r\n\r\none"), (2, b"a: b\r\n\r\ntwo")]
    assert [rows(ahead, inbox, [uid], (Column.TEXT,)) for uid in (1, 2)] == [[(1, b"one")], [(2, b"two")]]
    assert reader.asked == [[1, 2], [1], [2]]


async def test_a_message_that_has_gone_meanwhile_is_not_given(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"one", b"two", b"three", b"four")
    other = await storage.create(await storage.account("alice@alpha.test"), "other")
    await put(other, b"elsewhere")
    storage.view(inbox)
    storage.view(other)
    ahead, reader = watched(storage)
    for uid in (1, 2):
        rows(ahead, inbox, [uid])
    await storage.expunge(inbox, [3], only_deleted=False)
    assert rows(ahead, inbox, [3]) == []
    assert rows(ahead, inbox, [4]) == [(4, b"four")]
    assert rows(ahead, other, [1]) == [(1, b"elsewhere")]
    assert rows(ahead, inbox, [1]) == [(1, b"one")]
    assert reader.asked == [[1], [2, 3, 4], [3], [1], [1]]


async def test_a_message_behind_that_cannot_be_read_does_no_harm(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"one", b"two", b"three", b"four")
    storage.view(inbox)
    ahead, reader = watched(storage)
    reader.damaged = {4}
    for uid, content in ((1, b"one"), (2, b"two"), (3, b"three")):
        assert rows(ahead, inbox, [uid]) == [(uid, content)]
    with pytest.raises(StorageCorrupt):
        rows(ahead, inbox, [4])
