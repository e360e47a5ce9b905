"""Whatever is done to mailboxes, in any order, with restarts between: memory, counters, packs and logs say the same.

A plain model of each mailbox, a dictionary by UID, is held against the columns in memory, the counters, the
mod-sequences and what VANISHED tells. The database's invariants (`database.invariants`) are held after every step.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from postroad.clock import Clock
from postroad_store.mail.database import expunged, packs, stretches
from postroad_store.mail.database.commits.packing import Pack
from postroad_store.mail.database.connection import FILE, connect
from postroad_store.mail.database.invariants import check
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.flags import DELETED, FLAGGED, SEEN, Change, FlagSet
from postroad_store.mail.storage import Storage

if TYPE_CHECKING:
    from postroad_store.mail.model.mailbox import Mailbox

NAMES = st.sampled_from(["INBOX", "Archive"])
FLAGS = st.builds(
    FlagSet,
    st.sampled_from([0, SEEN, DELETED, FLAGGED, SEEN | DELETED, SEEN | FLAGGED]),
    st.lists(st.sampled_from(["work", "home", *(f"k{number}" for number in range(70))]), max_size=2).map(tuple),
)
UIDS = st.sets(st.integers(1, 40)).map(sorted) | st.builds(
    lambda low, count: list(range(low, low + count)), st.integers(1, 20), st.integers(1, 20)
)


@dataclass
class Message:
    flags: set[str]
    modseq: int


@dataclass
class Model:
    """A mailbox as its definition has it."""

    messages: dict[int, Message] = field(default_factory=dict)
    uid_next: int = 1
    modseq: int = 1
    gone: dict[int, int] = field(default_factory=dict)  # UID → modseq

    def expunge(self, uids: list[int]) -> None:
        if uids:
            self.modseq += 1
            for uid in uids:
                del self.messages[uid]
                self.gone[uid] = self.modseq


def names(flags: FlagSet) -> set[str]:
    system = {"\\Seen": SEEN, "\\Deleted": DELETED, "\\Flagged": FLAGGED}
    return {name for name, bit in system.items() if flags.system & bit} | set(flags.keywords)


class Consistent(RuleBasedStateMachine):
    """Storage beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.models = {"INBOX": Model(), "Archive": Model()}
        self.size = 0
        self.views: list[Any] = []
        self.start()

    def start(self) -> None:
        self.storage = Storage(self.folder, clock=Clock(wall=lambda: 1000.0))
        account = self.loop.run_until_complete(self.storage.account("alice@alpha.test"))
        self.mailboxes: dict[str, Mailbox] = {name: account.selectable(name) for name in self.models}

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        async def called() -> Any:
            return await getattr(self.storage, method)(*args, **kwargs)

        return self.loop.run_until_complete(called())

    def teardown(self) -> None:
        self.storage.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    # -- what is done ------------------------------------------------------------------------------------------

    @rule(name=NAMES, flags=FLAGS, count=st.integers(1, 6))
    def append(self, name: str, flags: FlagSet, count: int) -> None:
        arrival = Arrival((self.mailboxes[name],), b"a: b\r\n\r\nc", 7, flags)
        self.call("append", [arrival] * count)
        model = self.models[name]
        for _ in range(count):
            model.modseq += 1
            model.messages[model.uid_next] = Message(names(flags), model.modseq)
            model.uid_next += 1

    @rule(name=NAMES, uids=UIDS, change=st.sampled_from(Change), flags=FLAGS, back=st.none() | st.integers(0, 5))
    def store(self, name: str, uids: list[int], change: Change, flags: FlagSet, back: int | None) -> None:
        model, keywords = self.models[name], set(self.mailboxes[name].keywords)
        since = None if back is None else max(model.modseq - back, 0)
        stored = self.call("store", self.mailboxes[name], uids, change, flags, unchanged_since=since)
        there = [uid for uid in uids if uid in model.messages]
        wanted = names(flags)
        if change is Change.REMOVE:  # a keyword that the mailbox does not have counts for nothing
            wanted = {flag for flag in wanted if flag.startswith("\\") or flag in keywords}
        # RFC 7162 §3.1.12: what the client wants to add is still missing, or what it wants to remove still there.
        expected = {Change.ADD: set[str](), Change.REMOVE: wanted}.get(change)
        if not wanted or (not since and flags.system):
            expected = None
        failed = [
            uid
            for uid in there
            if since is not None
            and model.messages[uid].modseq > since
            and model.messages[uid].flags & wanted != expected
        ]
        assert stored.failed == failed
        changed = False
        for uid in there:
            message = model.messages[uid]
            old = set(message.flags)
            match change:
                case Change.ADD:
                    new = old | names(flags)
                case Change.REMOVE:
                    new = old - names(flags)
                case _:
                    new = names(flags)
            if uid not in failed and new != old:
                message.flags, message.modseq = new, model.modseq + 1
                changed = True
        # A keyword that is new to the mailbox raises the modseq too.
        assert stored.modseq >= model.modseq + changed
        assert stored.modseq <= model.modseq + 1
        model.modseq = stored.modseq

    @rule(name=NAMES, uids=st.none() | UIDS, only_deleted=st.booleans())
    def expunge(self, name: str, uids: list[int] | None, only_deleted: bool) -> None:
        model = self.models[name]
        removed = self.call("expunge", self.mailboxes[name], uids, only_deleted=only_deleted)
        expected = [
            uid
            for uid, message in model.messages.items()
            if (uids is None or uid in uids) and (not only_deleted or "\\Deleted" in message.flags)
        ]
        assert removed == expected
        model.expunge(expected)

    @rule(name=NAMES, other=NAMES, uids=UIDS, move=st.booleans())
    def copy(self, name: str, other: str, uids: list[int], move: bool) -> None:
        source, target = self.models[name], self.models[other]
        copied = self.call("copy", self.mailboxes[name], uids, self.mailboxes[other], move=move)
        there = [uid for uid in uids if uid in source.messages]
        assert copied.source == tuple(there)
        if not there:
            return
        target.modseq += 1
        for uid in there:
            target.messages[target.uid_next] = Message(set(source.messages[uid].flags), target.modseq)
            target.uid_next += 1
        if move:
            source.expunge(there)

    @rule(name=NAMES, claim=st.booleans())
    def look(self, name: str, claim: bool) -> None:
        self.views.append(self.view(name, claim=claim))

    def view(self, name: str, *, claim: bool) -> Any:
        async def opened() -> Any:
            return self.storage.view(self.mailboxes[name], claim_recent=claim)

        return self.loop.run_until_complete(opened())

    @rule(name=NAMES)
    def forget(self, name: str) -> None:
        if not self.mailboxes[name].views:
            self.mailboxes[name].unload()

    @rule(name=NAMES)
    def pack(self, name: str) -> None:
        async def packed() -> None:
            while await self.storage._submit(Pack(self.mailboxes[name])):
                pass

        self.loop.run_until_complete(packed())

    @rule(killed=st.booleans())
    def restart(self, killed: bool) -> None:
        self.views = []
        if killed:  # what a kill leaves: the files as they are, with the log
            copied = Path(tempfile.mkdtemp())
            shutil.copytree(self.folder, copied, dirs_exist_ok=True)
            self.storage.close()
            shutil.rmtree(self.folder)
            self.folder = copied
        else:
            self.storage.close()
        self.start()

    # -- what is so --------------------------------------------------------------------------------------------

    @invariant()
    def the_database_is_consistent(self) -> None:
        db = connect(self.folder / FILE, read_only=True)
        assert list(check(db)) == []
        db.close()

    @invariant()
    def views_agree(self) -> None:
        async def taken() -> None:
            for view in self.views:
                view.take(expunges=True)

        self.loop.run_until_complete(taken())
        for view in self.views:
            assert list(view.uids) == list(view.mailbox.uids)
            assert set(view.recent) <= set(view.uids)

    @invariant()
    def all_say_the_same(self) -> None:
        for name, model in self.models.items():
            mailbox = self.mailboxes[name]
            status = self.storage.status(mailbox)
            messages = list(model.messages.values())
            assert (status.messages, status.uid_next, status.highest_modseq, status.octets) == (
                len(messages),
                model.uid_next,
                model.modseq,
                9 * len(messages),
            )
            assert status.unseen == sum("\\Seen" not in message.flags for message in messages)
            assert status.deleted == sum("\\Deleted" in message.flags for message in messages)
            view = self.view(name, claim=False)
            assert self.storage.status(mailbox) == status
            assert list(mailbox.uids) == list(model.messages)
            assert list(mailbox.modseqs) == [message.modseq for message in messages]
            told = [set(mailbox.flag_names(flags).split()) for flags in mailbox.flags]
            assert told == [message.flags for message in messages]
            for since in {0, model.modseq // 2, model.modseq - 1, model.modseq}:
                number = {uid: number for number, uid in enumerate(model.messages, 1)}
                changed = [number[uid] for uid, message in model.messages.items() if message.modseq > since]
                assert self.storage.changed_since(view, since) == changed
                vanished = {uid for low, high in self.storage.vanished(mailbox, since) for uid in range(low, high + 1)}
                assert {uid for uid, modseq in model.gone.items() if modseq > since} <= vanished
                assert vanished <= set(range(1, model.uid_next)) - set(model.messages)
            view.close()


@pytest.mark.parametrize(("ranges", "least"), [(3, 2), (1000, 4), (1000, stretches.LEAST)])
def test_all_say_the_same(ranges: int, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "BITS", 2)  # blocks of four
    monkeypatch.setattr(stretches, "LEAST", least)
    monkeypatch.setattr(expunged, "MAX_RANGES", ranges)
    monkeypatch.setattr(expunged, "KEPT", 1)
    run_state_machine_as_test(
        Consistent,
        settings=settings(max_examples=30, stateful_step_count=20, suppress_health_check=list(HealthCheck)),
    )
