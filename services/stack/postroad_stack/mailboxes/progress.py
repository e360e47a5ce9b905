"""How far a long command is: a line that a terminal shows anew, or a line per mailbox where there is no terminal."""

from __future__ import annotations

import sys
import time

from postroad.harmless import harmless

_ANEW = "\r\x1b[K"  # back to the beginning of the line, which is cleared
EVERY = 0.1  # seconds between two looks at a terminal


class Progress:
    """Says on standard error how far it is."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._last = 0.0

    def at(self, text: str) -> None:
        """Show where we are, if it is time."""
        now = time.monotonic()
        if self._is_terminal and now - self._last >= EVERY:
            self._last = now
            sys.stderr.write(f"{_ANEW}{harmless(text)}")
            sys.stderr.flush()

    def done(self, text: str) -> None:
        """Say what is done."""
        sys.stderr.write(f"{_ANEW if self._is_terminal else ''}{harmless(text)}\n")
