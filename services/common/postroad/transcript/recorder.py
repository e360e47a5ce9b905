"""The recorder: the tap that keeps the transcripts of a service's sessions in memory, within bounds.

Each world has a shelf. A shelf has at most so many sessions: those that have ended go first, the oldest first. All
tapes together have so many octets: beyond them the fullest shelf loses its oldest sessions. So a flood in one world
leaves the transcripts of the others alone. A session that goes on while its tape is dropped is recorded no further.

Numbers grow with the changes of tapes, also over a restart (they begin at the time in microseconds), so that a reader
can ask for what has changed since.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from postroad.transcript.cutting import ENTRY
from postroad.transcript.finding import matching
from postroad.transcript.mailtape import PROTOCOLS, MailTape
from postroad.transcript.tape import Tape
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postroad.clock import Clock
    from postroad.config import Settings
    from postroad.tap import Opened


def recorder_of(settings: Settings, clock: Clock) -> Recorder:
    """Return a recorder with the bounds of the settings."""
    return Recorder(
        clock,
        sessions=settings.transcript_sessions,
        size=settings.transcript_size,
        memory=settings.transcript_memory,
    )


class _Shelf:
    """The tapes of one world, in the order in which they began or ended.

    The first of a plain dict is behind all that were taken out before it: to find it, once a shelf is full, would read
    20 KB of memory per session.
    """

    __slots__ = ("ended", "held", "open")

    def __init__(self) -> None:
        self.open: OrderedDict[Tape, None] = OrderedDict()
        self.ended: OrderedDict[Tape, None] = OrderedDict()
        self.held = 0

    def __len__(self) -> int:
        return len(self.open) + len(self.ended)


class Recorder:
    """Records every session (`postroad.tap.Tap`).

    `sessions` are kept per world; a tape has at most `size` octets, all tapes together `memory`.
    """

    def __init__(self, clock: Clock, *, sessions: int, size: int, memory: int) -> None:
        self._number = int(clock.now() * 1_000_000)
        self.woken: Callable[[], None] | None = None  # is called at the next change, and forgotten
        self.held = 0  # octets
        self._sessions = sessions
        self.size = size
        self._memory = memory
        self._shelves: dict[str, _Shelf] = {}
        self._by_id: dict[str, Tape] = {}
        self._changed: dict[Tape, None] = {}  # since a reader has last looked

    # -- for tapes

    def opened(self, session: Opened) -> Tape:
        """See `Tap`."""
        tape = (MailTape if session.protocol in PROTOCOLS else Tape)(session, self)
        self._by_id[session.session] = tape
        shelf = self._shelf(tape.world)
        shelf.open[tape] = None
        shelf.held += ENTRY
        self.held += ENTRY
        self._changed[tape] = None
        if self.woken is not None:
            self._wake()
        if self.held > self._memory:
            self._make_room()
        if len(shelf.open) + len(shelf.ended) > self._sessions:
            self._drop_oldest(shelf)
        return tape

    def changed(self, tape: Tape) -> None:
        """Note that a tape has changed since a reader has last looked."""
        self._changed[tape] = None
        if self.woken is not None:
            self._wake()

    def grew(self, tape: Tape) -> None:
        """Note that a tape has grown."""
        held = tape.held
        octets, tape.told = held - tape.told, held
        self._shelves[tape.world].held += octets
        self.held += octets
        if held > self.size:
            tape.shorten(self.size)
        if self.held > self._memory:
            self._make_room()

    def weighed(self, tape: Tape) -> None:
        """Note how many octets a tape has, which are fewer now."""
        octets, tape.told = tape.held - tape.told, tape.held
        self._shelves[tape.world].held += octets
        self.held += octets

    def moved(self, tape: Tape, world: str) -> None:
        """Put a tape on another world's shelf: it is known now whose it is."""
        if world == tape.world:
            return
        old = self._shelves[tape.world]
        is_open = tape in old.open
        old.open.pop(tape, None)
        old.ended.pop(tape, None)
        old.held -= tape.told
        self._forget_if_empty(tape.world, old)
        tape.world = world
        shelf = self._shelf(world)
        (shelf.open if is_open else shelf.ended)[tape] = None
        shelf.held += tape.told
        if len(shelf) > self._sessions:
            self._drop_oldest(shelf)

    def over(self, tape: Tape) -> None:
        """Note that a session has ended."""
        if tape.changed >= 0:
            shelf = self._shelves[tape.world]
            shelf.open.pop(tape, None)
            shelf.ended[tape] = None

    # -- for readers

    @property
    def number(self) -> int:
        """The number of the last change. Changes get their numbers when a reader looks."""
        for tape in self._changed:
            self._number += 1
            tape.looked_at(self._number)
        self._changed.clear()
        return self._number

    def find(self, session: str, world: str | None = None) -> Tape | None:
        """Return a session's tape by its ID, if the world may see it; None: all worlds."""
        tape = self._by_id.get(session)
        return tape if tape is not None and tape.of(world) else None

    def matching(self, query: Mapping[str, str], world: str | None) -> Iterator[Tape]:
        """Yield the tapes that a query asks for, the session that began last first; raises `Refusal`."""
        return matching(self.tapes(), query, world)

    def tapes(self) -> Iterator[Tape]:
        """Yield all tapes, the one that began last first."""
        return reversed(self._by_id.values())

    def drop_world(self, world: str) -> None:
        """Forget all that a world's sessions have said."""
        for tape in [tape for tape in self._by_id.values() if world in tape.worlds]:
            if tape.worlds == {world} and world != DEFAULT_WORLD:
                self._drop(tape)
            else:
                tape.forget_world(world)

    # -- bounds

    def _shelf(self, world: str) -> _Shelf:
        shelf = self._shelves.get(world)
        if shelf is None:
            shelf = self._shelves[world] = _Shelf()
        return shelf

    def _make_room(self) -> None:
        while self.held > self._memory:
            shelf = max(self._shelves.values(), key=lambda shelf: shelf.held)
            if len(shelf) < 2:
                for tape in (*shelf.open, *shelf.ended):
                    tape.shorten(self._memory // 2)
                return
            self._drop_oldest(shelf)

    def _drop_oldest(self, shelf: _Shelf) -> None:
        self._drop(next(iter(shelf.ended or shelf.open)))

    def _drop(self, tape: Tape) -> None:
        shelf = self._shelves[tape.world]
        shelf.open.pop(tape, None)
        shelf.ended.pop(tape, None)
        shelf.held -= tape.told
        self.held -= tape.told
        self._changed.pop(tape, None)
        tape.changed = -1
        if tape.ended is None:  # else nobody has it any more
            tape.forget()
        if self._by_id.get(tape.opened.session) is tape:
            del self._by_id[tape.opened.session]
        if not shelf.ended:
            self._forget_if_empty(tape.world, shelf)

    def _forget_if_empty(self, world: str, shelf: _Shelf) -> None:
        if not len(shelf):
            self._shelves.pop(world, None)

    def _wake(self) -> None:
        woken, self.woken = self.woken, None
        if woken is not None:
            with suppress(RuntimeError):  # the loop is closed
                woken()
