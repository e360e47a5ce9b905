"""How far a long program is: on a terminal, one line that is shown anew."""

from __future__ import annotations

import time
from typing import TextIO

from postroad.harmless import harmless

_ANEW = "\r\x1b[K"  # back to the beginning of the line, which is cleared
EVERY = 0.1  # seconds between two looks


class Progress:
    """Shows it on a stream; where that is no terminal, only what is done is said."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last = 0.0

    def at(self, text: str) -> None:
        """Show what is being done, if it is time."""
        now = time.monotonic()
        if self._is_terminal and now - self._last >= EVERY:
            self._last = now
            self._stream.write(f"{_ANEW}{harmless(text)}")
            self._stream.flush()

    def done(self, text: str) -> None:
        """Say what is done, on a line of its own."""
        self.end()
        self._stream.write(f"{harmless(text)}\n")

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal:
            self._stream.write(_ANEW)
            self._stream.flush()
