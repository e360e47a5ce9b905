"""Where the data of a started stack are: in memory if there is room, and kept on the disk if somebody wants them."""

from __future__ import annotations

import fcntl
import os
import sys
from typing import TYPE_CHECKING

import pytest

from postroad_kit.embedded import memory as module
from postroad_kit.embedded.locks import alone, opened
from postroad_kit.embedded.memory import has_room, keep, place_for, remove

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder in the place of /dev/shm."""
    (folder := tmp_path / "shm").mkdir()
    monkeypatch.setattr(module, "MEMORY", folder)
    monkeypatch.setattr(module, "ROOM", 1)
    (tmp_path / "run").mkdir()
    return folder


def filled(place: Path) -> Path:
    (place / "mail").mkdir(parents=True)
    (place / "mail" / "letter").write_text("Hi.")
    (place / "lock").touch()
    return place


def test_in_memory_and_removed(memory: Path, tmp_path: Path) -> None:
    place = filled(place_for(tmp_path / "run"))
    data = tmp_path / "run" / "data"
    assert place.parent == memory
    assert (data / "mail" / "letter").read_text() == "Hi."
    remove(data)
    assert not list(memory.iterdir())
    assert not data.is_symlink()


def test_kept_on_the_disk(memory: Path, tmp_path: Path) -> None:
    filled(place_for(tmp_path / "run"))
    data = tmp_path / "run" / "data"
    keep(data)
    assert not data.is_symlink()
    assert sorted(path.name for path in data.iterdir()) == ["lock", "mail"]
    assert (data / "mail" / "letter").read_text() == "Hi."
    assert not list(memory.iterdir())
    keep(data)
    assert place_for(tmp_path / "run") == data  # it goes on there


def test_no_room(memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", sys.maxsize)
    assert place_for(tmp_path / "run") == tmp_path / "run" / "data"
    assert not has_room(tmp_path / "nowhere")
    filled(tmp_path / "run" / "data")
    remove(tmp_path / "run" / "data")
    assert not (tmp_path / "run" / "data").exists()


def test_what_killed_runs_have_left(memory: Path, tmp_path: Path) -> None:
    left, used, begun = (filled(memory / f"{module.PREFIX}{name}") for name in ("left", "used", "begun"))
    (begun / "lock").unlink()
    fcntl.flock(lock := opened(used / "lock"), fcntl.LOCK_EX)
    (tmp_path / "run" / "data").symlink_to(memory / "gone")
    place = place_for(tmp_path / "run")
    os.close(lock)
    assert not left.exists()
    assert used.exists()
    assert begun.exists()
    assert (tmp_path / "run" / "data").resolve() == place


def test_another_run_leaves_alone_what_is_about_to_be_kept(memory: Path, tmp_path: Path) -> None:
    """The stack of it has just ended, and whoever ends it keeps or removes its data."""
    place, data = filled(place_for(tmp_path / "run")), tmp_path / "run" / "data"
    (tmp_path / "other").mkdir()
    with alone(tmp_path / "run" / "door"):
        place_for(tmp_path / "other")
        assert place.exists()
        keep(data)
    assert (data / "mail" / "letter").read_text() == "Hi."


def test_what_a_killed_run_of_a_known_folder_has_left(memory: Path, tmp_path: Path) -> None:
    failed = place_for(tmp_path / "run")  # and no stack has come
    place = filled(place_for(tmp_path / "run"))
    assert not failed.exists()
    (tmp_path / "other").mkdir()
    place_for(tmp_path / "other")
    assert not place.exists()
