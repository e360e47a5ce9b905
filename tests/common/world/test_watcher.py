"""Edits of the world are picked up while it is watched, and bad ones refused."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from postroad.world.source import WorldFile, load_world
from postroad.world.watcher import WorldWatcher
from postroad.world.world import Domain, World
from tests.common.world.test_source import HOSTS, NETWORK

if TYPE_CHECKING:
    from pathlib import Path


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def write_by_renaming(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(path)


@pytest.fixture
def world_file(tmp_path: Path) -> Path:
    path = tmp_path / "world.toml"
    write_in_place(path, HOSTS)
    return path


def watch(path: Path, *, capturing: bool = False) -> WorldWatcher:
    """Return the watcher of a service that has started with the file as it is, and has looked at it since."""
    watcher = WorldWatcher(WorldFile(path, NETWORK, capturing), load_world(path, NETWORK))
    assert [watcher.poll() for _ in range(2)] == [None] * 2
    return watcher


@pytest.mark.parametrize("write", [write_in_place, write_by_renaming])
def test_an_edit_is_loaded_when_two_polls_agree(world_file: Path, write: object) -> None:
    watcher = watch(world_file)
    assert watcher.poll() is None
    assert callable(write)
    write(world_file, HOSTS + '[domains."new.test"]\n')
    assert watcher.poll() is None  # it may be half written
    world = watcher.poll()
    assert world is not None
    assert "new.test" in world.domains
    assert watcher.poll() is None


def test_a_bad_edit_is_logged_and_a_later_good_one_taken(world_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher = watch(world_file)
    write_in_place(world_file, HOSTS.replace("53", "25").replace("secret", ""))
    assert [watcher.poll() for _ in range(4)] == [None] * 4
    assert [record.getMessage().split(":")[2] for record in caplog.records] == ["3", "7"]
    write_by_renaming(world_file, HOSTS)
    assert isinstance([watcher.poll() for _ in range(2)][-1], World)


def test_what_nobody_foresaw_does_not_end_the_watch(
    world_file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = watch(world_file)
    with monkeypatch.context() as patched:
        patched.setattr("postroad.world.source.WorldReader", None)
        write_by_renaming(world_file, HOSTS)
        assert [watcher.poll() for _ in range(4)] == [None] * 4
    assert caplog.messages == ["world refused: the file could not be read"]
    write_by_renaming(world_file, HOSTS)
    assert isinstance([watcher.poll() for _ in range(2)][-1], World)


def test_a_file_that_goes_away_is_told_once(world_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher = watch(world_file)
    world_file.unlink()
    assert [watcher.poll() for _ in range(4)] == [None] * 4
    assert len(caplog.records) == 1
    write_in_place(world_file, HOSTS)
    assert isinstance([watcher.poll() for _ in range(2)][-1], World)


def test_an_edit_between_the_start_and_the_watch_is_found(world_file: Path) -> None:
    world = load_world(world_file, NETWORK)
    write_by_renaming(world_file, HOSTS + '[domains."new.test"]\n')
    watcher = WorldWatcher(WorldFile(world_file, NETWORK), world)
    assert "new.test" in next(new for new in iter(watcher.poll, 0) if new is not None).domains


def test_a_capture_account_that_is_needed_stays(world_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_in_place(world_file, f"capture = 'ann@x.test'\n{HOSTS}")
    watcher = watch(world_file, capturing=True)
    write_by_renaming(world_file, HOSTS)
    assert [watcher.poll() for _ in range(4)] == [None] * 4
    assert "world refused: world.toml:1: no capture account" in caplog.text


def test_a_service_that_is_moved_is_told(world_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher = watch(world_file)
    write_by_renaming(world_file, HOSTS.replace("143", "144"))
    assert isinstance([watcher.poll() for _ in range(2)][-1], World)
    said = caplog.messages[0]
    assert said.startswith("store moves from mx.x.test [127.0.0.143] to mx.x.test [127.0.0.144] when the services are")


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_file_keeps_the_last_good_world(
    world_file: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    watcher = watch(world_file)
    world_file.unlink()
    if kind == "fifo":
        os.mkfifo(world_file)
    elif kind == "folder":
        world_file.mkdir()
    else:
        world_file.symlink_to("/dev/zero")
    assert [watcher.poll() for _ in range(4)] == [None] * 4
    (said,) = caplog.messages
    assert said.startswith("world refused: world.toml: cannot be read: it is a ")
    write_by_renaming(world_file, HOSTS) if kind != "folder" else world_file.rename(world_file.with_suffix(".old"))
    write_in_place(world_file, HOSTS)
    assert isinstance([watcher.poll() for _ in range(2)][-1], World)


class Layers:
    """A source that is no file: what is laid over the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = 0

    def version(self) -> int:
        return self.number

    def load(self) -> World:
        return self.world


def test_any_source_can_be_watched(world_file: Path) -> None:
    layers = Layers(load_world(world_file, NETWORK))
    watcher = WorldWatcher(layers, layers.world)
    assert [watcher.poll() for _ in range(3)] == [None] * 3
    layers.world = replace(layers.world, domains={**layers.world.domains, "new.test": Domain("new.test")})
    layers.number = 1
    assert [world and list(world.domains) for world in (watcher.poll(), watcher.poll())] == [
        None,
        ["x.test", "new.test"],
    ]


async def test_run_calls_back_within_a_second(world_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    worlds: asyncio.Queue[World] = asyncio.Queue()
    running = asyncio.create_task(watch(world_file).run(worlds.put_nowait))
    await asyncio.sleep(0)
    write_by_renaming(world_file, HOSTS + '[domains."new.test"]\n')
    world = await asyncio.wait_for(worlds.get(), 1)
    assert "new.test" in world.domains
    assert caplog.messages == ["world loaded: 2 domains, 3 hosts"]
    running.cancel()
