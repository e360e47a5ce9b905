"""Which messages a command treats where there are too many (RFC 9738)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from postroad_store.imap.limits import newest
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.search.keys import Or
from postroad_store.mail.search.uids import UidAfter, UidBefore
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from pathlib import Path


class Uids:
    """A view with this many messages, whose UIDs are even numbers."""

    def __init__(self, count: int) -> None:
        self.uids = [2 * number for number in range(1, count + 1)]


@given(st.sets(st.integers(1, 30)), st.one_of(st.none(), st.integers(1, 40)))
def test_the_highest_numbers_are_kept(numbers: set[int], limit: int | None) -> None:
    spans = [range(number, number + 1) for number in sorted(numbers)]
    kept, lowest = newest(Uids(30), spans, limit)  # type: ignore[arg-type]
    wanted = sorted(numbers)[-limit:] if limit is not None else sorted(numbers)
    assert [number for span in kept for number in span] == wanted
    assert lowest == (2 * wanted[0] if len(wanted) < len(numbers) else None)


def test_a_long_span_is_cut() -> None:
    assert newest(Uids(9), [range(1, 3), range(4, 10)], 4) == ([range(6, 10)], 12)  # type: ignore[arg-type]
    assert newest(Uids(9), [range(1, 3), range(4, 10)], 7) == ([range(2, 3), range(4, 10)], 4)  # type: ignore[arg-type]
    assert newest(Uids(9), [range(1, 3), range(4, 10)], 8) == ([range(1, 3), range(4, 10)], None)  # type: ignore[arg-type]


async def test_uids_above_and_below(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    account = await storage.account("alice@alpha.test")
    await storage.append([Arrival((account.inbox,), b"A: b\r\n\r\n", 0, NO_FLAGS) for _ in range(5)])
    await storage.expunge(account.inbox, [3], only_deleted=False)
    view = storage.view(account.inbox)
    search = storage.finder.search
    assert list(await search(view, UidAfter(2))) == [3, 4]
    assert list(await search(view, UidAfter(3))) == [3, 4]
    assert list(await search(view, UidAfter(5))) == []
    assert list(await search(view, UidAfter(9))) == []
    assert list(await search(view, UidBefore(3))) == [1, 2]
    assert list(await search(view, UidBefore(1))) == []
    assert list(await search(view, UidBefore(9))) == [1, 2, 3, 4]
    assert list(await search(view, Or(UidBefore(2), UidAfter(4)))) == [1, 4]
    storage.close()
