"""The clocks of the worlds, on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad_relay.queue.spool.clocks import FARTHEST, STRIDE, Clocks, WorldClock

if TYPE_CHECKING:
    from pathlib import Path


def still() -> Clock:
    return Clock(wall=lambda: 1000.0, steady=lambda: 50.0)


def test_a_world_is_ahead_of_the_relay() -> None:
    clock = WorldClock(still(), 100.0)
    assert (clock.now(), clock.monotonic()) == (1100.0, 150.0)
    assert clock.monotonic_at(1090.0) == 140.0
    assert clock.monotonic_at(2000.0) == 150.0  # the wall clock was set back since


async def test_it_is_kept_and_forgotten(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path / "clocks", still())
    assert clocks.of("shop").now() == 1000.0
    await clocks.advance("shop", 7200.5, 7200.5)
    await clocks.advance("bank", 1.0, 1.0)
    await clocks.advance("shop", 7199.0, 7199.0)  # never back
    assert clocks.of("shop").ahead == 7200.5
    again = Clocks(tmp_path / "clocks", still())
    assert (again.of("shop").ahead, again.of("bank").ahead, again.of("default").ahead) == (7200.5, 1.0, 0.0)
    await again.forget("shop")
    await again.forget("nobody")
    assert again.of("shop").ahead == 0.0
    assert Clocks(tmp_path / "clocks", still()).of("shop").ahead == 0.0


async def test_a_file_is_written_in_place(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path, still())
    await clocks.advance("shop", 1.0, 1.0)
    first = (tmp_path / "shop").stat()
    await clocks.advance("shop", FARTHEST, FARTHEST)
    then = (tmp_path / "shop").stat()
    assert (first.st_ino, first.st_size) == (then.st_ino, then.st_size)
    assert Clocks(tmp_path, still()).of("shop").ahead == FARTHEST


async def test_a_push_writes_in_strides_and_never_beyond_its_end(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path, still())
    await clocks.advance("shop", 10.0, 5000.0)
    assert (clocks.of("shop").ahead, Clocks(tmp_path, still()).of("shop").ahead) == (10.0, 10.0 + STRIDE)
    (tmp_path / "shop").unlink()
    await clocks.advance("shop", 1000.0, 5000.0)  # there is nothing to write
    assert not (tmp_path / "shop").exists()
    await clocks.advance("shop", 4000.0, 5000.0)
    assert Clocks(tmp_path, still()).of("shop").ahead == 5000.0


@pytest.mark.parametrize("octets", [b"", b"soon\n", b"-5\n", b"nan\n", b"inf\n", b"\xff\xfe"])
def test_a_file_that_makes_no_sense_is_told_in_the_log(
    tmp_path: Path, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "shop").write_bytes(octets)
    assert Clocks(tmp_path, still()).of("shop").ahead == 0.0
    assert "the clock of the world shop is not readable" in caplog.text
