"""Where files are in memory alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from postroad.syncing import is_in_memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("kind", "in_memory"),
    [("tmpfs", True), ("ramfs", True), ("ext4", False), ("overlay", False), ("fuse.tmpfs", False)],
)
def test_the_type_of_the_file_system_says_it(tmp_path: Path, kind: str, in_memory: bool) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    here = f"29 23 {os.major(device)}:{os.minor(device)} / /a\\040b rw,nosuid shared:5 - {kind} none rw,size=9k"
    mounts.write_text(f"28 1 0:999 / / rw - {'ext4' if in_memory else 'tmpfs'} none rw\n\n{here}\n")
    assert is_in_memory(tmp_path, mounts) is in_memory


def test_nobody_knows_it_of_a_device_that_is_not_mounted_or_without_mounts(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    assert not is_in_memory(tmp_path, mounts)
    mounts.write_text("28 1 0:999 / / rw - tmpfs none rw\n")
    assert not is_in_memory(tmp_path, mounts)
