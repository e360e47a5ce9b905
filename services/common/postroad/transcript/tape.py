"""A tape: what one session says, as it comes, until somebody wants to read it.

While mail is under way, a block costs an append and an addition: the octets are those that the event loop has made
anyway (0.5 µs). Now and then the blocks become one object (`packing`), and the recorder learns how much the tape has
grown. An observer makes lines of them later (`read`). A tape that has grown beyond its limit is made shorter, if
possible without having been read (`cutting`); else lines are made now, and the oldest go, except the first ones, which
say how the session began.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from postroad.tap import Carried, LoggedIn, Read
from postroad.transcript import view
from postroad.transcript.cutting import ENTRY, Passing, cut_at, dialogues
from postroad.transcript.line import Side
from postroad.transcript.observers import observer_of
from postroad.transcript.packing import LARGE, blocks_of, item_of, items_of, pack_of, unpacked
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from postroad.tap import Fact, Opened
    from postroad.transcript.cutting import Block, Said
    from postroad.transcript.line import Line, Noted
    from postroad.transcript.observer import Observer
    from postroad.transcript.packing import Item, Pack
    from postroad.transcript.recorder import Recorder

STEP = 2048  # octets that a tape may grow before they are packed, and the recorder learns of it
READS = 50  # facts of reading by which a session is found
_NOTHING_READ: deque[Read] = deque(maxlen=0)  # a deque takes 700 octets, as much as what many sessions say
# What nearly all sessions have alike is one object: a set of its own takes 216 octets.
_NOBODYS: frozenset[str] = frozenset()
FIRST = 20  # lines that are never dropped
_AT_ONCE = -1  # octets: fewer than any tape holds


@lru_cache(maxsize=1000)
def _of_one(world: str) -> frozenset[str]:
    return frozenset((world,))


class Tape:
    """The listener of one session (`postroad.tap.Listener`)."""

    __slots__ = (
        "_begins", "_carried", "_changed", "_due", "_inbound", "_items", "_large", "_observer", "_packed", "_packs",
        "_passing", "_recorder", "account", "changed", "ended", "held", "lines", "messages", "notes", "omitted",
        "opened", "reads", "told", "world", "worlds",
    )  # fmt: skip

    def __init__(self, opened: Opened, recorder: Recorder) -> None:
        self.opened = opened
        self.world = opened.world or DEFAULT_WORLD  # in whose bounds it is
        # Whose port it came by, whose mail it has carried, or whose account has logged in
        self.worlds = _NOBODYS if opened.world is None else _of_one(opened.world)
        self.account: str | None = None
        self.messages: dict[str, str] = {}  # worlds by queue ID
        self.reads: deque[Read] = _NOTHING_READ
        self.ended: float | None = None
        self.changed = 0  # the recorder's number of the last change; -1: it is recorded no more
        self.held = ENTRY  # about how many octets of memory it takes
        self.told = ENTRY  # as far as the recorder knows
        self.omitted = 0  # octets that were dropped, about
        self.lines: list[Line] = []
        self.notes: list[Noted] = []
        self._changed = True  # since a reader has last looked
        self._due = ENTRY + STEP  # when it holds more octets, something is to be done
        self._recorder = recorder
        self._inbound = not opened.outbound
        self._observer: Observer | None = None  # made when it is first needed
        # Those that have not been read; None where some were dropped. The older ones are packed.
        self._packs: list[Pack] = []
        self._items: list[Item] = []
        self._large: tuple[bytes, ...] = ()  # octets of items
        self._carried: tuple[str, ...] = ()  # the queue IDs in items
        self._begins = False  # whether a mail transaction begins with the items
        self._packed = ENTRY  # octets that it holds without the items; right where packs are weighed (`MailTape`)
        self._passing: Passing | None = None  # an answer that is too long goes on

    # -- the hot path

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        """See `Listener`."""
        self._items.append((self._inbound, octets, at, tls))
        self.held = held = self.held + len(octets) + ENTRY
        if held > self._due:
            self._grown()

    def sent(self, octets: bytes, at: float, *, tls: bool) -> None:
        """See `Listener`."""
        self._items.append((not self._inbound, octets, at, tls))
        self.held = held = self.held + len(octets) + ENTRY
        if held > self._due:
            self._grown()

    def noted(self, fact: Fact) -> None:
        """See `Listener`."""
        if self.changed < 0:
            return
        if self._passing is None:
            self._items.append(item_of(fact))
        else:  # before the gap: the command that it is about is there
            self._items.insert(-1, item_of(fact))
        self.held += ENTRY
        if type(fact) is Carried:
            self.messages[fact.queue_id] = fact.world
            self._carried += (fact.queue_id,)
        elif type(fact) is LoggedIn:
            self.account = fact.login
            self._due = _AT_ONCE
        else:
            if self.reads is _NOTHING_READ:
                self.reads = deque(maxlen=READS)
            read: Any = fact
            self.reads.append(read)
        if fact.world not in self.worlds:
            if self.worlds:
                self.worlds |= {fact.world}
            else:
                self.worlds = _of_one(fact.world)
                self._recorder.moved(self, fact.world)
        if self.held > self._due and (self._passing is None or not self._changed or self.held - self.told > STEP):
            self._tell()

    def closed(self, at: float) -> None:
        """See `Listener`."""
        self.ended = at
        self._pack()
        self._tell()
        self._recorder.over(self)

    def _grown(self) -> None:
        """Do what is due: the tape has grown by so much, a reader has looked, or an answer is passed over."""
        said: Any = self._items[-1]  # no `cast`, which is a call
        from_client, octets, at, tls = said
        if self._passing is not None:
            if not self._passing.over(octets, from_client=from_client):
                del self._items[-1]
                self.held -= len(octets) + ENTRY
                self.omitted += len(octets)
                return
            self._passing = None
        if len(octets) > LARGE:
            self._items[-1] = (from_client, len(self._large), at, tls)
            self._large += (octets,)
        if self.held - self.told > STEP:
            self._pack_much()
        self._tell()

    def _pack_much(self) -> None:
        """Pack so many octets."""
        self._pack()

    def _pack(self) -> None:
        """Make one object of the items."""
        if self._items:
            weight = self.held - self._packed
            self._packs.append(pack_of(self._items, self._large, self._carried, weight, begins=self._begins))
            self._packed = self.held
            self._begins = False
            self._clear_items()

    def _clear_items(self) -> None:
        self._items.clear()
        self._large = self._carried = ()

    def _tell(self) -> None:
        """Tell the recorder that the tape has grown."""
        if self.changed < 0:
            self._packs.clear()
            self._clear_items()
            self.held = self.told = self._packed = 0
            self._due = STEP
            return
        if not self._changed:
            self._changed = True
            self._recorder.changed(self)
        self._recorder.grew(self)
        self._due = _AT_ONCE if self._passing is not None else self.told + STEP

    def looked_at(self, number: int) -> None:
        """Note that a reader looks, to whom the changes so far have this number."""
        self._changed = False
        self._due = _AT_ONCE
        self.changed = number

    # -- reading

    @property
    def began(self) -> float:
        """When the session began, seconds since the epoch."""
        return self.opened.at

    def of(self, world: str | None) -> bool:
        """Whether a world may see it; None: all may. One that has to do with no world is the default world's."""
        return world is None or world in (self.worlds or {DEFAULT_WORLD})

    @property
    def tls(self) -> bool:
        """Whether any of it was inside TLS."""
        blocks, older = blocks_of(self._items, self._large), len(self._packs)
        while (said := last_said(blocks)) is None and older:
            older -= 1
            blocks = unpacked(self._packs[older : older + 1])
        return said[3] if said is not None else bool(self.lines) and self.lines[-1].tls

    @property
    def place(self) -> tuple[int, str]:
        """Where the session is in the order of all: when it began, in microseconds, and its ID."""
        return int(self.opened.at * 1_000_000), self.opened.session

    def summary(self, world: str | None) -> dict[str, Any]:
        """Return the facts about the session, as a world may see them."""
        return view.summary(self, world)

    def whole(self, world: str | None) -> dict[str, Any]:
        """Return the session with its lines."""
        return view.whole(self, world)

    def read(self) -> None:
        """Make lines of all blocks."""
        observer = self._observer
        if observer is None:
            observer = self._observer = observer_of(self.opened)
        blocks = self._unread()
        if not blocks and (self.ended is None or not observer.open):
            return
        for block in blocks:
            if block is None:
                observer.skip()
            elif type(block) is tuple:
                from_client, octets, at, tls = cast("Said", block)
                observer.take(Side.CLIENT if from_client else Side.SERVER, octets, at, tls=tls)
            else:
                observer.noted(cast("Fact", block))
        if self.ended is not None and observer.open:
            observer.end()
        self.lines += observer.lines
        self.notes += observer.notes
        observer.lines.clear()
        observer.notes.clear()
        self._weigh(ENTRY + sum(line.weight for line in self.lines) + ENTRY * len(self.notes))
        if self.held > self._recorder.size:
            self._drop_lines(self._recorder.size)

    def shorten(self, limit: int) -> None:
        """Become shorter than `limit` octets."""
        self._drop_dialogues(limit)
        if self.held > limit:
            self.read()
        if self.held > limit:
            self._drop_lines(limit)

    def _drop_dialogues(self, limit: int) -> None:
        """Drop the oldest commands with their answers, or the rest of an answer."""
        if blocks := self._unread():
            self._drop(blocks, *dialogues(blocks, self.held - limit // 2, self.opened.protocol))
            if self.held > limit:
                self._pass_over(blocks, limit)
            self._items, self._large = items_of(blocks)

    def _unread(self) -> list[Block]:
        """Take out the blocks that have not been read."""
        blocks = unpacked(self._packs) + blocks_of(self._items, self._large)
        self._packs.clear()
        self._clear_items()
        self._packed = self.held
        return blocks

    def _drop(self, blocks: list[Block], first: int, last: int, gone: int) -> None:
        """Drop blocks that nobody has read."""
        if first >= last:
            return
        for block in blocks[first:last]:
            if type(block) is Carried:
                self.messages.pop(block.queue_id, None)
        blocks[first:last] = [] if first and blocks[first - 1] is None else [None]
        self.omitted += gone
        self._weigh(self.held - gone)

    def _pass_over(self, blocks: list[Block], limit: int) -> None:
        """Drop the end of a long answer, and what is still to come of it."""
        first, size = cut_at(blocks, limit // 2)
        if first == len(blocks):
            return
        last = last_said(blocks)
        self._drop(blocks, first, len(blocks), size)
        self._passing = Passing(self.opened.protocol, b"" if last is None else last[1])
        self._due = _AT_ONCE

    def _drop_lines(self, limit: int) -> None:
        """Drop the oldest lines behind the first ones."""
        room = self.held - limit // 2
        gone, end = 0, FIRST
        while end < len(self.lines) and gone < room:
            gone += self.lines[end].weight
            end += 1
        gone += self._forget_notes({line.number for line in self.lines[FIRST:end]})
        del self.lines[FIRST:end]
        self.omitted += gone
        self._weigh(self.held - gone)

    def forget(self) -> None:
        """Drop all, and take no more."""
        self._packs, self._observer = [], None
        self._clear_items()
        self.lines, self.notes, self.messages = [], [], {}

    def forget_world(self, world: str) -> None:
        """Drop what was said about a world's messages."""
        self.read()
        gone = self.groups_of(world)
        dropped = [line for line in self.lines if line.group in gone]
        held = sum(line.weight for line in dropped) + self._forget_notes({line.number for line in dropped})
        self.lines = [line for line in self.lines if line.group not in gone]
        self.messages = {ident: other for ident, other in self.messages.items() if other != world}
        self.worlds -= {world}
        self._weigh(self.held - held)

    def groups_of(self, world: str) -> set[int]:
        """Return the mail transactions that have carried a world's messages."""
        numbers = {note.line for note in self.notes if isinstance(note.fact, Carried) and note.fact.world == world}
        return {line.group for line in self.lines if line.number in numbers and line.group}

    def _forget_notes(self, numbers: set[int]) -> int:
        """Drop the facts about lines; return how many octets they took."""
        notes = [note for note in self.notes if note.line not in numbers]
        for note in self.notes:
            if note.line in numbers and isinstance(note.fact, Carried):
                self.messages.pop(note.fact.queue_id, None)
        gone = ENTRY * (len(self.notes) - len(notes))
        self.notes = notes
        return gone

    def _weigh(self, held: int) -> None:
        self._packed += held - self.held
        self.held = held
        self._recorder.weighed(self)
        self._due = min(self._due, self.told + STEP)


def last_said(blocks: list[Block]) -> Said | None:
    """Return the last block that was said; None if there are facts alone."""
    last = next((block for block in reversed(blocks) if type(block) is tuple), None)
    return cast("Said | None", last)
