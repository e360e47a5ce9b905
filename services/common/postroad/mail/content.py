"""The content of a message in flight (RFC 5321 §2.3.1): small ones in memory, large ones in a file as they arrive.

A 20 MB message must not cost 20 MB of memory a session, so content beyond `SPILL_AT` octets goes to a file in
the service's own data folder, where the spool may adopt it by renaming it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

SPILL_AT = 256 * 1024
BLOCK = 64 * 1024
_FEW = 64  # blocks in memory: a client that sends octet by octet must not cost an object an octet


class Content:
    """Octets of one message: header section, empty line, body; CRLF line ends, transparency removed.

    Write blocks, then read; `close()` removes what was not adopted. `OSError` from `write` means that the
    disk is full or broken: the receiver answers 452 4.3.1 and nothing stays behind.
    """

    __slots__ = ("_blocks", "_directory", "_file", "path", "size")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._blocks: list[bytes] = []
        self._file: BinaryIO | None = None
        self.path: Path | None = None  # the file it has spilled to; None while in memory
        self.size = 0  # octets

    def write(self, block: bytes) -> None:
        """Append octets."""
        self.size += len(block)
        if self._file is None:
            self._blocks.append(block)
            if self.size > SPILL_AT:
                self._spill()
            elif len(self._blocks) > _FEW:
                self._blocks = [b"".join(self._blocks)]
        else:
            _write_whole(self._file, block)

    def _spill(self) -> None:
        handle, name = tempfile.mkstemp(prefix="content-", dir=self._directory)
        self.path = Path(name)
        self._file = os.fdopen(handle, "w+b", buffering=0)
        _write_whole(self._file, b"".join(self._blocks))
        self._blocks.clear()

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """Yield the content from its start, in pieces of about `size` octets."""
        if self._file is None:
            yield from self._blocks
            return
        offset = 0
        while block := os.pread(self._file.fileno(), size, offset):
            offset += len(block)
            yield block

    def read(self) -> bytes:
        """Return the whole content; for a spilled one that is as much memory as it is long."""
        if self._file is None and len(self._blocks) > 1:
            self._blocks = [b"".join(self._blocks)]
        return b"".join(self.blocks())

    def header_section(self, limit: int = 1 << 20) -> bytes:
        """Return the header section without the empty line that ends it, at most `limit` octets of it."""
        found = b""
        for block in self.blocks():
            found += block
            if found.startswith(b"\r\n"):
                return b""
            end = found.find(b"\r\n\r\n")
            if end >= 0:
                return found[: end + 2]
            if len(found) > limit:
                break
        return found[:limit]

    def adopt(self, target: Path) -> None:
        """Flush a spilled content to disk (fsync) and rename its file to `target`, which it is known by then."""
        if self._file is None or self.path is None:
            raise ValueError("only a spilled content has a file")
        os.fsync(self._file.fileno())
        self.path.rename(target)
        self.path = None
        self._file.close()

    def close(self) -> None:
        """Forget the content, and remove its file unless it was adopted.

        A file that a broken disk keeps is left to the service's next start, which clears the folder.
        """
        self._blocks.clear()
        if self._file is not None:
            self._file.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            self.path = None


def _write_whole(file: BinaryIO, block: bytes) -> None:
    """Write all of the block: a raw write may end early, and the next one then says why (ENOSPC)."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]
