"""A queued message that was read back, for an attempt or for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postroad_relay.queue.spool.record import Message, Progress

BLOCK = 64 * 1024


class SpoolError(Exception):
    """A queued message can't be read back."""


@value
class Stored:
    """A message read back. If the content has spilled to the file `path`, `start` comes before it."""

    message: Message
    progress: Progress
    start: bytes  # trace fields, and the whole content unless it has spilled
    path: Path | None = None

    def beginning(self, octets: int) -> bytes:
        """Return the first `octets` octets of the content, and the whole header section; raises `SpoolError`."""
        beginning = b""
        for block in self.blocks():
            beginning += block
            if len(beginning) > octets and b"\r\n\r\n" in beginning:
                break
        return beginning

    def blocks(self) -> Iterator[bytes]:
        """Yield the content; raises `SpoolError`."""
        yield self.start
        if self.path is None:
            return
        try:
            with self.path.open("rb", buffering=0) as file:
                left = self.message.size - len(self.start)
                while left:
                    block = file.read(min(BLOCK, left))
                    if not block:
                        raise SpoolError(f"{self.path.name} is {left} octets short")
                    left -= len(block)
                    yield block
        except OSError as error:
            raise SpoolError(f"{self.path.name} can't be read: {error}") from error
