"""Worlds, mail, marks, purges, drops and restarts in any order, against a plain model: nothing leaks between worlds."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroad_web.catalog.database import FILE
from postroad_web.catalog.folding import Folding
from postroad_web.catalog.reader import Reader
from postroad_web.catalog.tallies import Tallies
from postroad_web.catalog.writer import Writer
from tests.harness.doors import ToyDoor, ToyStack
from tests.web.worlds import SomeWorlds

IDS = ("default", "w1", "w2")
TAGS = ("red", "blue")
worlds_of = st.sampled_from(IDS)


class Message:
    """What the model knows of a message."""

    def __init__(self, world: str, number: int) -> None:
        self.world = world
        self.number = number  # of the event that begins its record
        self.read = False
        self.tags: list[str] = []
        self.gone = False


class AnyOrder(RuleBasedStateMachine):
    """A catalog, the journals that it folds, and the model."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.stack = ToyStack()
        self.worlds = SomeWorlds(w1="", w2="")
        self.messages: dict[str, Message] = {}
        self.folded = {"relay": 0, "store": 0}
        self.open()

    def open(self) -> None:
        self.writer = Writer(self.folder, self.worlds)
        self.folding = Folding(self.writer, Tallies())
        facts = self.writer.facts()
        self.folded = {service: facts.get(service, 0) for service in self.folded}
        self.reader = Reader(self.folder)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.close()
            shutil.rmtree(self.folder)

    def known(self, world: str) -> dict[str, Message]:
        """Return what the model has of a world's messages that the catalog has been told of."""
        return {
            ident: message
            for ident, message in self.messages.items()
            if message.world == world and not message.gone and message.number <= self.folded["relay"]
        }

    # -- what happens in the stack ------------------------------------------------------------------------------

    @rule(world=worlds_of, deliver=st.booleans(), told=st.booleans())
    def send(self, world: str, deliver: bool, told: bool) -> None:
        if self.worlds.begun(world) is None:
            return
        named = {} if world == "default" else {"world": world}
        ident = self.stack.accept(b"x", "ann@alpha.test", [f"bob@{world}.test"], **named)
        self.messages[ident] = Message(world, self.stack.relay.number - 1)
        if deliver:
            self.stack.deliver(ident)
        if told:
            self.fold("relay")

    @precondition(lambda self: self.stack.queued)
    @rule(data=st.data(), told=st.booleans())
    def fail(self, data: Any, told: bool) -> None:
        """Bounce: the notification is of the world of its message."""
        ident = data.draw(st.sampled_from(sorted(self.stack.queued)))
        if ident not in self.messages:
            return
        world = self.messages[ident].world
        report = self.stack.fail(ident, f"bob@{world}.test", world=world)
        del self.stack.queued[report]
        self.messages[report] = Message(world, self.stack.relay.number - 1)
        if told:
            self.fold("relay")

    # -- what the catalog learns --------------------------------------------------------------------------------

    @rule(service=st.sampled_from(["relay", "store"]))
    def fold(self, service: str) -> None:
        door: ToyDoor = getattr(self.stack, service)
        lines = [line for number, line in door.journal_lines if number > self.folded[service]]
        self.folding.fold([(service, lines, door.number)])
        self.folded[service] = door.number

    @rule(lost=st.booleans())
    def restart(self, lost: bool) -> None:
        self.close()
        if lost:
            for suffix in ("", "-wal", "-shm"):
                (self.folder / f"{FILE}{suffix}").unlink(missing_ok=True)
        self.open()
        if lost:
            self.fold("store")
            self.fold("relay")

    # -- what people do -----------------------------------------------------------------------------------------

    @rule(world=worlds_of, read=st.booleans())
    def mark_all(self, world: str, read: bool) -> None:
        if self.worlds.begun(world) is not None:
            self.writer.mark(world, None, read=read)
            for message in self.known(world).values():
                message.read = read

    @precondition(lambda self: self.messages)
    @rule(world=worlds_of, data=st.data(), act=st.sampled_from(["mark", "tag", "delete"]))
    def touch(self, world: str, data: Any, act: str) -> None:
        """Ask a world for something of any: it touches its own alone."""
        idents = data.draw(st.lists(st.sampled_from(sorted(self.messages)), min_size=1, max_size=3, unique=True))
        mine = [message for ident, message in self.known(world).items() if ident in idents]
        if act == "mark":
            read = data.draw(st.booleans())
            self.writer.mark(world, idents, read=read)
            for message in mine:
                message.read = read
        elif act == "tag":
            tags = data.draw(st.lists(st.sampled_from(TAGS), unique=True))
            self.writer.tag(world, idents, tags)
            for message in mine:
                message.tags = tags
        else:
            self.writer.delete(world, idents)
            for message in mine:
                message.gone = True

    @rule(world=worlds_of, new=st.sampled_from(["green", None]))
    def rename(self, world: str, new: str | None) -> None:
        self.writer.rename_tag(world, "red", new)
        for message in self.known(world).values():
            if "red" in message.tags:
                message.tags = [tag for tag in message.tags if tag != "red"]
                if new is not None and new not in message.tags:
                    message.tags.append(new)

    @rule(world=worlds_of)
    def purge(self, world: str) -> None:
        if self.worlds.begun(world) is not None:
            self.writer.purge(world, self.stack.relay.number)
            for message in self.messages.values():
                message.gone = message.gone or message.world == world

    # -- worlds -------------------------------------------------------------------------------------------------

    @rule(world=st.sampled_from(IDS[1:]), told=st.booleans())
    def drop(self, world: str, told: bool) -> None:
        """Drop a world; perhaps the process ends before the catalog is told."""
        if self.worlds.times.pop(world, None) is None:
            return
        for ident in [ident for ident in self.stack.queued if self.messages[ident].world == world]:
            del self.stack.queued[ident]
        for message in self.messages.values():
            message.gone = message.gone or message.world == world
        if told:
            self.writer.drop([world])
        else:
            self.close()
            self.open()

    @rule(world=st.sampled_from(IDS[1:]))
    def make(self, world: str) -> None:
        """Make a world again under an ID that another one has had."""
        if self.worlds.begun(world) is None:
            self.worlds.times[world] = self.stack.time + 0.5

    # -- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def each_world_sees_its_own(self) -> None:
        total = 0
        for world in IDS:
            known = self.known(world)
            page = self.reader.page(world, limit=-1, oldest_first=True)
            assert [record.id for record in page.records] == sorted(known, key=lambda ident: known[ident].number)
            for record in page.records:
                model = known[record.id]
                assert (record.world, record.read, sorted(record.tags)) == (world, model.read, sorted(model.tags))
            assert self.reader.counts(world) == (len(known), sum(not message.read for message in known.values()))
            counts = self.reader.tag_counts(world)
            assert sum(counts.values()) == sum(len(message.tags) for message in known.values())
            total += len(known)
        assert self.reader.counts("*").total == total
        assert {row[0] for row in self.reader.connection.execute("SELECT world FROM counts WHERE total = 0")} <= {"*"}


AnyOrder.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyOrder = AnyOrder.TestCase
