"""How long others wait while one session's command is carried out: the time of their NOOPs, in milliseconds."""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.clients import ImapClient

EVERY = 0.001  # seconds between two NOOPs


class Others:
    """A second connection, which gives NOOPs in a thread of its own while something is measured."""

    def __init__(self, client: ImapClient) -> None:
        self._client = client
        self._done = threading.Event()
        self._waits: list[float] = []

    def wait(self, work: Callable[[], object]) -> float:
        """Return the 99th percentile of the NOOPs' times, in milliseconds, while `work` runs."""
        self._waits.clear()
        self._done.clear()
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            work()
        finally:
            self._done.set()
            thread.join()
        return statistics.quantiles(self._waits, n=100, method="inclusive")[98]

    def _ask(self) -> None:
        while len(self._waits) < 2 or not self._done.is_set():
            self._waits.append(self._client.timed("NOOP"))
            time.sleep(EVERY)
