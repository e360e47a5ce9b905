"""Messages that arrive at once are written in few statements, as each would be by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad_store.mail import writer
from postroad_store.mail.database.commits.append import Append, write_together
from postroad_store.mail.database.packs import BITS
from postroad_store.mail.incoming import incoming
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import NoSuchMailbox, StorageFull
from postroad_store.mail.model.flags import DELETED, NO_FLAGS, SEEN, FlagSet
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from sqlite3 import Connection

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox

CONTENTS = (
    b"Message-ID: <a@x>\r\nDate: Fri, 27 Nov 2026 09:25:01 +0000\r\nFrom: <b@x>\r\n\r\nfirst\r\n",
    b"Message-ID: <b@x>\r\nReferences: <a@x>\r\n\r\nan answer\r\n",
    b"Message-ID: <a@x>\r\n\r\na copy\r\n",
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9 has a text of its own\r\n",
    b"",
    b"no header section",
)
FLAGS = (NO_FLAGS, FlagSet(SEEN), FlagSet(DELETED), FlagSet(SEEN | DELETED))


async def appends(storage: Storage) -> list[Append]:
    """For mailboxes of two accounts, one of which is about to fill a block, and for one that has gone."""
    alice, bob = await storage.account("alice@alpha.test"), await storage.account("bob@beta.test")
    gone = await storage.create(alice, "Gone")
    await storage.delete(alice, "Gone")
    storage._writer._db.execute("UPDATE mailboxes SET uid_next = ? WHERE id = ?", ((1 << BITS) - 3, bob.inbox.id))
    boxes = (alice.inbox, bob.inbox, gone, bob.inbox)
    return [
        Append([incoming(Arrival((boxes[at % 4],), CONTENTS[at % 5], at - 2, FLAGS[at % 3]))], 1000 + at, None)
        for at in range(30)
    ]


def updates(statements: list[str]) -> int:
    """How many statements have written a mailbox's counters; SQLite tells of one once more for its trigger."""
    return len({line for line in statements if line.startswith("UPDATE mailboxes SET uid_next")})


def dump(storage: Storage) -> list[str]:
    return list(storage._writer._db.iterdump())


async def test_the_database_is_the_same(tmp_path: Path) -> None:
    stores = [Storage(tmp_path / name, clock=Clock(wall=lambda: 1000.0)) for name in ("alone", "together")]
    try:
        alone, together = [await appends(storage) for storage in stores]
        db, other_db = [storage._writer._db for storage in stores]
        before = dump(stores[0])
        assert before == dump(stores[1])
        written: list[object] = []
        for append in alone:
            db.execute("SAVEPOINT work")
            try:
                written += [(each.uid_validity, each.modseq, each.counts, each.entry) for each in append.write(db)]
            except NoSuchMailbox as error:
                db.execute("ROLLBACK TO work")
                written.append(str(error))
            db.execute("RELEASE work")
        outcomes: list[object] = []
        for start in range(0, len(together), 7):
            for outcome in write_together(other_db, together[start : start + 7]):
                if isinstance(outcome, NoSuchMailbox):
                    outcomes.append(str(outcome))
                else:
                    outcomes += [(each.uid_validity, each.modseq, each.counts, each.entry) for each in outcome]
        assert outcomes == written
        assert len(outcomes) == len(alone)
        assert dump(stores[0]) == dump(stores[1]) != before
        assert db.execute("SELECT count(*) FROM packs").fetchone() == (1,)
    finally:
        for storage in stores:
            storage.close()


async def test_all_may_be_for_a_mailbox_that_has_gone(storage: Storage) -> None:
    everything = await appends(storage)
    before = dump(storage)
    outcomes = write_together(storage._writer._db, everything[2::4])
    assert [type(outcome) for outcome in outcomes] == [NoSuchMailbox] * 7
    assert dump(storage) == before


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (5, 1), (writer.TOGETHER, 1), (2 * writer.TOGETHER + 2, 3)])
async def test_those_of_one_batch_share_the_mailbox_s_row(
    storage: Storage, inbox: Mailbox, count: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BRIEF", 60.0)  # however slow the machine is
    storage.quotas.limits = lambda: False
    statements: list[str] = []
    storage._writer._db.set_trace_callback(statements.append)
    stored = await asyncio.gather(
        *[storage.append([Arrival((inbox,), b"number %d" % number, 0, NO_FLAGS)]) for number in range(count)]
    )
    assert [each.uid for (each,) in stored] == list(range(1, count + 1))
    assert updates(statements) == rows
    assert [storage.content(inbox, uid) for uid in range(1, count + 1)] == [b"number %d" % n for n in range(count)]
    assert inbox.status().messages == count


async def numbered(storage: Storage, inbox: Mailbox, count: int) -> list[object]:
    """Append messages in one turn of the loop; return the UID or the error of each."""
    storage.quotas.limits = lambda: False
    texts = [b"number %d" % number for number in range(count)]
    works = [storage.append([Arrival((inbox,), text, 0, NO_FLAGS)]) for text in texts]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    return [outcome if isinstance(outcome, BaseException) else outcome[0].uid for outcome in outcomes]


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (5, 1), (writer.MOST_TOGETHER, 1), (writer.MOST_TOGETHER + 2, 2)])
async def test_so_do_those_that_are_left_to_the_thread(
    storage: Storage, inbox: Mailbox, count: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BRIEF", -1.0)
    statements: list[str] = []
    storage._writer._db.set_trace_callback(statements.append)
    assert await numbered(storage, inbox, count) == list(range(1, count + 1))
    assert updates(statements) == rows
    assert [storage.content(inbox, uid) for uid in range(1, count + 1)] == [b"number %d" % n for n in range(count)]


async def test_what_cannot_be_written_together_is_written_one_by_one(
    storage: Storage, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(db: Connection, appends: Sequence[Append]) -> list[object]:
        appends[0].write(db)
        raise ValueError

    monkeypatch.setattr(writer, "BRIEF", -1.0)
    monkeypatch.setattr(writer, "write_together", broken)
    assert await numbered(storage, inbox, 5) == [1, 2, 3, 4, 5]
    assert inbox.status().messages == 5


async def test_those_for_which_there_is_room_are_stored_without_the_others(
    storage: Storage, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = Append([incoming(Arrival((inbox,), b"number 0", 0, NO_FLAGS))], 0, None).octets
    monkeypatch.setattr(storage._writer._checkpointer, "room", lambda _: 3 * octets)
    first, second, third, *others = await numbered(storage, inbox, 5)
    assert [first, second, third] == [1, 2, 3]
    assert [type(other) for other in others] == [StorageFull, StorageFull]
    assert await numbered(storage, inbox, 3) == [4, 5, 6]


async def test_a_mailbox_that_goes_takes_no_message_of_another_along(storage: Storage, account: Account) -> None:
    storage.quotas.limits = lambda: False
    gone = await storage.create(account, "Gone")
    boxes = (account.inbox, gone, account.inbox)
    deleted = storage.delete(account, "Gone")
    arrivals = [storage.append([Arrival((box,), b"text", 0, NO_FLAGS)]) for box in boxes]
    await deleted
    first, lost, last = await asyncio.gather(*arrivals, return_exceptions=True)
    assert isinstance(lost, NoSuchMailbox)
    assert isinstance(first, list)
    assert isinstance(last, list)
    assert [each.uid for each in (*first, *last)] == [1, 2]


async def test_quotas_and_keywords_are_met_one_by_one(storage: Storage, inbox: Mailbox) -> None:
    storage.quotas.limits = lambda: False
    keyword = FlagSet(0, ("work",))
    batch = [Arrival((inbox,), b"a", 0, NO_FLAGS), Arrival((inbox,), b"b", 0, keyword)] * 2
    await asyncio.gather(*[storage.append([arrival]) for arrival in batch])
    storage.view(inbox)
    assert [inbox.flag_names(flags) for flags in inbox.flags] == ["", "work", "", "work"]
    storage.quotas.limits = lambda: True
    statements: list[str] = []
    storage._writer._db.set_trace_callback(statements.append)
    await asyncio.gather(*[storage.append([arrival]) for arrival in batch[::2]])
    assert updates(statements) == 2
