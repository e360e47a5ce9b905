"""Group commit: many callers, one writer thread, one fsync.

Whoever arrives while a commit runs shares the next one. A caller's future ends only after its work is on
disk, so a 250, an APPEND OK or a flag change can wait for it (RFC 5321 §6.1: durable before acknowledged).
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Work = TypeVar("Work")
Result = TypeVar("Result")


class GroupCommit(Generic[Work, Result]):
    """Runs `commit(batch)` in one thread, a batch being all the work that came since the last one began.

    `commit` makes the batch durable and returns one result for each work, in order; a result that is an
    exception fails that caller alone, and an exception raised by `commit` fails the whole batch. Futures
    are those of the event loop that `submit` is called on.
    """

    def __init__(
        self, commit: Callable[[Sequence[Work]], Sequence[Result | Exception]], *, name: str, limit: int = 1000
    ) -> None:
        self._commit = commit
        self._limit = limit
        self._pending: list[tuple[Work, asyncio.Future[Result]]] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Result]:
        """Hand over work; the future ends when it is durable, or with the exception that prevented it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._closing:
                raise RuntimeError("the writer is closed")
            self._pending.append((work, future))
            if len(self._pending) == 1:
                self._wake.notify()
        return future

    def close(self) -> None:
        """Commit what is pending and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._pending and not self._closing:
                    self._wake.wait()
                batch, self._pending = self._pending[: self._limit], self._pending[self._limit :]
            if not batch:
                return
            outcomes: Sequence[Result | Exception]
            try:
                outcomes = self._commit([work for work, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed to every caller of the batch
                outcomes = [error] * len(batch)
            loop = batch[0][1].get_loop()
            futures = [future for _, future in batch]
            try:
                loop.call_soon_threadsafe(_settle, futures, outcomes)
            except RuntimeError:  # the loop has closed: nobody is left to tell
                return


def _settle(futures: list[asyncio.Future[Result]], outcomes: Sequence[Result | Exception]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if future.done():  # its caller has gone away
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
