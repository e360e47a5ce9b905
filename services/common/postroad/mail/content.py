"""The content of a message in flight (RFC 5321 §2.3.1): small ones in memory, large ones in a file as they arrive.

A message of 20 MB must not cost its session 20 MB of memory. So a content that grows beyond `SPILL_AT` octets goes to a
file in the service's data folder, where the spool may adopt it by renaming it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPILL_AT = 256 * 1024
BLOCK = 64 * 1024
_FEW = 64  # blocks in memory: a client that sends octet by octet must not cost one object per octet


class Content:
    """Octets of one message: header section, empty line, body; CRLF line ends, transparency removed.

    Write blocks, then read; `close()` removes the file unless it was adopted. `write` raises `OSError` if the disk is
    full or broken; the receiver then answers 452 4.3.1.
    """

    __slots__ = ("_blocks", "_directory", "_file", "path", "size")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._blocks: list[bytes] = []
        self._file: BinaryIO | None = None
        self.path: Path | None = None  # its file; None while it is in memory
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

    def blocks(self, size: int = BLOCK) -> Iterable[bytes]:
        """Return the content from its start, in pieces of about `size` octets."""
        return self._blocks if self._file is None else _blocks_of(self._file, size)

    def read(self) -> bytes:
        """Return the whole content, which takes that much memory."""
        if self._file is not None:
            return b"".join(self.blocks())
        if len(self._blocks) != 1:
            self._blocks = [b"".join(self._blocks)]
        return self._blocks[0]

    def header_section(self, limit: int = 1 << 20) -> bytes:
        """Return the header section without the empty line that ends it, at most `limit` octets of it."""
        beginning = b""
        for block in self.blocks():
            beginning += block
            if beginning.startswith(b"\r\n"):
                return b""
            end = beginning.find(b"\r\n\r\n")
            if end >= 0:
                return beginning[: end + 2]
            if len(beginning) > limit:
                break
        return beginning[:limit]

    def adopt(self, target: Path) -> None:
        """Flush a spilled content to disk (fsync), and give its file to the caller under the name `target`."""
        if self._file is None or self.path is None:
            raise ValueError("only a spilled content has a file")
        os.fsync(self._file.fileno())
        self.path.rename(target)
        self.path = None
        self._file.close()

    def close(self) -> None:
        """Forget the content, and remove its file unless it was adopted.

        If the disk is broken and keeps the file, the service's next start removes it.
        """
        self._blocks.clear()
        if self._file is not None:
            self._file.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            self.path = None


def _blocks_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    offset = 0
    while block := os.pread(file.fileno(), size, offset):
        offset += len(block)
        yield block


def _write_whole(file: BinaryIO, block: bytes) -> None:
    """Write all of the block: a raw write may end early, and the next one then raises the reason (ENOSPC)."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]
