"""How far a long program is: on a terminal, one line that is shown anew."""

from __future__ import annotations

import time
from typing import TextIO

EVERY = 0.1  # seconds between two looks
_ANEW = "\r\x1b[K"  # back to the beginning of the line, which is cleared


class Progress:
    """Shows it on a stream, if that is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._last = 0.0

    def at(self, what: str, number: int | None = None, of: int | None = None) -> None:
        """Show what is being done, if it is time."""
        now = time.monotonic()
        if self._stream is None or now - self._last < EVERY:
            return
        self._last = now
        count = f": {number:,} of {of:,}" if number is not None and of is not None else ""
        self._stream.write(f"{_ANEW}{what}{count}")
        self._stream.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._stream is not None:
            self._stream.write(_ANEW)
            self._stream.flush()
