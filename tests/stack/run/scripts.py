"""Scripts that stand in for services: each behaves as it is told."""

from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READY = "print('service=x msg=ready', flush=True)"
WAIT = "import signal; signal.pause()"
GOOD = f"{READY}; {WAIT}"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}; {WAIT}"


class Output(io.StringIO):
    """Calls back at each line, in the thread that supervises, which is where signals are to be sent from."""

    def __init__(self, at: dict[str, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._at = at or {}

    def write(self, text: str) -> int:
        for wanted, call in self._at.items():
            if wanted in text:
                call()
        return super().write(text)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def gone(pids: dict[str, int]) -> bool:
    for pid in pids.values():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        return False
    return True
