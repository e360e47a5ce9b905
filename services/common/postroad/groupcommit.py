"""Group commit: many callers, one writer thread, one fsync.

Work that arrives while a commit runs shares the next one. A caller is called back only after its work is on disk, so a
250, an APPEND OK or a flag change can wait for it (RFC 5321 §6.1: durable before acknowledged).

Callers are called back directly and get no future: that saves a turn of the event loop per message.

While commits are shared, the thread is woken a few turns of the event loop after the first work. On a busy machine each
turn brings more work for the same commit, and waking a thread and passing it Python's lock costs as much as taking a
message: measured under load, a message takes a quarter less time. Where the last commit was for one caller alone, as
with a client that waits for each answer, the thread is woken in the next turn. A writer of much that may wait longer
(`most_turns`) goes on gathering while the turns bring work.

A commit of many small steps is slow in a thread: each step gives Python's lock away, and waits for it while the event
loop is at work. So the loop may `begin` a commit, and leave to the thread what takes time: the disk.

Small commits of files that are in memory (`syncing.is_in_memory`) wait for no disk, and are made on the event loop: to
wake the thread and be woken by it takes longer than they do.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

TURNS = 4  # of the event loop, from the first work until the thread is woken, while commits are shared
MOST_TURNS = 12  # the same for a writer that gathers while there is work
PATIENCE = 0.1  # seconds that work waits for which nobody waits

Work = TypeVar("Work")
Result = TypeVar("Result")
Callback: TypeAlias = "Callable[[Result | Exception], None]"


class _Batch(NamedTuple, Generic[Work, Result]):
    works: list[Work]
    callbacks: list[Callback[Result]]


class GroupCommit(Generic[Work, Result]):
    """Runs `commit(batch)` in one thread. A batch is the work since the last batch began, up to `limit`.

    Where `at_once` says so at that moment, and the thread has nothing to do, it is run on the event loop instead.

    `commit` makes the batch durable and returns one result per work, in order. A result may be an exception, for that
    caller alone; an exception raised by `commit` goes to all callers of the batch. `submit` is called in the thread of
    one event loop, and so are the callbacks, and `afterwards` in the loop's next turn.

    `begin(batch)` is called on the loop before the `commit(batch)`, and nothing of another batch comes between them.
    Only what is pending when it is closed is committed without.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Work]], Sequence[Result | Exception]],
        *,
        name: str,
        limit: int = 1000,
        afterwards: Callable[[], None] | None = None,
        begin: Callable[[Sequence[Work]], None] | None = None,
        at_once: Callable[[], bool] = lambda: False,
        most_turns: int = TURNS,
    ) -> None:
        self._commit = commit
        self._afterwards = afterwards
        self._begin = begin
        self._at_once = at_once
        self._most_turns = most_turns
        self._committing = threading.Lock()
        self._limit = limit
        self._pending: deque[tuple[Work, Callback[Result], bool]] = deque()  # and whether it is in a hurry
        self._shared = False  # the last commit had several works in a hurry
        self._under_way = False  # a batch that was begun has not ended yet
        self._bell: SimpleQueue[_Batch[Work, Result] | None] = SimpleQueue()
        self._to_ring = False  # the thread will be woken within a few turns of the loop
        self._later: asyncio.TimerHandle | None = None  # when it will be woken for work that is in no hurry
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Work, callback: Callback[Result], *, hurry: bool = True) -> None:
        """Hand over work; `callback` is called with its result once it is durable, or with the exception.

        Work that is in no hurry waits for other work to share its commit, for a while.
        """
        if self._closing:
            raise RuntimeError("the writer is closed")
        self._pending.append((work, callback, hurry))
        if self._to_ring:
            return
        self._loop = loop = asyncio.get_running_loop()
        if hurry:
            if not self._under_way:
                self._to_ring = True
                turns, most = (TURNS, self._most_turns) if self._shared else (0, 0)
                loop.call_soon(self._ring, loop, turns, most, 1)
        elif self._later is None:
            self._later = loop.call_later(PATIENCE, self._remember)

    def durable(self, work: Work) -> asyncio.Future[Result]:
        """Hand over work; return the future of its result, for those to whom a turn of the event loop is nothing."""
        promised: tuple[asyncio.Future[Result], Callback[Result]] = promise()
        future, settle = promised
        self.submit(work, settle)
        return future

    def _ring(self, loop: asyncio.AbstractEventLoop, turns: int, most: int, seen: int) -> None:
        """Wake the thread, unless so many turns are left; each turn with more work than was `seen` begins them anew."""
        pending = len(self._pending)
        if pending > seen:
            turns = TURNS
        if turns and most:
            loop.call_soon(self._ring, loop, turns - 1, most - 1, pending)
            return
        self._to_ring = False
        self._wake()

    def _remember(self) -> None:
        self._later = None
        self._wake()

    def _wake(self) -> None:
        """Let the thread commit what is pending; if it is to be begun here, after the batch that is under way."""
        if self._begin is None:
            if not self._is_committed_here():
                self._bell.put(None)
        elif self._pending and not self._under_way:
            self._under_way = True
            batch = self._take()
            try:
                self._begin(batch.works)
            except Exception:
                log.exception("unforeseen error before a commit")
            self._bell.put(batch)

    def _is_committed_here(self) -> bool:
        """Commit a batch on the loop, if that is quick and the thread is idle; return whether nothing is left to it."""
        if not self._at_once() or not self._committing.acquire(blocking=False):
            return False
        try:
            batch = self._take()
            outcomes = self._outcomes(batch)
        finally:
            self._committing.release()
        if batch.works:
            self._call_back(batch.callbacks, outcomes)
        return not self._pending or self._to_ring

    def close(self) -> None:
        """Commit the pending work and end the thread."""
        self._closing = True
        if self._later is not None:
            self._later.cancel()
        self._bell.put(None)
        self._thread.join()

    def _take(self) -> _Batch[Work, Result]:
        """Take a batch of what is pending."""
        taken = [self._pending.popleft() for _ in range(min(len(self._pending), self._limit))]
        self._shared = len(taken) > 1 and sum([hurry for _, _, hurry in taken]) > 1
        return _Batch([work for work, _, _ in taken], [callback for _, callback, _ in taken])

    def _run(self) -> None:
        while True:
            batch = self._bell.get()
            if batch is not None:
                self._carry_out(batch)
                continue
            while self._pending:
                self._carry_out()
            if self._closing:
                return

    def _carry_out(self, batch: _Batch[Work, Result] | None = None) -> None:
        """Commit a batch that was begun, else the next one."""
        with self._committing:
            batch = batch or self._take()
            outcomes = self._outcomes(batch)
        if not batch.works:  # the loop was faster
            return
        assert self._loop is not None  # noqa: S101 - set by the first work
        with suppress(RuntimeError):  # the loop has closed: no caller is left
            self._loop.call_soon_threadsafe(self._call_back, batch.callbacks, outcomes)

    def _outcomes(self, batch: _Batch[Work, Result]) -> Sequence[Result | Exception]:
        """Commit a batch and return the result of each work."""
        try:
            return self._commit(batch.works) if batch.works else ()
        except Exception as error:  # noqa: BLE001 - every caller of the batch gets it
            return [error] * len(batch.works)

    def _call_back(self, callers: list[Callback[Result]], outcomes: Sequence[Result | Exception]) -> None:
        self._under_way = False
        if (
            self._begin is not None
            and not self._closing
            and any(hurry or self._later is None for _, _, hurry in self._pending)
        ):
            self._wake()  # before the callers are called: the disk is at work while they are
        for callback, outcome in zip(callers, outcomes, strict=True):
            try:
                callback(outcome)
            except Exception:
                log.exception("unforeseen error after a commit")
        if self._afterwards is not None and self._loop is not None:
            self._loop.call_soon(self._afterwards)


def promise() -> tuple[asyncio.Future[Result], Callback[Result]]:
    """Return a future and the callback that ends it. asyncio logs nothing if the caller has dropped the future."""
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def settle(outcome: Result | Exception) -> None:
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
            future.exception()  # now it counts as retrieved
        else:
            future.set_result(outcome)

    return future, settle
