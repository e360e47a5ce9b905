"""Contents in memory and in files."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from postroad.mail.content import SPILL_AT, Content

if TYPE_CHECKING:
    from pathlib import Path

HEADER = b"Subject: x\r\nTo: y\r\n"


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def test_small_content_stays_in_memory(tmp_path: Path) -> None:
    content = Content(tmp_path)
    content.write(b"one ")
    content.write(b"two")
    assert content.size == 7
    assert content.path is None
    assert content.read() == b"one two"
    assert content.read() == b"one two"
    assert b"".join(content.blocks()) == b"one two"
    assert files(tmp_path) == []
    content.close()


def test_octet_by_octet_costs_few_objects(tmp_path: Path) -> None:
    content = Content(tmp_path)
    for _ in range(1000):
        content.write(b"x")
    assert len(list(content.blocks())) <= 65
    assert content.read() == b"x" * 1000


def test_large_content_goes_to_a_file(tmp_path: Path) -> None:
    content = Content(tmp_path)
    pieces = [bytes([number]) * 50_000 for number in range(12)]
    for piece in pieces:
        content.write(piece)
    assert content.size == 600_000 > SPILL_AT
    assert files(tmp_path) == [content.path]
    assert content.read() == b"".join(pieces)
    assert b"".join(content.blocks(1000)) == b"".join(pieces)
    content.close()
    assert files(tmp_path) == []


def test_adopted_content_stays(tmp_path: Path) -> None:
    content = Content(tmp_path)
    content.write(b"x" * (SPILL_AT + 1))
    target = tmp_path / "spooled"
    content.adopt(target)
    assert content.path is None
    content.close()
    assert files(tmp_path) == [target]
    assert target.read_bytes() == b"x" * (SPILL_AT + 1)


def test_content_in_memory_cannot_be_adopted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="spilled"):
        Content(tmp_path).adopt(tmp_path / "spooled")


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        (HEADER + b"\r\nbody\r\n\r\nmore", HEADER),
        (b"\r\nbody", b""),
        (HEADER, HEADER),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_header_section(tmp_path: Path, octets: bytes, header: bytes, size: int) -> None:
    content = Content(tmp_path)
    for start in range(0, len(octets), size):
        content.write(octets[start : start + size])
    assert content.header_section() == header


def test_header_section_is_bounded(tmp_path: Path) -> None:
    content = Content(tmp_path)
    for _ in range(20):
        content.write(b"x" * 100)
    assert content.header_section(limit=1000) == b"x" * 1000


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullFile:
        """A raw file on a disk with 1,000 octets left: a short write first, ENOSPC then."""

        def __init__(self, handle: int, *args: object, **options: object) -> None:
            self.handle = handle
            self.left = 1000

        def write(self, block: bytes) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = min(self.left, len(block))
            self.left -= written
            return written

        def close(self) -> None:
            closed.append(self.handle)
            close(self.handle)

    closed: list[int] = []
    close = os.close
    monkeypatch.setattr(os, "fdopen", FullFile)
    content = Content(tmp_path)
    with pytest.raises(OSError, match="No space"):
        content.write(b"x" * (SPILL_AT + 1))
    content.close()
    assert len(closed) == 1
    assert files(tmp_path) == []


def test_a_file_that_cannot_be_removed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(_: Path, *, missing_ok: bool) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    content = Content(tmp_path)
    content.write(b"x" * (SPILL_AT + 1))
    monkeypatch.setattr(type(tmp_path), "unlink", read_only)
    content.close()
    assert content.path is None
