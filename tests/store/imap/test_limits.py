"""Which messages a command treats where there are too many (RFC 9738)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad_store.imap.limits import newest
from postroad_store.imap.registry import Registry
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import NO_FLAGS
from postroad_store.mail.search.keys import Or
from postroad_store.mail.search.uids import UidAfter, UidBefore
from postroad_store.mail.storage import Storage
from tests.harness.imap import Place, Wire


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


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["a", "b", "ab", "c"]), min_size=1, max_size=12),
    st.integers(1, 5),
    st.sampled_from(["ALL", "SUBJECT a", "NOT SUBJECT a", "OR SUBJECT b SUBJECT c", "UID 2:9 SUBJECT a", "3:*"]),
)
def test_page_by_page_a_client_finds_all(subjects: list[str], limit: int, keys: str) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_page(Path(folder), subjects, limit, keys))


async def _page(folder: Path, subjects: list[str], limit: int, keys: str) -> None:
    registry = Registry(asked=["MESSAGELIMIT", "SAVELIMIT"])
    place = Place(folder, registry=registry, message_limit=limit)
    account = await place.storage.account("alice@alpha.test")
    contents = [f"Subject: {subject}\r\n\r\n".encode() for subject in subjects]
    await place.storage.append([Arrival((account.inbox,), content, 0, NO_FLAGS) for content in contents])
    wire = Wire(place)
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("s SELECT INBOX")
    place.shared.message_limit = 100
    everything = _uids(await wire.say(f"a UID SEARCH {keys}"))
    place.shared.message_limit = limit
    paged: set[int] = set()
    below = ""
    for _ in subjects:
        answer = await wire.say(f"b UID SEARCH {keys}{below}")
        page = _uids(answer)
        assert len(page) <= limit
        assert not paged & page
        paged |= page
        stopped = re.search(r"\[MESSAGELIMIT \d+ (\d+)\]", answer)
        if stopped is None:
            break
        below = f" UIDBEFORE {int(stopped[1])}"
    assert paged == everything
    wire.end()
    place.close()


def _uids(answer: str) -> set[int]:
    listed = re.search(r"\* SEARCH([ \d]*)", answer)
    assert listed is not None
    return set(map(int, listed[1].split()))


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
