"""Messages as files of a tar archive, which is made piece by piece: nothing but the file in hand is in memory."""

from __future__ import annotations

import tarfile

END = bytes(2 * tarfile.BLOCKSIZE)  # the end of an archive


def entry(name: str, date: int, content: bytes) -> bytes:
    """Return a file of an archive; `date` is in seconds since 1970."""
    head = tarfile.TarInfo(name)
    head.size, head.mtime, head.mode = len(content), date, 0o600
    return head.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)
