from __future__ import annotations

import asyncio
import gc
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.mime.part import Kind
from postroad_store.mail import accounts as accounts_module
from postroad_store.mail import loader as loader_module
from postroad_store.mail.collector import LATER
from postroad_store.mail.database.commits import keywords
from postroad_store.mail.database.commits.housekeeping import Collect, Shrink
from postroad_store.mail.database.connection import FILE, PAGE
from postroad_store.mail.database.schema import PIECE
from postroad_store.mail.model import account as account_module
from postroad_store.mail.model.arrival import Arrival, Copied
from postroad_store.mail.model.errors import (
    LimitReached,
    MailError,
    MessagesExpunged,
    NoSuchMailbox,
    StorageCorrupt,
    StorageError,
    StorageFull,
)
from postroad_store.mail.model.flags import (
    ANSWERED,
    DELETED,
    FIRST_KEYWORD,
    FLAGGED,
    NO_FLAGS,
    SEEN,
    Change,
    FlagSet,
)
from postroad_store.mail.model.mailbox import Status
from postroad_store.mail.model.message import UID, Column
from postroad_store.mail.model.view import Changes
from postroad_store.mail.storage import Storage
from tests.store.mail.model.test_mailbox import numbered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox
    from tests.store.mail.conftest import Put

MAIL = b"Subject: %d\r\n\r\nbody %d\r\n"


def mails(count: int) -> list[bytes]:
    return [MAIL % (number, number) for number in range(1, count + 1)]


def copied(uid_validity: int, source: tuple[int, ...], target: tuple[int, ...]) -> Copied:
    return Copied(uid_validity, tuple(map(UID, source)), tuple(map(UID, target)))


def rows(storage: Storage, table: str) -> int:
    (count,) = storage._reader._db.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert isinstance(count, int)
    return count


async def settled(storage: Storage) -> None:
    """Wait until nothing is handed over and no garbage is being removed."""
    while storage._collector._at_work:
        await storage.subscribe(await storage.account("bystander@alpha.test"), "x")


async def test_a_new_account_has_its_mailboxes(storage: Storage) -> None:
    account = await storage.account("alice@alpha.test")
    assert {name: mailbox.special_use for name, mailbox in account.mailboxes.items()} == {
        "INBOX": None,
        **account_module.SPECIAL_USE,
    }
    assert account.subscriptions == set(account.mailboxes)
    assert len({mailbox.uid_validity for mailbox in account.mailboxes.values()}) == 6
    assert await storage.account("alice@alpha.test") is account
    fresh, again = await asyncio.gather(storage.account("new@alpha.test"), storage.account("new@alpha.test"))
    assert fresh is again


async def test_append_tells_where(storage: Storage, inbox: Mailbox) -> None:
    first, second = await storage.append([Arrival((inbox,), content, 5, NO_FLAGS) for content in mails(2)])
    assert (first.mailbox, first.uid_validity, first.uid, second.uid) == (inbox, inbox.uid_validity, 1, 2)
    assert list(storage.fetch(inbox, [1, 2, 3], [Column.TEXT, Column.HEADER, Column.CONTENT])) == [
        (1, (b"body 1\r\n", b"Subject: 1\r\n\r\n", mails(1)[0])),
        (2, (b"body 2\r\n", b"Subject: 2\r\n\r\n", mails(2)[1])),
    ]


async def test_one_content_for_many_recipients(storage: Storage) -> None:
    boxes = [(await storage.account(f"{name}@alpha.test")).inbox for name in ("a", "b", "c")]
    stored = await storage.append([Arrival(tuple(boxes), mails(1)[0], 0, FlagSet(SEEN, ("work",)))])
    assert [copy.mailbox for copy in stored] == boxes
    assert rows(storage, "contents") == 1
    for box in boxes:
        view = storage.view(box)
        assert list(box.flags) == [SEEN | 1 << FIRST_KEYWORD]
        assert box.flag_names(box.flags[0]) == "\\Seen work"
        view.close()
    await storage.expunge(boxes[0], [1], only_deleted=False)
    await settled(storage)
    assert rows(storage, "contents") == 1
    for box in boxes[1:]:
        await storage.expunge(box, [1], only_deleted=False)
    await settled(storage)
    assert [rows(storage, table) for table in ("contents", "octets", "entries", "garbage")] == [0, 0, 0, 0]


async def test_append_is_all_or_nothing(storage: Storage, account: Account, put: Put) -> None:
    gone = await storage.create(account, "gone")
    await storage.delete(account, "gone")
    with pytest.raises(NoSuchMailbox):
        await storage.append([Arrival((account.inbox,), b"a", 0, NO_FLAGS), Arrival((gone,), b"b", 0, NO_FLAGS)])
    assert storage.status(account.inbox).messages == 0
    assert rows(storage, "contents") == 0
    await put(account.inbox, b"c")
    assert storage.status(account.inbox).uid_next == 2  # the refused one has used no UID


async def test_calls_commit_in_order_and_need_not_be_waited_for(storage: Storage, inbox: Mailbox) -> None:
    view = storage.view(inbox)
    append = storage.append([Arrival((inbox,), b"a", 0, NO_FLAGS)])
    store = storage.store(inbox, [1], Change.ADD, FlagSet(SEEN))  # UID 1 is not in memory yet: nothing to change
    cancelled = asyncio.ensure_future(storage.append([Arrival((inbox,), b"b", 0, NO_FLAGS)]))
    cancelled.cancel()
    await append
    await store
    await storage.store(inbox, [1, 2], Change.ADD, FlagSet(DELETED))
    assert view.take(expunges=True).exists == 2  # a cancelled wait is no undone work
    assert list(inbox.flags) == [DELETED, DELETED]


async def test_large_messages_are_parsed_apart_and_kept_in_pieces(storage: Storage, inbox: Mailbox) -> None:
    body = bytes(range(1, 256)) * (3 * PIECE // 255)
    content = b"Subject: large\r\n\r\n" + body
    (stored,) = await storage.append([Arrival((inbox,), content, 0, NO_FLAGS)])
    assert stored.uid == 1
    assert rows(storage, "octets") == 3
    assert list(storage.fetch(inbox, [1], [Column.TEXT, Column.CONTENT])) == [(1, (body, content))]
    await storage.append([Arrival((inbox,), b"small", 0, NO_FLAGS)])
    storage.view(inbox)
    there, read = storage.columns(inbox, [1, 2], [Column.CONTENT, Column.TEXT])
    assert (list(there), list(read)) == ([1, 2], [(content, b"small"), (body, b"")])
    for start, end in [
        (0, 5),
        (0, None),
        (5, 30),
        (PIECE, PIECE + 40),
        (2 * PIECE + 7, None),
        (17, 19),
        (18, 18 + PIECE),
    ]:
        assert storage.content(inbox, 1, start, end) == content[start:end]
    assert storage.content(inbox, 1, len(content)) == b""
    assert storage.content(inbox, 1, 9, 5) == b""
    assert storage.content(inbox, 1, 0, 10**9) == content
    assert storage.content(inbox, 3) is None


async def test_a_large_message_that_goes_while_it_is_read(storage: Storage, inbox: Mailbox) -> None:
    assert storage._reader._whole(inbox, (1, b"x" * PIECE), [1]) is None


async def test_columns(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(4))
    storage.view(inbox)
    heads = [b"Subject: %d\r\n\r\n" % number for number in range(1, 5)]

    def read(*uids: int) -> tuple[list[int], list[tuple[bytes, ...]]]:
        there, columns = storage.columns(inbox, uids, [Column.HEADER, Column.TEXT])
        return list(there), [tuple(column) for column in columns]

    bodies = [b"body %d\r\n" % number for number in range(1, 5)]
    assert read(1, 2, 3) == ([1, 2, 3], [tuple(heads[:3]), tuple(bodies[:3])])
    assert read(1, 3, 9) == ([1, 3], [(heads[0], heads[2]), (bodies[0], bodies[2])])
    await storage.expunge(inbox, [2], only_deleted=False)
    assert read(1, 2, 3) == ([1, 3], [(heads[0], heads[2]), (bodies[0], bodies[2])])
    assert read(1, 3, 4) == ([1, 3, 4], [(heads[0], *heads[2:]), (bodies[0], *bodies[2:])])
    assert read(2)[0] == []


async def test_parts(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--", b"plain")
    mixed = storage.opened.open(inbox, 1)
    assert mixed is not None
    assert mixed.root.kind is Kind.MULTIPART
    part = mixed.root.find((1,))
    assert part is not None
    assert storage.content(inbox, 1, part.body, part.end) == b"x"
    plain = storage.opened.open(inbox, 2)
    assert plain is not None
    assert (plain.root.kind, plain.root.body, plain.root.end) == (Kind.LEAF, 5, 5)
    assert storage.opened.open(inbox, 3) is None


async def test_fetch_of_scattered_uids(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(40))
    view = storage.view(inbox)
    await storage.expunge(inbox, [3, 4], only_deleted=False)
    for wanted in ([1, 2, 3, 4, 5], [1, 3, 5, 7], [1, 40], list(range(1, 41)), [50], []):
        expected = [uid for uid in wanted if uid not in {3, 4, 50}]
        assert [uid for uid, _ in storage.fetch(inbox, wanted, [Column.CONTENT])] == expected
        assert [uid for uid, _ in storage.fetch(inbox, wanted, [Column.ENVELOPE])] == expected
    view.close()


async def test_fetch_in_blocks(storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.mail.database.reader.BLOCK", 100)
    monkeypatch.setattr("postroad_store.mail.database.reader.BLOCK_ROWS", 3)
    await put(inbox, *mails(20))
    for loaded in (False, True):
        if loaded:
            storage.view(inbox)
        for item in Column:
            assert [uid for uid, _ in storage.fetch(inbox, range(1, 21), [item])] == list(range(1, 21))


@pytest.mark.parametrize(
    ("change", "system", "expected"),
    [
        (Change.ADD, SEEN | FLAGGED, [SEEN | FLAGGED, SEEN | FLAGGED, SEEN | ANSWERED | FLAGGED]),
        (Change.REMOVE, SEEN | FLAGGED, [0, 0, ANSWERED]),
        (Change.REPLACE, FLAGGED, [FLAGGED, FLAGGED, FLAGGED]),
    ],
)
async def test_store(
    storage: Storage, inbox: Mailbox, put: Put, *, change: Change, system: int, expected: list[int]
) -> None:
    await put(inbox, b"a")
    await put(inbox, b"b", flags=FlagSet(SEEN))
    await put(inbox, b"c", flags=FlagSet(SEEN | ANSWERED))
    mine, other = storage.view(inbox), storage.view(inbox)
    before = inbox.flags[:]
    await storage.store(inbox, [1, 2, 3, 9], change, FlagSet(system), view=mine)
    assert list(inbox.flags) == expected
    assert inbox.counts.unseen == sum(not flags & SEEN for flags in expected)
    assert mine.take(expunges=True) == Changes()
    changed = tuple((uid, uid) for uid in (1, 2, 3) if before[uid - 1] != expected[uid - 1])
    assert other.take(expunges=True).flags == changed
    inbox.unload()
    inbox.load(storage._reader.contents(inbox))
    assert list(inbox.flags) == expected


async def test_keywords(storage: Storage, account: Account, put: Put) -> None:
    inbox = account.inbox
    await put(inbox, *mails(2))
    mine, other = storage.view(inbox), storage.view(inbox)
    await storage.store(inbox, [1], Change.ADD, FlagSet(0, ("$Junk", "Work")), view=mine)
    await storage.store(inbox, [2], Change.REPLACE, FlagSet(SEEN, ("WORK",)))
    await storage.store(inbox, [1], Change.REMOVE, FlagSet(0, ("$junk", "unknown")))
    assert inbox.keywords == ["$Junk", "Work"]
    assert [inbox.flag_names(flags) for flags in inbox.flags] == ["Work", "\\Seen Work"]
    assert inbox.keyword_bit("work") == 1 << FIRST_KEYWORD + 1
    assert inbox.keyword_bit("unknown") == 0
    assert mine.take(expunges=True).keywords
    assert other.take(expunges=True).keywords
    assert not other.take(expunges=True).keywords

    # Keywords have other numbers elsewhere.
    archive = account.selectable("Archive")
    await storage.store(archive, [], Change.ADD, FlagSet(0, ("Other",)))
    view = storage.view(archive)
    await storage.copy(inbox, [1, 2], archive)
    assert archive.keywords == ["Other", "Work"]
    assert [archive.flag_names(flags) for flags in archive.flags] == ["Work", "\\Seen Work"]
    view.close()


async def test_a_bound_of_keywords_refuses_no_mail(
    storage: Storage, account: Account, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keywords, "MAX_KEYWORDS", 100)
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, b"a")
    view = storage.view(inbox)
    many = tuple(f"k{number}" for number in range(100))
    await storage.store(inbox, [1], Change.ADD, FlagSet(0, many))
    with pytest.raises(LimitReached):
        await storage.store(inbox, [1], Change.ADD, FlagSet(SEEN, ("one-more",)))
    assert list(inbox.flags) == [(1 << 100) - 1 << FIRST_KEYWORD]
    await put(inbox, b"b", flags=FlagSet(FLAGGED, ("one-more", "k7")))  # the mail is worth more than its flag
    assert inbox.flag_names(inbox.flags[1]) == "\\Flagged k7"
    assert inbox.keywords == list(many)
    await put(archive, b"c", flags=FlagSet(0, ("other",)))
    await storage.copy(inbox, [1], archive, move=True)
    storage.view(archive)
    assert archive.keywords == ["other", *many[:99]]
    assert [len(archive.flag_names(flags).split()) for flags in archive.flags] == [1, 99]
    view.close()


async def test_flag_names_are_cached_within_bounds(storage: Storage, inbox: Mailbox) -> None:
    storage.view(inbox)
    for flags in range(1100):
        inbox.flag_names(flags << FIRST_KEYWORD)
    assert len(inbox._flag_names) <= 1001


async def test_expunge(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(5))
    view = storage.view(inbox)
    await storage.store(inbox, [1, 3, 5], Change.ADD, FlagSet(DELETED))
    assert await storage.expunge(inbox, [1, 2]) == [1]
    assert await storage.expunge(inbox) == [3, 5]
    assert await storage.expunge(inbox) == []
    assert list(inbox.uids) == [2, 4]
    assert list(view.uids) == [1, 2, 3, 4, 5]
    assert storage.status(inbox) == Status(2, 0, 6, inbox.uid_validity, 2, 0, 44, inbox.modseq)
    assert view.take(expunges=True).expunged == numbered(5, 3, 1)
    assert await storage.expunge(inbox, [2], only_deleted=False) == [2]


async def test_what_is_marked_on_disk_alone_is_expunged_too(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(9))
    storage.view(inbox)
    await storage.store(inbox, [2, 5, 7], Change.ADD, FlagSet(DELETED))
    unmarked = storage.store(inbox, [5], Change.REMOVE, FlagSet(DELETED))
    marked = storage.store(inbox, [3, 9], Change.ADD, FlagSet(DELETED))
    some = storage.expunge(inbox, [1, 2, 3, 4, 5])
    rest = storage.expunge(inbox)
    none = storage.expunge(inbox)
    await unmarked
    await marked
    assert [await some, await rest, await none] == [[2, 3], [7, 9], []]
    assert list(inbox.uids) == [1, 4, 5, 6, 8]
    assert storage.status(inbox).deleted == 0


async def test_many_are_expunged_at_once(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(300))
    await put(inbox, *mails(2), flags=FlagSet(SEEN))
    view = storage.view(inbox)
    await storage.expunge(inbox, range(101, 301), only_deleted=False)
    assert list(inbox.uids) == [*range(1, 101), 301, 302]
    assert (len(inbox.flags), len(inbox.sizes), len(inbox.internal_dates), inbox.counts.unseen) == (102, 102, 102, 100)
    assert view.take(expunges=True).expunged == numbered(*range(300, 100, -1))
    assert view.uids == inbox.uids
    await settled(storage)
    assert rows(storage, "contents") == 102


async def test_uids_are_never_used_again(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(3))
    await storage.expunge(inbox, [1, 2, 3], only_deleted=False)
    await put(inbox, b"next")
    storage.view(inbox)
    assert list(inbox.uids) == [4]


async def test_copy(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, *mails(3), flags=FlagSet(FLAGGED), date=77)
    assert await storage.copy(inbox, [1, 3, 8], archive) == copied(archive.uid_validity, (1, 3), (1, 2))
    assert await storage.copy(inbox, [8], archive) == copied(archive.uid_validity, (), ())
    assert await storage.copy(inbox, [], archive) == copied(archive.uid_validity, (), ())
    view = storage.view(archive)
    assert (list(archive.flags), list(archive.internal_dates), set(view.recent)) == ([FLAGGED] * 2, [77, 77], {1, 2})
    assert rows(storage, "contents") == 3
    assert await storage.copy(archive, [1], archive) == copied(archive.uid_validity, (1,), (3,))
    assert [values for _, values in storage.fetch(archive, [1, 2, 3], [Column.CONTENT])] == [
        (mails(3)[0],),
        (mails(3)[2],),
        (mails(3)[0],),
    ]


async def test_copying_all_or_none(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, *mails(3))
    for move in (False, True):
        with pytest.raises(MessagesExpunged):
            await storage.copy(inbox, [1, 8], archive, whole=True, move=move)
    expunged = storage.expunge(inbox, [1], only_deleted=False)
    late = storage.copy(inbox, [1, 2], archive, whole=True)  # the memory has them all still
    assert await expunged == [1]
    with pytest.raises(MessagesExpunged):
        await late
    assert storage.status(archive).messages == 0
    assert await storage.copy(inbox, [2, 3], archive, whole=True, move=True) == copied(
        archive.uid_validity, (2, 3), (1, 2)
    )


async def test_move(storage: Storage, account: Account, put: Put) -> None:
    inbox, archive = account.inbox, account.selectable("Archive")
    await put(inbox, *mails(3))
    there, here = storage.view(archive), storage.view(inbox)
    assert await storage.copy(inbox, [1, 2], archive, move=True) == copied(archive.uid_validity, (1, 2), (1, 2))
    assert here.take(expunges=True).expunged == numbered(2, 1)
    assert there.take(expunges=True).exists == 2
    await settled(storage)
    assert rows(storage, "contents") == 3
    assert await storage.copy(inbox, [3], inbox, move=True) == copied(inbox.uid_validity, (3,), (4,))
    assert list(inbox.uids) == [4]
    gone = await storage.create(account, "gone")
    await storage.delete(account, "gone")
    with pytest.raises(NoSuchMailbox):
        await storage.copy(inbox, [4], gone, move=True)
    assert list(inbox.uids) == [4]


async def test_status_of_a_mailbox_in_memory_or_not(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(2))
    await put(inbox, b"c", flags=FlagSet(SEEN))
    expected = Status(3, 3, 4, inbox.uid_validity, 2, 0, 45, inbox.modseq)
    assert storage.status(inbox) == expected
    assert not inbox.loaded
    view = storage.view(inbox, read_only=True)
    assert storage.status(inbox) == expected
    view.close()
    claimed = storage.view(inbox)
    assert storage.status(inbox) == replace(expected, recent=0)
    claimed.close()


async def test_recent_belongs_to_the_first_session(storage: Storage, inbox: Mailbox, put: Put, tmp_path: Path) -> None:
    await put(inbox, *mails(2))
    assert set(storage.view(inbox, read_only=True).recent) == {1, 2}
    assert set(storage.view(inbox, claim_recent=False).recent) == {1, 2}
    first, second = storage.view(inbox), storage.view(inbox)
    assert (set(first.recent), set(second.recent)) == ({1, 2}, set())
    await put(inbox, b"c")
    assert second.take(expunges=True).recent == 1
    assert first.take(expunges=True) == Changes(exists=3)
    await storage.expunge(inbox, [3], only_deleted=False)
    assert second.take(expunges=True).recent == 0
    storage.close()
    again = Storage(tmp_path / "mail")
    assert not again.view((await again.account("alice@alpha.test")).inbox).recent
    again.close()


async def test_everything_is_there_after_a_restart(
    storage: Storage, account: Account, put: Put, tmp_path: Path
) -> None:
    await put(account.inbox, *mails(3), flags=FlagSet(FLAGGED, ("work",)))
    await storage.create(account, "a/b")
    await storage.subscribe(account, "nowhere")
    validities = {name: mailbox.uid_validity for name, mailbox in account.mailboxes.items()}
    storage.close()
    storage.close()
    again = Storage(tmp_path / "mail", clock=Clock(wall=lambda: 0.0))
    account = await again.account("alice@alpha.test")
    assert {name: mailbox.uid_validity for name, mailbox in account.mailboxes.items()} == validities
    assert "nowhere" in account.subscriptions
    view = again.view(account.inbox)
    assert (list(view.uids), account.inbox.keywords) == ([1, 2, 3], ["work"])
    mailbox = await again.create(account, "new")
    assert mailbox.uid_validity > max(validities.values())  # though the clock has fallen back
    again.close()


async def test_the_id_of_a_removed_content_never_comes_back(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, *mails(2))
    await storage.expunge(inbox, only_deleted=False)
    await settled(storage)
    assert rows(storage, "contents") == 0
    await put(inbox, *mails(1))
    assert storage._reader.rows("SELECT id FROM contents", ()) == [(3,)]


async def test_the_file_shrinks_when_much_is_removed(storage: Storage, account: Account, put: Put) -> None:
    await put(account.inbox, *[b"Subject: x\r\n\r\n" + bytes([65 + at]) * (4 << 20) for at in range(10)])
    ((before,),) = storage._reader.rows("PRAGMA page_count", ())
    await storage.expunge(account.inbox, only_deleted=False)
    await settled(storage)
    while storage._reader.rows("PRAGMA freelist_count", ())[0][0] > Shrink.KEPT:
        await storage.subscribe(account, "x")  # one commit after the other, until those of the collector are through
    assert storage._reader.rows("PRAGMA page_count", ())[0][0] < before - Shrink.KEPT


async def test_garbage_of_a_killed_process_is_removed(
    storage: Storage, inbox: Mailbox, put: Put, tmp_path: Path
) -> None:
    await put(inbox, *mails(2 * Collect.LIMIT + 1))
    storage.close()
    with sqlite3.connect(tmp_path / "mail" / FILE) as db:
        db.execute("INSERT INTO garbage SELECT content FROM entries")
        db.execute("DELETE FROM entries WHERE uid > 1")
    db.close()
    again = Storage(tmp_path / "mail")
    await again.account("alice@alpha.test")
    await settled(again)
    assert (rows(again, "contents"), rows(again, "garbage")) == (1, 0)
    again.close()


async def test_large_garbage_is_removed_in_small_steps(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Collect, "OCTETS", 100)
    await put(inbox, *mails(30))
    await storage.expunge(inbox, range(1, 31), only_deleted=False)
    await storage._submit(Collect(lambda: None))
    assert 0 < rows(storage, "contents") < 30
    await settled(storage)
    assert (rows(storage, "contents"), rows(storage, "garbage")) == (0, 0)


async def test_what_is_being_read_stays_until_later(storage: Storage, inbox: Mailbox, put: Put) -> None:
    """RFC 2180 §4.1.1."""
    await put(inbox, b"a: b\r\n\r\nc", b"d: e\r\n\r\nf")
    opened = storage.opened.open(inbox, 1)
    assert opened is not None
    assert storage.opened.open(inbox, 1) is opened
    await storage.expunge(inbox, [1, 2], only_deleted=False)
    await settled(storage)
    assert (rows(storage, "contents"), rows(storage, "garbage")) == (1, 1)
    assert opened.octets(3, 9) == b"b\r\n\r\nc"
    assert storage.opened.open(inbox, 1) is None
    del opened
    assert storage._collector._later is not None
    due = asyncio.Event()
    storage._clock.call_later(LATER, due.set)
    storage._clock.push(LATER)
    await due.wait()
    await settled(storage)
    assert (rows(storage, "contents"), rows(storage, "garbage")) == (0, 0)


async def test_nothing_is_looked_at_later_once_the_storage_is_closed(
    storage: Storage, inbox: Mailbox, put: Put
) -> None:
    await put(inbox, b"a: b\r\n\r\nc")
    opened = storage.opened.open(inbox, 1)
    await storage.expunge(inbox, [1], only_deleted=False)
    await settled(storage)
    assert opened is not None
    storage.close()
    due = asyncio.Event()
    storage._clock.call_later(LATER, due.set)
    storage._clock.push(LATER)
    await due.wait()
    assert storage._collector._later is not None, "it has not rung"


async def test_a_full_disk_refuses_and_leaves_nothing(storage: Storage, inbox: Mailbox, put: Put) -> None:
    await put(inbox, b"small")
    (pages,) = storage._writer._db.execute("PRAGMA page_count").fetchone()
    storage._writer._db.execute(f"PRAGMA max_page_count = {pages + 20}")
    view = storage.view(inbox)
    with pytest.raises(StorageFull):
        await storage.append([Arrival((inbox,), b"\r\n" + b"x" * 200_000, 0, NO_FLAGS)])
    small = storage.append([Arrival((inbox,), b"also small", 0, NO_FLAGS)])
    large = storage.append([Arrival((inbox,), b"\r\n" + b"x" * 200_000, 0, NO_FLAGS)])
    last = storage.append([Arrival((inbox,), b"small again", 0, NO_FLAGS)])
    await small
    with pytest.raises(StorageFull) as full:
        await large
    assert full.value.code == "UNAVAILABLE"
    await last
    assert list(inbox.uids) == [1, 2, 3]  # one batch, of which the large one alone was refused
    assert rows(storage, "contents") == 3
    storage._writer._db.execute("PRAGMA max_page_count = 1000000")
    await storage.append([Arrival((inbox,), b"\r\n" + b"x" * 200_000, 0, NO_FLAGS)])
    assert view.take(expunges=True).exists == 4


async def test_a_transaction_that_sqlite_has_rolled_back_itself(storage: Storage, inbox: Mailbox) -> None:
    class Undone(Collect):
        def write(self, db: sqlite3.Connection) -> bool:
            db.execute("ROLLBACK")
            raise sqlite3.OperationalError

    given_up, refused = storage._submit(Undone(lambda: None)), storage._submit(Undone(lambda: None))
    given_up.cancel()
    with pytest.raises(StorageError):
        await refused
    assert len(await storage.append([Arrival((inbox,), b"x", 0, NO_FLAGS)])) == 1


async def test_a_statement_that_fails_undoes_the_work_alone(storage: Storage, inbox: Mailbox) -> None:
    class Wrong(Collect):
        def write(self, db: sqlite3.Connection) -> bool:
            db.execute("DELETE FROM mailboxes")
            db.execute("no statement")
            return False

    wrong = storage._submit(Wrong(lambda: None))
    fine = storage.append([Arrival((inbox,), b"x", 0, NO_FLAGS)])
    with pytest.raises(StorageError):
        await wrong
    assert len(await fine) == 1


async def test_a_mailbox_that_is_deleted_under_a_reader(storage: Storage, account: Account) -> None:
    mailbox = await storage.create(account, "a")
    await storage.delete(account, "a")
    mailbox.load(storage._reader.contents(mailbox))
    assert not mailbox.loaded


async def test_messages_leave_room_for_removals(
    storage: Storage, inbox: Mailbox, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(inbox, b"x")
    rooms = iter([0, 0, 100_000])  # too little, for the event loop and the thread, until the log has been copied back
    monkeypatch.setattr(storage._writer._checkpointer, "room", lambda _: next(rooms, 100_000))
    await put(inbox, b"y")
    assert storage._writer._checkpointer.log_pages() < 30
    fitting, refused = (storage.append([Arrival((inbox,), b"z", 0, NO_FLAGS)]) for _ in range(2))
    await fitting  # in one batch, and there is room for one of them
    with pytest.raises(StorageFull):
        await refused
    monkeypatch.setattr(storage._writer._checkpointer, "room", lambda _: 0)
    with pytest.raises(StorageFull):
        await put(inbox, b"y")
    await storage.store(inbox, [1], Change.ADD, FlagSet(DELETED))
    assert await storage.expunge(inbox) == [1]


async def test_a_bug_in_one_work_is_that_callers_alone(storage: Storage, inbox: Mailbox) -> None:
    class Broken(Collect):
        def write(self, db: sqlite3.Connection) -> bool:
            db.execute("DELETE FROM mailboxes")
            raise ZeroDivisionError

    broken = storage._submit(Broken(lambda: None))
    fine = storage.append([Arrival((inbox,), b"x", 0, NO_FLAGS)])
    with pytest.raises(ZeroDivisionError):
        await broken
    assert len(await fine) == 1


async def test_a_bug_in_showing_is_told_to_the_caller(storage: Storage) -> None:
    class Broken(Collect):
        def show(self, written: bool) -> None:
            raise ZeroDivisionError

    waiting, given_up = storage._submit(Broken(lambda: None)), storage._submit(Broken(lambda: None))
    given_up.cancel()
    with pytest.raises(ZeroDivisionError):
        await waiting
    await storage.account("alice@alpha.test")


async def test_failed_housekeeping_is_logged_and_forgotten(
    storage: Storage, inbox: Mailbox, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    await put(inbox, b"x")
    view = storage.view(inbox)
    view.close()
    storage._writer._db.execute("PRAGMA query_only = ON")
    await put_refused(storage, inbox)
    inbox.recent_uid = 0
    storage.view(inbox)
    with pytest.raises(StorageError):
        await storage.store(inbox, [1], Change.ADD, FlagSet(SEEN))
    assert "housekeeping failed" in caplog.text


async def put_refused(storage: Storage, inbox: Mailbox) -> None:
    with pytest.raises(StorageError, match="cannot be read or written"):
        await storage.append([Arrival((inbox,), b"x", 0, NO_FLAGS)])


async def test_a_reader_that_fails_says_so(storage: Storage, inbox: Mailbox) -> None:
    storage._reader.close()
    with pytest.raises(StorageError):
        storage.view(inbox)
    with pytest.raises(StorageError):
        storage.content(inbox, 1)
    with pytest.raises(StorageError):
        await storage.account("bob@beta.test")
    storage._reader._db = sqlite3.connect(":memory:")
    storage._reader._db.execute("CREATE TABLE accounts AS SELECT 1 id, 'bob@beta.test' login")
    storage._reader._db.execute("CREATE TABLE subscriptions AS SELECT 1 account, 'INBOX' name")
    with pytest.raises(StorageError):  # there is no table of mailboxes
        await storage.account("bob@beta.test")


async def test_damage_is_logged_with_the_file_and_told_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = Storage(tmp_path / "mail")
    inbox = (await storage.account("alice@alpha.test")).inbox
    await storage.append([Arrival((inbox,), b"x" * 100_000, 0, NO_FLAGS)])
    ((page,),) = storage._reader.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'entries'", ())
    storage.close()
    path = tmp_path / "mail" / FILE
    with closing(sqlite3.connect(path)) as db:
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entries'").fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)
    storage = Storage(tmp_path / "mail")
    with pytest.raises(StorageCorrupt) as refused:
        storage.view((await storage.account("alice@alpha.test")).inbox)
    assert str(tmp_path) not in str(refused.value)
    assert f"mail could not be read: the mail's database {path}: " in caplog.text
    assert "put a backup in its place" in caplog.text
    with suppress(StorageError):  # garbage is looked for
        await storage.subscribe(await storage.account("alice@alpha.test"), "x")
    storage.close()


async def test_views_of_what_is_no_mailbox(storage: Storage, account: Account) -> None:
    mailbox = await storage.create(account, "a/b")
    await storage.delete(account, "a")
    with pytest.raises(NoSuchMailbox):
        storage.view(account.mailboxes["a"])
    await storage.delete(account, "a/b")
    with pytest.raises(NoSuchMailbox):
        storage.view(mailbox)
    with pytest.raises(MailError):
        await storage.store(mailbox, [1], Change.ADD, FlagSet(SEEN))


async def test_a_load_between_a_commit_and_its_showing_counts_once(
    storage: Storage, inbox: Mailbox, stand_still: Callable[[], None]
) -> None:
    view = storage.view(inbox)
    view.close()
    inbox.unload()
    promise = storage.append([Arrival((inbox,), b"x", 0, NO_FLAGS)])
    stand_still()
    view = storage.view(inbox)
    assert list(view.uids) == [1]
    await promise
    assert list(inbox.uids) == [1]
    assert view.take(expunges=True) == Changes()


async def test_unused_mailboxes_are_forgotten(
    storage: Storage, account: Account, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader_module, "MAX_LOADED", 5)
    boxes = [account.selectable(name) for name in ("INBOX", "Sent", "Trash")]
    for box in boxes:
        await put(box, *mails(3))
    pinned = storage.view(boxes[0])
    for box in boxes[1:]:
        storage.view(box).close()
    assert [box.loaded for box in boxes] == [True, False, True]
    await put(boxes[1], b"x")
    view = storage.view(boxes[1])
    assert list(view.uids) == [1, 2, 3, 4]
    pinned.close()
    storage.view(boxes[2]).close()
    assert not boxes[0].loaded


async def test_unused_accounts_are_forgotten(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_module, "KEPT", 1)
    inbox = (await storage.account("alice@alpha.test")).inbox
    await storage.account("bob@beta.test")
    gc.collect()
    assert set(storage._accounts._by_login) == {"bob@beta.test"}
    assert (await storage.account("alice@alpha.test")).inbox is inbox  # somebody held it: one object for all


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="folder"):
        Storage(tmp_path / "file" / "mail")
