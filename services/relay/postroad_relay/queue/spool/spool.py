"""The durable queue: an index in memory over the log on disk.

The index keeps a few numbers per message; envelope and content are read back when an attempt is due. All methods are
for the event loop's thread; one other thread does all the writing, in groups (`GroupCommit`).

How space comes back: only the oldest segment is ever removed, because a DONE or PROGRESS record must not vanish before
the message that it is about. It is removed when no record in it is needed. When the whole log has grown to several
times the size of the needed records, those in the oldest segment are copied to the end of the log first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.groupcommit import MOST_TURNS, GroupCommit, promise
from postroad.syncing import sync
from postroad.world.world import DEFAULT_WORLD
from postroad_relay.queue.spool.clocks import Clocks
from postroad_relay.queue.spool.dead import DeadLetters
from postroad_relay.queue.spool.index import Entry, Index
from postroad_relay.queue.spool.log import Log, LogError, Position, log_damages
from postroad_relay.queue.spool.news import News
from postroad_relay.queue.spool.record import (
    Kind,
    Message,
    Progress,
    QueueId,
    RecordError,
    content_at,
    decode_message,
    decode_progress,
    encode_done,
    encode_message,
    encode_progress,
    queue_id,
)
from postroad_relay.queue.spool.segment import KEPT_SUFFIX
from postroad_relay.queue.spool.stored import SpoolError, Stored
from postroad_relay.queue.spool.writer import Append, Drop, Move, UnreadableError, Work, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from postroad.groupcommit import Callback
    from postroad.journal import Journal, Note
    from postroad.mail.content import Content

log = logging.getLogger(__name__)

_BEGINNING = 4096  # octets, in which most messages have their facts
_SLACK = 4  # the log may be this many times as long as the records that are needed, plus two segments
_MOVE = 8 << 20  # octets moved in one piece of work, so that new messages do not wait long
_MOVE_AGAIN = 10.0  # seconds until a compaction that failed is tried again


class Spool:
    """The relay's queue in a folder: `log/` (segments), `content/` (large ones), `incoming/`, `clocks/` and `dead/`.

    What a commit has decided is in `journal` behind it, also if the process is killed in between (`news.py`).
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock | None = None,
        segment_size: int = 32 << 20,
        journal: Journal | None = None,
    ) -> None:
        self._contents = directory / "content"
        self.incoming = directory / "incoming"
        self._clock = clock or Clock()
        self.clocks = Clocks(directory / "clocks", self._clock)
        self._segment_size = segment_size
        self.log = Log(directory / "log", segment_size=segment_size, counted=bytes([Kind.MESSAGE]))
        self._index = Index()
        self._news = News(journal)
        self._entries = self._index.entries
        self._reclaiming = False
        self._move_not_before = 0.0
        self._closed = False
        self._recover()
        self.dead = DeadLetters(directory / "dead")
        self._commit: GroupCommit[Work, list[Position]] = GroupCommit(
            Writer(self.log, self._news, journal).commit,
            name="spool",
            afterwards=journal.flush if journal is not None else None,
            most_turns=MOST_TURNS,
        )

    # -- queued messages --------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many messages are queued."""
        return len(self._entries)

    def entries(self) -> list[Entry]:
        """Return all queued messages, the oldest first."""
        return list(self._entries.values())

    def of_world(self, world: str) -> list[Entry]:
        """Return the queued messages of a world, the oldest first."""
        if world == DEFAULT_WORLD:
            return [entry for entry in self._entries.values() if entry.world == DEFAULT_WORLD]
        return list(self._index.worlds.get(world, {}).values())

    def find(self, ident: QueueId) -> Entry | None:
        """Return the entry of a queued message, or None."""
        return self._entries.get(ident)

    def new_id(self) -> QueueId:
        """Return a queue ID that was never used: the time in microseconds, or the last one plus 1."""
        index = self._index
        index.last_id = number = max(index.last_id + 1, int(self._clock.now() * 1_000_000))
        return queue_id(number)

    def read(self, entry: Entry) -> Stored:
        """Return the message for an attempt; raises `SpoolError` if it can't be read from the disk."""
        if entry.message_at is None:
            raise SpoolError(f"{entry.queue_id} is not on disk yet")
        try:
            record = self.log.read(entry.message_at)
            message, start = decode_message(record)
            progress = Progress(due=entry.due)
            if entry.progress_at is not None:
                progress = decode_progress(self.log.read(entry.progress_at))
        except (LogError, RecordError) as error:
            raise SpoolError(f"{entry.queue_id}: {error}") from error
        return Stored(message, progress, record[start:], self._content_path(message.queue_id, spilled=message.spilled))

    @property
    def held(self) -> int:
        """How many messages an administrator holds."""
        return self._index.held

    def facts(self, entry: Entry) -> tuple[Message, Progress]:
        """Return the facts of a message, without its content and unchecked; raises `SpoolError`."""
        if entry.message_at is None:
            raise SpoolError(f"{entry.queue_id} is not on disk yet")
        try:
            message, _ = decode_message(self._beginning(entry.message_at))
            progress = Progress(due=entry.due)
            if entry.progress_at is not None:
                progress = decode_progress(self.log.read(entry.progress_at))
        except (LogError, RecordError) as error:
            raise SpoolError(f"{entry.queue_id}: {error}") from error
        return message, progress

    def _beginning(self, position: Position) -> bytes:
        """Return a message's record up to its content, at least."""
        record = self.log.read_beginning(position, _BEGINNING)
        end = content_at(record)
        return record if end <= len(record) else self.log.read_beginning(position, end)

    # -- writing ----------------------------------------------------------------------------------------------

    # `notes` is what the journal has to say of a change; it says so once the change is durable.

    def add(
        self, message: Message, content: tuple[bytes, ...], *, notes: Sequence[Note] = ()
    ) -> tuple[Entry, asyncio.Future[None]]:
        """Queue a message with its content in pieces; the future ends when it is durable, or with an `OSError`.

        The message is queued even if the caller drops the future.
        """
        promised: tuple[asyncio.Future[None], Callback[None]] = promise()
        future, then = promised
        return self.put(message, content, then, notes=notes), future

    def put(
        self,
        message: Message,
        content: tuple[bytes, ...],
        then: Callable[[Exception | None], None],
        *,
        notes: Sequence[Note] = (),
    ) -> Entry:
        """Queue a message as `add` does. `then` is called once it is durable, or with the error: no future is made."""
        entry = self._entry(message)
        self._append(entry, [encode_message(message, content)], then, status=False, notes=notes)
        return entry

    async def add_spilled(
        self, message: Message, start: bytes, content: Content, *, notes: Sequence[Note] = ()
    ) -> tuple[Entry, asyncio.Future[None]]:
        """Queue a message whose content has spilled to a file, which the spool adopts; raises `OSError`."""
        path = self._contents / message.queue_id

        def adopt() -> None:
            content.adopt(path)
            sync(self._contents)

        await asyncio.to_thread(adopt)
        entry, future = self.add(replace(message, spilled=True), (start,), notes=notes)
        future.add_done_callback(lambda done: path.unlink(missing_ok=True) if done.exception() else None)
        return entry, future

    def finish(
        self, entry: Entry, *, report: tuple[Message, bytes] | None = None, notes: Sequence[Note] = ()
    ) -> asyncio.Future[None]:
        """Forget a message once that is durable; a DSN about it is written together with that."""
        return self.update(entry, None, report=report, notes=notes)

    def update(
        self,
        entry: Entry,
        progress: Progress | None,
        *,
        report: tuple[Message, bytes] | None = None,
        notes: Sequence[Note] = (),
    ) -> asyncio.Future[None]:
        """Note how far a message has come, None: to its end; a DSN about it is written together with that."""
        promised: tuple[asyncio.Future[None], Callback[None]] = promise()
        future, then = promised
        self.put_progress(entry, progress, then, report=report, notes=notes)
        return future

    def put_progress(
        self,
        entry: Entry,
        progress: Progress | None,
        then: Callable[[Exception | None], None],
        *,
        report: tuple[Message, bytes] | None = None,
        notes: Sequence[Note] = (),
    ) -> None:
        """Note how far a message has come as `update` does; `then` is called as `put` calls it."""
        done = encode_done(entry.queue_id) if progress is None else encode_progress(entry.queue_id, progress)
        if report is None:
            self._append(entry, [(done,)], then, status=True, progress=progress, notes=notes)
            return
        # The DSN comes first: if only part of the batch survives a crash, the message is attempted and reported again,
        # rather than forgotten without notice.
        message, content = report
        records = [encode_message(message, content), (done,)]
        also = self._entry(message)
        self._append(entry, records, then, status=True, progress=progress, also=also, notes=notes)

    def _entry(self, message: Message) -> Entry:
        entry = Entry(message.queue_id, message.arrived, spilled=message.spilled, world=message.world)
        entry.since = self.clocks.of(entry.world).monotonic()
        return entry

    def _append(
        self,
        entry: Entry,
        records: Sequence[Sequence[bytes]],
        then: Callable[[Exception | None], None],
        *,
        status: bool,
        progress: Progress | None = None,
        also: Entry | None = None,
        notes: Sequence[Note] = (),
    ) -> None:
        done = status and progress is None
        unlink = self._content_path(entry.queue_id, spilled=entry.spilled and done)
        entry.writing += 1

        def settle(written: list[Position] | Exception) -> None:
            entry.writing -= 1
            if isinstance(written, Exception):
                then(written)
            else:
                self._news.tell(notes)
                if len(written) > len(records):
                    self._news.told(written[-1])
                self._noted(entry, written, status=status, progress=progress, also=also)
                then(None)

        self._commit.submit(Append(records, status, unlink, notes, entry.led), settle)

    def _noted(
        self, entry: Entry, positions: list[Position], *, status: bool, progress: Progress | None, also: Entry | None
    ) -> None:
        """Bring the index up to date with the disk."""
        index = self._index
        index.saw(positions)
        if also is not None:
            index.add(also, positions[0])
        if not status:
            index.add(entry, positions[0])
        elif progress is None:
            index.remove(entry)
        else:
            index.progress(entry, positions[also is not None], progress)
        self._reclaim()

    def _content_path(self, ident: QueueId, *, spilled: bool) -> Path | None:
        return self._contents / ident if spilled else None

    # -- giving space back ------------------------------------------------------------------------------------

    def _reclaim(self) -> None:
        """Remove the oldest segment if no record in it is needed, or empty it if the log has grown too long."""
        if self._closed or self._reclaiming or len(self._index.seen) < 2:
            return  # closing: leave reclaiming to the next start
        oldest = next(iter(self._index.seen))  # segments were seen in the order of their numbers
        if not self._index.pins[oldest]:
            self._reclaiming = True
            self._commit.submit(Drop(oldest, self._index.seen[oldest]), lambda done: self._dropped(oldest, done))
        elif (
            self._index.total > _SLACK * self._index.live + 2 * self._segment_size
            and self._clock.monotonic() >= self._move_not_before
        ):
            self._move_out_of(oldest)

    def _dropped(self, segment: int, done: list[Position] | Exception) -> None:
        self._reclaiming = False
        if isinstance(done, Exception):
            log.error("a segment of the spool can't be removed: %s", done)
        if segment not in self.log.sizes:
            del self._index.seen[segment], self._index.pins[segment]
            self._index.total = sum(self.log.sizes.values())
            self._reclaim()

    def _move_out_of(self, segment: int) -> None:
        moving: list[Entry] = []
        positions: list[list[Position]] = []
        octets = 0
        for entry in self._entries.values():
            own = entry.places
            if entry.writing or not any(place.segment == segment for place in own):
                continue  # a record about it is being written, and the copies would be older
            moving.append(entry)
            positions.append(own)
            octets += sum(place.length for place in own)
            if octets > _MOVE:
                break
        if moving:
            self._reclaiming = True
            self._commit.submit(Move(positions), lambda done: self._moved(moving, positions, done))

    def _moved(self, moving: list[Entry], old: list[list[Position]], done: list[Position] | Exception) -> None:
        self._reclaiming = False
        if isinstance(done, UnreadableError):
            # It can't be delivered either, and must not keep the log from shrinking for ever.
            log.error("%s is lost from the spool: %s", moving[done.index].queue_id, done)
            self._index.remove(moving[done.index])
            self._reclaim()
            return
        if isinstance(done, Exception):
            log.error("the spool can't be compacted: %s", done)
            self._move_not_before = self._clock.monotonic() + _MOVE_AGAIN
            return
        self._index.saw(done)
        new = iter(done)
        # Whatever was written about these messages meanwhile was submitted later, so it settles later too.
        for entry, places in zip(moving, old, strict=True):
            self._index.move(entry, [next(new) for _ in places])
        self._reclaim()

    # -- beginning and end ------------------------------------------------------------------------------------

    def _recover(self) -> None:
        for directory in (self._contents, self.incoming):
            directory.mkdir(parents=True, exist_ok=True)
        for left in self.incoming.iterdir():
            left.unlink()  # it was arriving when the process ended: no client got a 250 for it
        damages = self.log.recover(self._visit)
        self._news.catch_up()
        for number in self.log.sizes:
            self._index.seen[number] = self.log.records(number)
        self._index.total = sum(self.log.sizes.values())
        for entry in self._entries.values():
            entry.since = self.clocks.of(entry.world).monotonic_at(entry.arrived)
            entry.steered = entry.held
        log_damages(damages, Counter(place.segment for entry in self.entries() for place in entry.places[:1]))
        lossy = any(not damage.torn for damage in damages)
        for path in self._contents.iterdir():
            if path.name in self._entries or path.suffix == KEPT_SUFFIX:
                continue
            if lossy:  # its record may be among those that are lost
                log.error("spool: the content %s belongs to no message; it is kept as %s", path.name, _keep(path).name)
            else:
                path.unlink()

    def _visit(self, position: Position, record: memoryview) -> None:
        visitor = self._news if record[0] == Kind.NEWS else self._index
        visitor.visit(position, record)

    def close(self) -> None:
        """Write all work that has been submitted, and close."""
        self._closed = True
        self._commit.close()
        self.log.close()
        self.dead.close()


def _keep(path: Path) -> Path:
    return path.rename(path.with_name(path.name + KEPT_SUFFIX))
