from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from postroad.regular import NotRegular, open_regular, read_regular

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"octets")
    (tmp_path / "link").symlink_to(path)
    assert read_regular(path, 3) == b"oct"
    assert read_regular(tmp_path / "link", 100) == b"octets"
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 100)


def test_anything_else_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, kind in (("fifo", "a FIFO"), ("zero", "a device"), (".", "a folder")):
        with pytest.raises(NotRegular, match=f"is {kind}, and must be a regular file"):
            read_regular(tmp_path / name, 100)


def test_what_is_written_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(tmp_path / "link", os.O_WRONLY | os.O_CREAT)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(NotRegular):
        open_regular(tmp_path / "fifo", os.O_RDONLY)
    os.close(open_regular(tmp_path / "new", os.O_WRONLY | os.O_CREAT))
    assert (tmp_path / "new").is_file()
