"""A tape: what one session says, as it comes, until somebody wants to read it.

While mail is under way, a block costs an append and a few additions: the octets are those that the event loop has made
anyway. An observer makes lines of them later (`read`). A tape that has grown beyond its limit is made shorter: of an
SMTP session that carries one message after the other, whole old transactions go without having been read; else lines
are made now, and the oldest go, except the first ones, which say how the session began.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad.tap import Carried, LoggedIn, Read
from postroad.transcript import view
from postroad.transcript.line import Side
from postroad.transcript.observers import observer_of
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from postroad.tap import Fact, Opened
    from postroad.transcript.line import Line, Noted
    from postroad.transcript.observer import Observer
    from postroad.transcript.recorder import Recorder

ENTRY = 120  # octets of memory that a block takes besides its own
READS = 50  # facts of reading by which a session is found
FIRST = 20  # lines that are never dropped
_CLIENT, _SERVER = Side.CLIENT, Side.SERVER
_Block: TypeAlias = "tuple[Side, bytes, float, bool] | Fact | None"


class Tape:
    """The listener of one session (`postroad.tap.Listener`)."""

    __slots__ = (
        "_between", "_blocks", "_inbound", "_marks", "_observer", "_recorder", "_smtp", "account", "changed", "ended",
        "held", "lines", "messages", "notes", "omitted", "opened", "reads", "tls", "world", "worlds",
    )  # fmt: skip

    def __init__(self, opened: Opened, recorder: Recorder) -> None:
        self.opened = opened
        self.world = DEFAULT_WORLD  # in whose bounds it is
        self.worlds: set[str] = set()  # whose mail it has carried, or whose account has logged in
        self.account: str | None = None
        self.messages: dict[str, str] = {}  # worlds by queue ID
        self.reads: deque[Read] = deque(maxlen=READS)
        self.tls = False
        self.ended: float | None = None
        self.changed = 0  # the recorder's number of the last change
        self.held = ENTRY  # about how many octets of memory it takes
        self.omitted = 0  # octets that were dropped, about
        self.lines: list[Line] = []
        self.notes: list[Noted] = []
        self._recorder = recorder
        self._inbound = not opened.outbound
        self._smtp = opened.protocol in {"smtp", "lmtp"}
        self._observer: Observer | None = None  # made when it is first needed
        # Blocks that have not been read: side, octets, time, TLS; or a fact; None where blocks were dropped.
        self._blocks: list[_Block] = []
        self._between = False  # no transaction is open, as far as the last block says
        self._marks: list[int] = []  # in `_blocks`: where a mail transaction begins and none is open

    # -- the hot path

    def received(self, octets: bytes, at: float, *, tls: bool) -> None:
        """See `Listener`."""
        if self._inbound:
            self._from_client(octets, at, tls)
        else:
            self._from_server(octets, at, tls)

    def sent(self, octets: bytes, at: float, *, tls: bool) -> None:
        """See `Listener`."""
        if self._inbound:
            self._from_server(octets, at, tls)
        else:
            self._from_client(octets, at, tls)

    def _from_client(self, octets: bytes, at: float, tls: bool) -> None:
        blocks = self._blocks
        if self.changed < 0:
            return
        if self._between and octets[:5] in {b"MAIL ", b"mail "}:
            # Outbound, the message was named a moment before.
            self._marks.append(len(blocks) - (not self._inbound and bool(blocks) and isinstance(blocks[-1], Carried)))
        self._between = False
        blocks.append((_CLIENT, octets, at, tls))
        self.held += len(octets) + ENTRY
        self._recorder.grew(self, len(octets) + ENTRY)

    def _from_server(self, octets: bytes, at: float, tls: bool) -> None:
        if self.changed < 0:
            return
        # A reply of this kind ends a transaction, or stands before one; 354 asks for content.
        self._between = self._smtp and octets[:3] == b"250" and b"\n3" not in octets
        self.tls = self.tls or tls
        self._blocks.append((_SERVER, octets, at, tls))
        self.held += len(octets) + ENTRY
        self._recorder.grew(self, len(octets) + ENTRY)

    def noted(self, fact: Fact) -> None:
        """See `Listener`."""
        if self.changed < 0:
            return
        self._blocks.append(fact)
        if isinstance(fact, LoggedIn):
            self.account = fact.login
        elif isinstance(fact, Carried):
            self.messages[fact.queue_id] = fact.world
        else:
            self.reads.append(fact)
        if fact.world not in self.worlds:
            self.worlds.add(fact.world)
            if len(self.worlds) == 1:
                self._recorder.moved(self, fact.world)
        self.held += ENTRY
        self._recorder.grew(self, ENTRY)

    def closed(self, at: float) -> None:
        """See `Listener`."""
        self.ended = at
        self._recorder.over(self)

    # -- reading

    @property
    def began(self) -> float:
        """When the session began, seconds since the epoch."""
        return self.opened.at

    def of(self, world: str | None) -> bool:
        """Whether a world may see it; None: all may. One that has to do with no world is the default world's."""
        return world is None or world in (self.worlds or {DEFAULT_WORLD})

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
        if not self._blocks and (self.ended is None or not observer.open):
            return
        blocks, self._blocks = self._blocks, []
        self._marks.clear()
        for block in blocks:
            if block is None:
                observer.skip()
            elif isinstance(block, tuple):
                side, octets, at, tls = block
                observer.take(side, octets, at, tls=tls)
            else:
                observer.noted(block)
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
        if len(self._marks) > 1:
            self._drop_transactions(limit)
        if self.held > limit:
            self.read()
        if self.held > limit:
            self._drop_lines(limit)

    def _drop_transactions(self, limit: int) -> None:
        """Drop blocks from the first mark to a later one: transactions that nobody has read."""
        first = self._marks[0]
        room = max(self.held - limit // 2, 0)
        gone, last = 0, first
        for mark in self._marks[1:]:
            gone += sum(_size(block) for block in self._blocks[last:mark])
            last = mark
            if gone >= room:
                break
        for block in self._blocks[first:last]:
            if isinstance(block, Carried):
                self.messages.pop(block.queue_id, None)
        gap: list[_Block] = [] if first and self._blocks[first - 1] is None else [None]
        self._blocks[first:last] = gap
        shift = last - first - len(gap)
        self._marks = [mark - shift for mark in self._marks if mark >= last]
        self.omitted += gone
        self._weigh(self.held - gone)

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
        self._blocks, self._marks, self._observer = [], [], None
        self.lines, self.notes, self.messages = [], [], {}

    def forget_world(self, world: str) -> None:
        """Drop what was said about a world's messages."""
        self.read()
        gone = self.groups_of(world)
        dropped = [line for line in self.lines if line.group in gone]
        held = sum(line.weight for line in dropped) + self._forget_notes({line.number for line in dropped})
        self.lines = [line for line in self.lines if line.group not in gone]
        self.messages = {ident: other for ident, other in self.messages.items() if other != world}
        self.worlds.discard(world)
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
        before, self.held = self.held, held
        self._recorder.shrank(self, before - held)


def _size(block: _Block) -> int:
    return ENTRY + len(block[1]) if isinstance(block, tuple) else ENTRY
