"""Databases of earlier versions, which real code of those versions has written: they open, and nothing is lost."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.journal import Journal, JournalReader, Kind
from postroad_store.mail.database import migrations, schema
from postroad_store.mail.database.connection import FILE, open_writer
from postroad_store.mail.database.invariants import check
from postroad_store.mail.database.schema import VERSION
from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.model.flags import DELETED, DRAFT, SEEN, Change, FlagSet
from postroad_store.mail.model.mailbox import Status
from postroad_store.mail.model.message import Column
from postroad_store.mail.model.telling import Telling
from postroad_store.mail.search.strings import Text
from postroad_store.mail.storage import Storage
from tests.store.mail.test_threads import count, message, put, threads

if TYPE_CHECKING:
    from postroad_store.mail.model.mailbox import Mailbox

OLD = {version: Path(__file__).with_name(f"version-{version}.sqlite") for version in range(1, VERSION)}


def taken(folder: Path, version: int) -> Path:
    """Put a database of this version into the folder."""
    folder.mkdir(exist_ok=True)
    shutil.copy(OLD[version], folder / FILE)
    return folder / FILE


def tables(path: Path) -> list[str]:
    """What a database's tables look like."""
    with sqlite3.connect(path) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema ORDER BY name")]
        columns = [f"{name}: {db.execute(f'PRAGMA table_xinfo({name})').fetchall()}" for name in names]
        columns.append(str(db.execute("PRAGMA user_version").fetchone()))
        columns.append(str(db.execute("PRAGMA application_id").fetchone()))
    db.close()
    return columns


def dump(path: Path) -> list[str]:
    """All that a database holds."""
    with sqlite3.connect(path) as db:
        lines = list(db.iterdump())
    db.close()
    return lines


@pytest.mark.parametrize("version", OLD)
def test_an_old_database_becomes_what_a_new_one_is(version: int, tmp_path: Path) -> None:
    path = taken(tmp_path / "old", version)
    open_writer(path).close()
    (tmp_path / "new").mkdir()
    open_writer(tmp_path / "new" / FILE).close()
    assert tables(path) == tables(tmp_path / "new" / FILE)


async def test_all_mail_of_version_1_is_there(tmp_path: Path) -> None:
    taken(tmp_path, 1)
    storage = Storage(tmp_path)
    alice, bob = await storage.account("alice@alpha.test"), await storage.account("bob@beta.test")
    special = {"INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"}
    assert set(alice.mailboxes) == special | {"lists", "lists/post", "gone", "gone/below"}
    assert not alice.mailboxes["gone"].selectable
    assert alice.mailboxes["Drafts"].special_use == "\\Drafts"
    assert alice.subscriptions == special | {"lists/post"}
    assert bob.subscriptions == special - {"Junk"}

    inbox = alice.inbox
    assert storage.status(inbox) == Status(5, 1, 7, 1772366400, 4, 1, 741, inbox.modseq)
    view = storage.view(inbox)
    assert (list(view.uids), set(view.recent)) == ([1, 2, 3, 4, 6], {6})
    assert [inbox.flag_names(flags) for flags in inbox.flags] == [
        "",
        "\\Flagged \\Seen $Forwarded Work",
        "\\Answered Work",
        "\\Deleted \\Draft",
        "",
    ]
    assert inbox.flags[3] == DELETED | DRAFT
    assert list(inbox.internal_dates) == [1772366400 + after for after in (0, 1, 2, 3, 5)]
    assert storage.content(inbox, 2) == (
        b"From: bob@beta.test\r\nTo: alice@alpha.test\r\nSubject: message 2\r\n"
        b"Date: Sun, 1 Mar 2026 12:00:00 +0000\r\n\r\nbody 2\r\n"
    )
    assert await storage.finder.search(view, Text("grüße aus köln")) == [3]
    assert [values for _, values in storage.fetch(bob.inbox, [1], [Column.CONTENT])] == [(storage.content(inbox, 1),)]
    archive = alice.selectable("Archive")
    storage.view(archive)
    assert [archive.flag_names(flags) for flags in archive.flags] == [
        "\\Flagged \\Seen $Forwarded Work",
        "\\Answered Work",
    ]
    storage.close()


async def test_keywords_that_version_1_could_not_take_are_taken(tmp_path: Path) -> None:
    taken(tmp_path, 1)
    storage = Storage(tmp_path)
    posts = (await storage.account("alice@alpha.test")).selectable("lists/post")
    view = storage.view(posts)
    assert len(posts.keywords) == 57
    await storage.store(posts, [1], Change.ADD, FlagSet(SEEN, ("one-more",)))
    assert view.take(expunges=True).keywords
    assert posts.keywords == ["k0", "one-more", "k56"]
    assert posts.flag_names(posts.flags[0]) == "\\Seen k0 one-more k56"
    storage.close()


def test_version_3_counts_what_is_in_the_mailboxes_of_version_2(tmp_path: Path) -> None:
    path = taken(tmp_path, 2)
    open_writer(path).close()
    with sqlite3.connect(path) as db:
        counted = db.execute(
            "SELECT name, messages, unseen, deleted, octets, recent, modseq - lowest_known, object_id FROM mailboxes"
            " WHERE messages OR name = 'old' ORDER BY name"
        ).fetchall()
        assert counted == [
            ("Archive", 2, 2, 0, 190, 2, 0, "m6a18a505"),
            ("INBOX", 7, 4, 1, 708, 2, 0, "m6a18a500"),
            ("old", 0, 0, 0, 0, 0, 0, "m6a18a508"),
        ]
        assert db.execute("SELECT count(*) FROM entries WHERE save_date IS NULL").fetchone() == (9,)
        assert db.execute("SELECT value FROM counters WHERE name = 'content'").fetchone() == (9,)
    db.close()


async def test_version_8_knows_the_threads_of_version_7(tmp_path: Path) -> None:
    path = taken(tmp_path, 7)
    rows = "SELECT id, account, thread, content FROM message_ids ORDER BY account, id"
    with sqlite3.connect(path) as db:
        before = db.execute(rows).fetchall()
    open_writer(path).close()
    with sqlite3.connect(path) as after:
        assert len(before) == 6
        assert after.execute(rows).fetchall() == before
    db.close()
    after.close()

    storage = Storage(tmp_path)
    alice, bob = await storage.account("alice@alpha.test"), await storage.account("bob@beta.test")
    await put(storage, (alice.inbox, bob.inbox), message("new", "missing@beta.test"))
    assert threads(storage, alice.inbox) == [1, 1, 3, 3]
    assert threads(storage, bob.inbox) == [1, 4, 5]  # it knows nothing of what Alice has
    for inbox in (alice.inbox, bob.inbox):
        await storage.expunge(inbox, only_deleted=False)
    await storage.account("anybody@beta.test")  # a commit after the garbage
    assert count(storage, "message_ids") == 0
    storage.close()


async def test_version_9_knows_the_flags_of_version_8(tmp_path: Path) -> None:
    path = taken(tmp_path, 8)
    rows = "SELECT mailbox, uid, flags, wide_flags, modseq FROM entries ORDER BY mailbox, uid"
    with sqlite3.connect(path) as db:
        before = db.execute(rows).fetchall()
    storage = Storage(tmp_path)
    with sqlite3.connect(path) as after:
        assert len(before) == 110
        assert after.execute(rows).fetchall() == before
        assert after.execute("SELECT count(*) FROM stretches").fetchone() == (0,)
        assert list(check(after)) == []
    db.close()
    after.close()

    def told(inbox: Mailbox) -> list[tuple[int, str, int]]:
        storage.view(inbox)
        return [
            (uid, inbox.flag_names(flags), modseq)
            for uid, flags, modseq in zip(inbox.uids, inbox.flags, inbox.modseqs, strict=True)
        ]

    alice, bob = await storage.account("alice@alpha.test"), await storage.account("bob@beta.test")
    flagged = [(1, "\\Flagged later", 9), (2, "\\Flagged \\Seen Work later", 9), (3, "\\Flagged Work later", 9)]
    more = (5, " ".join(f"k{number}" for number in range(70)), 11)
    old = [*flagged, (4, "\\Deleted \\Draft", 10), more, (6, "\\Answered", 13), (7, "\\Deleted", 12)]
    assert told(alice.inbox) == old
    assert told(bob.inbox) == [(uid, "\\Seen", 102) for uid in range(1, 101)]
    await storage.store(bob.inbox, range(1, 101), Change.ADD, FlagSet(DELETED))
    assert len(await storage.expunge(bob.inbox)) == 100
    # What was kept of them by a snapshot of then comes back.
    await storage.snapshots.restore("default", "seeded", "t-2", ["alice@alpha.test", "bob@beta.test"])
    assert told(alice.inbox) == [*old[:5], (6, "", 7), old[6]]
    assert told(bob.inbox) == []
    storage.close()


async def test_version_10_has_all_of_version_9_and_takes_events(tmp_path: Path) -> None:
    path = taken(tmp_path, 9)
    before = dump(path)
    journal = Journal(tmp_path / "journal", service="store")
    storage = Storage(tmp_path, journal=journal)
    after = dump(path)
    assert set(before) <= set(after)
    (added,) = (line for line in after if line not in before)
    assert added.startswith("CREATE TABLE news (")
    bob = (await storage.account("bob@beta.test")).inbox
    storage.view(bob)
    assert {bob.flag_names(flags) for flags in bob.flags} == {"\\Seen Work"}  # a stretch of 256
    line = journal.line(Kind.REMOVED, uid="1:256")
    await storage.expunge(bob, only_deleted=False, tell=Telling(lambda gone: [line] * (len(gone.uids) == 256)))
    await storage.snapshots.restore("default", "seeded", "t-2", ["alice@alpha.test", "bob@beta.test"])
    assert storage.status((await storage.account("bob@beta.test")).inbox).messages == 256
    with sqlite3.connect(path) as db:
        assert list(check(db)) == []
        assert db.execute("SELECT count(*) FROM news").fetchone() == (1,)
    db.close()
    storage.close()
    journal.close()
    assert [entry.detail for entry in JournalReader(tmp_path / "journal").entries()] == [{"uid": "1:256"}]


def test_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = taken(tmp_path, 1)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = dump(path)
    with pytest.raises(StorageError, match=f"{FILE} has schema {VERSION + 1}, .* up to {VERSION}: run the Postroad"):
        open_writer(path)
    assert dump(path) == before


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE accounts (id INTEGER)")
    db.close()
    with pytest.raises(StorageError, match="not of Postroad's mail"):
        open_writer(path)
    assert dump(path) == ["BEGIN TRANSACTION;", "CREATE TABLE accounts (id INTEGER);", "COMMIT;"]


def test_a_step_that_fails_leaves_the_old_version_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = taken(tmp_path, 1)
    before = dump(path)
    with monkeypatch.context() as patched:
        patched.setitem(schema.STEPS, VERSION, schema.STEPS[VERSION] + "no statement")
        with pytest.raises(StorageError, match=FILE):
            open_writer(path)
    assert dump(path) == before
    open_writer(path).close()
    assert tables(path)[-2] == f"({VERSION},)"


def test_a_database_that_another_process_has_migrated_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = taken(tmp_path, 1)
    open_writer(path).close()
    before = dump(path)
    versions = iter([1, VERSION])
    monkeypatch.setattr(migrations, "_version", lambda _: next(versions))
    open_writer(path).close()
    assert dump(path) == before


KILLED = textwrap.dedent("""
    import os, signal, sqlite3, sys
    from pathlib import Path
    from postroad_store.mail.database import migrations, schema
    from postroad_store.mail.database.connection import open_writer

    run = migrations._run

    def run_and_die(db, script):
        db.execute("PRAGMA cache_size = 1")  # what is changed is written before the transaction ends
        run(db, script)
        os.kill(os.getpid(), signal.SIGKILL)

    migrations._run = run_and_die
    open_writer(Path(sys.argv[1]))
""")


def test_a_kill_in_the_middle_leaves_the_old_version_whole(tmp_path: Path) -> None:
    path = taken(tmp_path, 1)
    before = dump(path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert dump(path) == before
    open_writer(path).close()
    assert tables(path)[-2] == f"({VERSION},)"


def test_each_version_has_its_step_and_its_database() -> None:
    assert list(schema.STEPS) == list(range(2, VERSION + 1))
    assert all(path.is_file() for path in OLD.values())
