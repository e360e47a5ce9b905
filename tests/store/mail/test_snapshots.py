"""Snapshots: what accounts had comes back exactly, and nothing that came since; contents are shared and never lost."""

from __future__ import annotations

import asyncio
import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from postroad.clock import Clock
from postroad.world.quota import Quota
from postroad_store.mail.database import stretches
from postroad_store.mail.database.commits.sharing import Change as Rights
from postroad_store.mail.database.connection import FILE, connect
from postroad_store.mail.database.invariants import check
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import LimitReached, NoSuchMailbox, NoSuchSnapshot, SnapshotRefused
from postroad_store.mail.model.flags import DELETED, FLAGGED, SEEN, Change, FlagSet
from postroad_store.mail.model.view import Changes
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_store.mail.database.commits.snapshots import Snapshot
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox

ALICE, BOB, CAROL = "alice@alpha.test", "bob@beta.test", "carol@beta.test"
LOGINS = (ALICE, BOB, CAROL)
MOST = 100


async def take(storage: Storage, name: str = "seeded", logins: Sequence[str] = LOGINS) -> Snapshot:
    return await storage.snapshots.take("default", name, f"t-{name}", logins, most=MOST)


_RESTORES = iter(range(1_000_000))


async def restore(storage: Storage, name: str = "seeded", logins: Sequence[str] = LOGINS, **more: Any) -> None:
    await storage.snapshots.restore("default", name, f"r-{next(_RESTORES)}", logins, **more)


async def put(storage: Storage, mailbox: Mailbox, *bodies: bytes, flags: FlagSet | None = None) -> None:
    await storage.append(
        [Arrival((mailbox,), message(body), 1_700_000_000, flags or FlagSet(0, ())) for body in bodies]
    )


def message(body: bytes) -> bytes:
    return b"Message-ID: <%b@x.test>\r\nReferences: <first@x.test>\r\nSubject: %b\r\n\r\n%b\r\n" % (body, body, body)


def rows(storage: Storage, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    selected: list[tuple[Any, ...]] = storage._reader.rows(sql, values)
    return selected


def seen(storage: Storage, account: Account) -> dict[str, Any]:
    """All that a client could know of an account, down to the dates and mod-sequences; ids of mailboxes are no such."""
    mailboxes = {}
    for name, mailbox in account.mailboxes.items():
        facts: list[Any] = [
            mailbox.special_use,
            mailbox.selectable,
            mailbox.uid_validity,
            mailbox.object_id,
            mailbox.acl,
        ]
        if mailbox.selectable:
            view = storage.view(mailbox, read_only=True)
            flags = [mailbox.flag_names(value) for value in mailbox.flags]
            columns = zip(mailbox.uids, flags, mailbox.sizes, mailbox.internal_dates, mailbox.modseqs, strict=True)
            kept = rows(
                storage, "SELECT uid, content, save_date FROM entries WHERE mailbox = ? ORDER BY uid", mailbox.id
            )
            facts += [mailbox.status(), list(columns), kept, storage.vanished(mailbox, 0), mailbox.keywords]
            facts += [list(view.recent), [storage.content(mailbox, uid) for uid in mailbox.uids]]
            view.close()
        facts.append(rows(storage, "SELECT account, entry, value FROM metadata WHERE mailbox = ?", mailbox.id))
        facts.append(rows(storage, "SELECT account, key FROM url_keys WHERE mailbox = ?", mailbox.id))
        mailboxes[name] = facts
    of = (account.id,)
    return {
        "mailboxes": mailboxes,
        "subscriptions": set(account.subscriptions),
        "scripts": rows(storage, "SELECT name, active, content FROM scripts WHERE account = ? ORDER BY name", *of),
        "filtered": storage.scripts.has_active(account),
        "usage": storage.quotas.usage(account.login),
        "server": rows(storage, "SELECT entry, value FROM metadata WHERE mailbox = 0 AND account = ?", *of),
        "remembered": rows(storage, "SELECT key, until FROM remembered WHERE account = ? ORDER BY key", *of),
        "threads": rows(storage, "SELECT content, thread FROM threads WHERE account = ? ORDER BY content", *of),
    }


def faults(folder: Path) -> list[str]:
    db = connect(folder / FILE)
    sentences = list(check(db))
    db.close()
    return sentences


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


async def furnish(storage: Storage) -> tuple[Account, Account]:
    """Give two accounts something of everything."""
    alice, bob = await storage.account(ALICE), await storage.account(BOB)
    lists = await storage.create(alice, "lists/post")
    await storage.subscribe(alice, "lists/post")
    await put(storage, alice.inbox, b"one", b"two", b"three", b"four", flags=FlagSet(SEEN, ("Work",)))
    await storage.copy(alice.inbox, [1, 2], lists)
    await storage.store(alice.inbox, [2], Change.ADD, FlagSet(FLAGGED, ("Home",)))
    await storage.expunge(alice.inbox, [3], only_deleted=False)
    await storage.metadata.set(alice, alice.inbox, {"/private/comment": b"mine", "/shared/comment": b"ours"})
    await storage.metadata.set(alice, None, {"/private/vendor/x": b"mine"})
    await storage.scripts.put(alice, "keep", b"keep;")
    await storage.scripts.activate(alice, "keep")
    await storage.sharing.set(alice, lists, BOB, Rights(frozenset("lr")))
    await storage.quotas.set(bob, Quota(100_000, 10))
    await storage.url_keys.make(alice, alice.inbox)
    await put(storage, bob.inbox, b"for bob")
    return alice, bob


async def change(storage: Storage, alice: Account, bob: Account) -> None:
    """Change all of it."""
    await put(storage, alice.inbox, b"five", b"six")
    await storage.store(alice.inbox, [1], Change.REPLACE, FlagSet(DELETED, ("Later",)))
    await storage.expunge(alice.inbox, [2], only_deleted=False)
    await storage.delete(alice, "lists/post")
    await storage.create(alice, "new/box", special_use="\\Junk")
    await storage.rename(alice, "Archive", "Old")
    await storage.subscribe(alice, "nowhere")
    await storage.unsubscribe(alice, "lists/post")
    await storage.metadata.set(alice, alice.inbox, {"/private/comment": None, "/shared/other": b"x"})
    await storage.metadata.set(alice, None, {"/private/vendor/x": None})
    await storage.scripts.activate(alice, "")
    await storage.scripts.delete(alice, "keep")
    await storage.quotas.set(bob, None)
    await storage.url_keys.drop(alice)
    await storage.expunge(bob.inbox, only_deleted=False)


async def test_all_is_as_it_was(folder: Path) -> None:
    storage = Storage(folder)
    alice, bob = await furnish(storage)
    before = seen(storage, alice), seen(storage, bob)
    taken = await take(storage)
    assert (taken.accounts, taken.messages) == (2, 6)
    assert (seen(storage, alice), seen(storage, bob)) == before  # to take one changes nothing
    for _ in range(2):
        await change(storage, alice, bob)
        assert seen(storage, alice) != before[0]
        assert seen(storage, bob) != before[1]
        await restore(storage)
        assert (seen(storage, alice), seen(storage, bob)) == before
        assert faults(folder) == []
    storage.close()
    storage = Storage(folder)
    alice, bob = await storage.account(ALICE), await storage.account(BOB)
    assert (seen(storage, alice), seen(storage, bob)) == before
    assert storage.snapshots.of("default") == [taken]
    await put(storage, alice.inbox, b"next")
    assert storage.view(alice.inbox).uids[-1] == 5  # UIDNEXT was 5 then
    storage.close()


async def test_a_view_of_a_restored_mailbox_sees_it_gone_and_commits_on_it_fail(folder: Path) -> None:
    storage = Storage(folder)
    alice, bob = await furnish(storage)
    await take(storage)
    inbox = alice.inbox
    view = storage.view(inbox)
    # All of these are under way when the restore is written; the one before it is undone.
    earlier = storage.store(inbox, [1], Change.ADD, FlagSet(FLAGGED, ()))
    restored = asyncio.ensure_future(restore(storage))
    await asyncio.sleep(0)
    late = storage.store(inbox, [1], Change.ADD, FlagSet(DELETED, ()))
    gone = storage.expunge(inbox, [1, 2], only_deleted=False)
    arrival = storage.append([Arrival((inbox,), message(b"late"), 0, FlagSet(0, ()))])
    moved = storage.copy(inbox, [1], bob.inbox, move=True)
    await earlier
    await restored
    for under_way in (late, gone, arrival, moved):
        with pytest.raises(NoSuchMailbox):
            await under_way
    assert view.gone
    assert view.take(expunges=True) == Changes()  # a client must not take its messages for expunged
    assert [alice.inbox.flag_names(flags) for flags in storage.view(alice.inbox).mailbox.flags] == [
        "\\Seen Work",
        "\\Flagged \\Seen Work Home",
        "\\Seen Work",
    ]
    assert alice.inbox is not inbox
    storage.close()


async def test_an_account_that_is_younger_is_as_new(folder: Path) -> None:
    storage = Storage(folder)
    alice, _ = await furnish(storage)
    await take(storage)
    carol = await storage.account(CAROL)
    fresh = set(carol.mailboxes)
    await put(storage, carol.inbox, b"hers")
    await storage.create(carol, "hers")
    await storage.scripts.put(carol, "s", b"keep;")
    stranger = await storage.account("dora@elsewhere.test")
    await put(storage, stranger.inbox, b"hers alone")
    before = seen(storage, stranger)
    await restore(storage)
    assert set(carol.mailboxes) == fresh == carol.subscriptions
    assert list(storage.view(carol.inbox).uids) == []
    assert storage.scripts.listed(carol) == []
    assert seen(storage, stranger) == before
    assert (await storage.account(ALICE)) is alice
    assert faults(folder) == []
    storage.close()


async def test_a_restore_is_made_once(folder: Path) -> None:
    storage = Storage(folder)
    alice, _ = await furnish(storage)
    await take(storage)
    assert len(await storage.snapshots.restore("default", "seeded", "once", LOGINS)) == 2
    await put(storage, alice.inbox, b"later")
    assert await storage.snapshots.restore("default", "seeded", "once", LOGINS) == []
    assert len(storage.view(alice.inbox).uids) == 4
    storage.close()


async def test_with_fresh_every_mailbox_has_another_uidvalidity_and_the_same_uids(folder: Path) -> None:
    storage = Storage(folder)
    alice, _ = await furnish(storage)
    before = {name: mailbox.uid_validity for name, mailbox in alice.mailboxes.items()}
    uids = list(storage.view(alice.inbox).uids)
    await take(storage)
    await restore(storage, fresh=True)
    after = {name: mailbox.uid_validity for name, mailbox in alice.mailboxes.items()}
    assert before.keys() == after.keys()
    assert min(after.values()) > max(before.values())
    assert list(storage.view(alice.inbox).uids) == uids
    assert faults(folder) == []
    storage.close()


async def test_contents_are_shared_and_go_with_the_last_who_has_them(folder: Path) -> None:
    storage = Storage(folder)
    alice, bob = await furnish(storage)

    def count() -> int:
        ((contents,),) = rows(storage, "SELECT count(*) FROM contents")
        return int(contents)

    async def collected() -> None:
        await storage.snapshots.forget("nowhere")
        while rows(storage, "SELECT 1 FROM garbage LIMIT 1"):
            await storage.subscribe(alice, "again")  # a commit behind those of the collector

    await collected()
    assert count() == 4  # the third has gone before
    await take(storage)
    await take(storage, "again")
    assert count() == 4
    for account in (alice, bob):
        for mailbox in list(account.mailboxes.values()):
            await storage.expunge(mailbox, only_deleted=False)
    await collected()
    assert count() == 4
    await storage.snapshots.delete("default", "seeded")
    await collected()
    assert count() == 4
    await restore(storage, "again")
    assert len(storage.view(alice.inbox).uids) == 3
    await storage.snapshots.forget("default")
    await collected()
    assert count() == 4
    for account in (alice, bob):
        for mailbox in list(account.mailboxes.values()):
            await storage.expunge(mailbox, only_deleted=False)
    await collected()
    assert count() == 0
    assert faults(folder) == []
    storage.close()


async def test_what_is_refused(folder: Path) -> None:
    storage = Storage(folder)
    await furnish(storage)
    await take(storage)
    with pytest.raises(SnapshotRefused, match="there is a snapshot seeded already"):
        await take(storage)
    with pytest.raises(LimitReached, match="at most 1 snapshots \\(POSTROAD_SNAPSHOTS\\)"):
        await storage.snapshots.take("default", "more", "t", LOGINS, most=1)
    await storage.snapshots.take("shop", "seeded", "t", (), most=1)
    for name in ("Seeded", "other", ""):
        with pytest.raises(NoSuchSnapshot):
            await restore(storage, name)
        with pytest.raises(NoSuchSnapshot):
            await storage.snapshots.delete("default", name)
    assert [snapshot.name for snapshot in storage.snapshots.of("shop")] == ["seeded"]
    assert await storage.snapshots.forget("shop") == 1
    assert storage.snapshots.of("shop") == []
    storage.close()


async def test_an_account_that_was_removed_comes_back_unless_another_has_its_place(folder: Path) -> None:
    storage = Storage(folder)
    alice, bob = await furnish(storage)
    await take(storage)
    storage.close()
    db = connect(folder / FILE)
    db.execute("DELETE FROM entries WHERE mailbox IN (SELECT id FROM mailboxes WHERE account = ?)", (bob.id,))
    db.execute("DELETE FROM mailboxes WHERE account = ?", (bob.id,))
    db.execute("DELETE FROM accounts WHERE id = ?", (bob.id,))
    db.close()
    storage = Storage(folder)
    await restore(storage)
    again = await storage.account(BOB)
    assert (again.id, len(storage.view(again.inbox).uids)) == (bob.id, 1)
    storage.close()
    db = connect(folder / FILE)
    db.execute("UPDATE accounts SET id = 77 WHERE id = ?", (bob.id,))
    db.close()
    storage = Storage(folder)
    with pytest.raises(SnapshotRefused, match=r"the account bob@beta\.test was removed since"):
        await restore(storage)
    assert alice.login == ALICE
    storage.close()


async def test_a_thousand_messages_take_no_time(folder: Path) -> None:
    storage = Storage(folder)
    alice = await storage.account(ALICE)
    for number in range(10):
        await put(storage, alice.inbox, *(b"%d-%d" % (number, each) for each in range(100)))
    before = seen(storage, alice)
    figures = []
    for number in range(5):
        began = time.process_time()
        await take(storage, f"s{number}")
        between = time.process_time()
        await restore(storage, f"s{number}")
        figures.append((between - began, time.process_time() - between))
    assert seen(storage, alice) == before
    assert min(took for took, _ in figures) < 0.1
    assert min(took for _, took in figures) < 0.1
    storage.close()


# -- killed ---------------------------------------------------------------------------------------------------------

_KILLED = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from postroad_store.mail.storage import Storage

    async def main():
        storage = Storage(Path(sys.argv[1]))
        print("ready", flush=True)
        number = 0
        while True:
            number += 1
            await storage.snapshots.take("default", f"n{number}", "t", ["alice@alpha.test"], most=10**6)
            print(f"taken n{number}", flush=True)
            await storage.snapshots.restore("default", f"n{number}", f"r{number}", ["alice@alpha.test"])
            print(f"restored n{number}", flush=True)

    asyncio.run(main())
    """
)


@pytest.mark.parametrize("lines", [1, 2, 3, 8])
def test_a_kill_leaves_a_snapshot_whole_or_not_at_all(folder: Path, lines: int) -> None:
    async def prepare() -> dict[str, Any]:
        storage = Storage(folder)
        alice, _ = await furnish(storage)
        before = seen(storage, alice)
        storage.close()
        return before

    async def check_reopened(said: list[str]) -> None:
        storage = Storage(folder)
        assert seen(storage, await storage.account(ALICE)) == before
        names = [snapshot.name for snapshot in storage.snapshots.of("default")]
        assert [line.split()[1] for line in said if line.startswith("taken")] == names[: len(names)][: _taken(said)]
        for name in names[:3]:
            await restore(storage, name, [ALICE])
            assert seen(storage, await storage.account(ALICE)) == before
        storage.close()

    before = asyncio.run(prepare())
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    asyncio.run(check_reopened(said))
    assert faults(folder) == []


def _taken(said: list[str]) -> int:
    return sum(line.startswith("taken") for line in said)


# -- in any order -----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["INBOX", "Archive", "x", "x/y"])
UIDS = st.sets(st.integers(1, 12), min_size=1).map(sorted)
FLAGS = st.builds(FlagSet, st.sampled_from([0, SEEN, DELETED]), st.sampled_from([(), ("work",), ("home", "k")]))


@dataclass
class Box:
    uid_next: int = 1
    messages: dict[int, tuple[bytes, frozenset[str]]] = field(default_factory=dict)


@dataclass
class User:
    boxes: dict[str, Box]
    subscriptions: set[str]
    script: bytes | None = None


def _new_user() -> User:
    names = ("INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive")
    return User({name: Box() for name in names}, set(names))


class Worlds(RuleBasedStateMachine):
    """A storage of two accounts, and a plain model of them and their snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.storage = self.open()
        self.users = {ALICE: _new_user(), BOB: _new_user()}
        self.snapshots: dict[str, tuple[dict[str, User], dict[str, Any]]] = {}
        self.count = 0

    def open(self) -> Storage:
        async def opened() -> Storage:
            storage = Storage(self.folder, clock=Clock(wall=lambda: 1_700_000_000.0))
            self.accounts = {login: await storage.account(login) for login in (ALICE, BOB)}
            return storage

        return self.loop.run_until_complete(opened())

    def run(self, work: Any) -> Any:
        async def awaited() -> Any:
            return await work()

        return self.loop.run_until_complete(awaited())

    def box(self, login: str, name: str) -> tuple[Mailbox, Box] | None:
        mailbox = self.accounts[login].find(name)
        box = self.users[login].boxes.get(name)
        assert (mailbox is None) is (box is None)
        return None if mailbox is None or box is None else (mailbox, box)

    def flags_of(self, mailbox: Mailbox, flags: int) -> frozenset[str]:
        return frozenset(mailbox.flag_names(flags).split())

    @rule(login=st.sampled_from([ALICE, BOB]), name=NAMES, body=st.binary(max_size=3), flags=FLAGS)
    def append(self, login: str, name: str, body: bytes, flags: FlagSet) -> None:
        if (pair := self.box(login, name)) is not None:
            mailbox, box = pair
            content = message(body.hex().encode())
            self.run(lambda: self.storage.append([Arrival((mailbox,), content, 5, flags)]))
            system = {"\\Seen"} if flags.system & SEEN else {"\\Deleted"} if flags.system & DELETED else set()
            box.messages[box.uid_next] = content, frozenset(system | set(flags.keywords))
            box.uid_next += 1

    @rule(login=st.sampled_from([ALICE, BOB]), name=NAMES, uids=UIDS)
    def expunge(self, login: str, name: str, uids: list[int]) -> None:
        if (pair := self.box(login, name)) is not None:
            mailbox, box = pair
            self.run(lambda: self.storage.expunge(mailbox, uids, only_deleted=False))
            for uid in uids:
                box.messages.pop(uid, None)

    @rule(login=st.sampled_from([ALICE, BOB]), name=NAMES, uids=UIDS)
    def flag(self, login: str, name: str, uids: list[int]) -> None:
        if (pair := self.box(login, name)) is not None:
            mailbox, box = pair
            self.run(lambda: self.storage.store(mailbox, uids, Change.ADD, FlagSet(FLAGGED, ("late",))))
            for uid in uids:
                if uid in box.messages:
                    content, flags = box.messages[uid]
                    box.messages[uid] = content, flags | {"\\Flagged", "late"}

    @rule(login=st.sampled_from([ALICE, BOB]), name=st.sampled_from(["x", "x/y"]))
    def create_or_delete(self, login: str, name: str) -> None:
        boxes = self.users[login].boxes
        account = self.accounts[login]
        if name in boxes:
            if not any(other.startswith(f"{name}/") for other in boxes):
                self.run(lambda: self.storage.delete(account, name))
                del boxes[name]
        else:
            self.run(lambda: self.storage.create(account, name))
            boxes |= {created: Box() for created in ("x", name) if created not in boxes}

    @rule(login=st.sampled_from([ALICE, BOB]), name=NAMES)
    def subscribe(self, login: str, name: str) -> None:
        self.run(lambda: self.storage.subscribe(self.accounts[login], name))
        self.users[login].subscriptions.add(name)

    @rule(login=st.sampled_from([ALICE, BOB]), content=st.sampled_from([b"keep;", b"discard;"]))
    def script(self, login: str, content: bytes) -> None:
        self.run(lambda: self.storage.scripts.put(self.accounts[login], "s", content))
        self.users[login].script = content

    @rule(name=st.sampled_from("abc"))
    def take(self, name: str) -> None:
        if name in self.snapshots:
            with pytest.raises(SnapshotRefused):
                self.run(lambda: take(self.storage, name))
            self.run(lambda: self.storage.snapshots.delete("default", name))
        self.run(lambda: take(self.storage, name))
        self.snapshots[name] = copy.deepcopy(self.users), self.seen()

    @rule(name=st.sampled_from("abc"))
    def restore(self, name: str) -> None:
        if name in self.snapshots:
            self.run(lambda: restore(self.storage, name))
            users, known = self.snapshots[name]
            self.users = copy.deepcopy(users)
            assert self.seen() == known

    @rule(name=st.sampled_from("abc"))
    def delete(self, name: str) -> None:
        if self.snapshots.pop(name, None) is not None:
            self.run(lambda: self.storage.snapshots.delete("default", name))

    @rule()
    def restart(self) -> None:
        self.storage.close()
        self.storage = self.open()

    def seen(self) -> dict[str, Any]:
        return {login: seen(self.storage, account) for login, account in self.accounts.items()}

    @invariant()
    def memory_is_as_the_model(self) -> None:
        for login, user in self.users.items():
            account = self.accounts[login]
            assert set(account.mailboxes) == set(user.boxes)
            assert account.subscriptions == user.subscriptions
            scripts = rows(self.storage, "SELECT content FROM scripts WHERE account = ?", account.id)
            assert scripts == ([] if user.script is None else [(user.script,)])
            for name, box in user.boxes.items():
                mailbox = account.mailboxes[name]
                view = self.storage.view(mailbox, read_only=True)
                assert mailbox.uid_next == box.uid_next
                assert list(view.uids) == sorted(box.messages)
                for at, uid in enumerate(view.uids):
                    content, flags = box.messages[uid]
                    assert self.storage.content(mailbox, uid) == content
                    assert self.flags_of(mailbox, mailbox.flags[at]) == flags
                view.close()
        assert sorted(snapshot.name for snapshot in self.storage.snapshots.of("default")) == sorted(self.snapshots)

    @invariant()
    def the_database_is_sound(self) -> None:
        assert faults(self.folder) == []

    def teardown(self) -> None:
        self.storage.close()
        self.loop.close()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize("least", [2, stretches.LEAST])
def test_in_any_order(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "LEAST", least)
    run_state_machine_as_test(
        Worlds,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
