"""Extends the index behind delivery, in a thread: once no message has come for a while, and never in its way."""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.mail.index.index import Index

LEAST = 5_000  # messages, up to which reading them all is quick enough
QUIET = 1.0  # seconds without a new message, after which the index is extended
PATIENCE = 30.0  # seconds that a message waits at most, however many come after it

_log = logging.getLogger(__name__)


class Indexer:
    """The thread; it begins once there are so many messages that reading them all would take long."""

    def __init__(self, index: Index, stored: Callable[[], int]) -> None:
        """Begin at once if there is an index; `stored` tells how many messages have ever been stored."""
        self._index = index
        self._stored = stored
        self._messages: int | None = None
        self._news = threading.Event()
        self._closing = threading.Event()
        self.idle = threading.Event()  # nothing is left to be indexed
        self._thread: threading.Thread | None = None
        if index.exists():
            self._wake()

    def notice(self, messages: int) -> None:
        """Note that there are so many new messages; costs a microsecond."""
        if self._messages is None:
            self._messages = self._stored()
        self._messages += messages
        if self._messages >= LEAST and not self._news.is_set():
            self._wake()

    def _wake(self) -> None:
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._run, name="mail-index", daemon=True)
            self._thread.start()
        self.idle.clear()
        self._news.set()

    def close(self) -> None:
        """End the thread, after the batch that is under way."""
        self._closing.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
        self._index.close()

    def _run(self) -> None:
        try:
            self._index.open()
            while not self._closing.is_set():
                while not self._closing.is_set() and self._index.extend():
                    pass
                self._wait()
        except (sqlite3.Error, OSError) as error:
            self._index.useful = False
            _log.warning("the search index is not made; searches read the messages themselves: %s", error)

    def _wait(self) -> None:
        """Wait for new messages, and until no more come."""
        self.idle.set()
        if self._news.is_set():
            self.idle.clear()
        self._news.wait()
        waited = 0.0
        while self._news.is_set() and waited < PATIENCE:
            self._news.clear()
            if self._closing.wait(QUIET):
                return
            waited += QUIET
