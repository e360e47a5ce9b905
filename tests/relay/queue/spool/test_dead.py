"""Dead letters: kept for a while, within bounds, and never in mail's way."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from postroad.mail.envelope import Envelope
from postroad_relay.queue.spool import UNTRIED, Message, QueueId, Stored
from postroad_relay.queue.spool.dead import DeadLetters

if TYPE_CHECKING:
    from pathlib import Path


def letter(ident: str, content: bytes, path: Path | None = None, world: str | None = None) -> Stored:
    size = len(content) + (path.stat().st_size if path is not None else 0)
    return Stored(Message(QueueId(ident), 0.0, Envelope(None, world=world), None, size), UNTRIED, content, path)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_letter_is_kept_over_restarts(tmp_path: Path) -> None:
    dead = DeadLetters(tmp_path / "dead")
    dead.keep(letter("A", b"first"))
    assert await dead.content(QueueId("A")) == b"first"
    dead.close()
    dead = DeadLetters(tmp_path / "dead")
    assert await dead.content(QueueId("A")) == b"first"
    assert await dead.content(QueueId("B")) is None
    dead.keep(letter("A", b"second"))
    assert await dead.content(QueueId("A")) == b"second"
    await dead.clear()
    assert await dead.content(QueueId("A")) is None
    dead.close()
    assert list((tmp_path / "dead").iterdir()) == []


async def test_letters_of_a_world_go_with_it(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b" and more")
    dead = DeadLetters(tmp_path / "dead")
    dead.keep(letter("A", b"file's"))
    dead.keep(letter("B", b"shop's", content, world="shop"))
    dead.keep(letter("C", b"other's", world="other"))
    dead.close()
    assert names_in(tmp_path / "dead") == ["A", "B@shop", "B@shop.more", "C@other"]
    dead = DeadLetters(tmp_path / "dead")
    assert await dead.content(QueueId("B")) == b"shop's and more"
    dead.keep(letter("D", b"new", world="shop"))
    await dead.clear("nobody")
    await dead.clear("shop")
    assert [await dead.content(QueueId(ident)) for ident in "ABCD"] == [b"file's", None, b"other's", None]
    await dead.clear("default")
    assert [await dead.content(QueueId(ident)) for ident in "AC"] == [None, b"other's"]
    dead.close()
    assert names_in(tmp_path / "dead") == ["C@other"]


async def test_a_content_that_had_spilled(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b" and more")
    dead = DeadLetters(tmp_path / "dead")
    for _ in range(2):
        dead.keep(letter("A", b"start", content))
    content.unlink()
    assert await dead.content(QueueId("A")) == b"start and more"
    dead.close()
    dead = DeadLetters(tmp_path / "dead")
    assert await dead.content(QueueId("A")) == b"start and more"
    dead.close()
    dead = DeadLetters(tmp_path / "dead", octets=13)  # the file counts
    dead.keep(letter("B", b"b"))
    dead.close()
    assert [path.name for path in (tmp_path / "dead").iterdir()] == ["B"]


async def test_a_file_that_is_gone_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"more")
    gone = letter("A", b"start", content)
    content.unlink()
    dead = DeadLetters(tmp_path / "dead")
    dead.keep(gone)
    assert "a dead letter can't be kept" in caplog.text
    assert await dead.content(QueueId("A")) is None
    dead.keep(letter("B", b"b"))
    dead.close()
    (tmp_path / "dead" / "B").unlink()
    assert await dead.content(QueueId("B")) is None
    assert "a dead letter can't be read" in caplog.text


@pytest.mark.parametrize("bound", [{"most": 3}, {"octets": 30}])
async def test_the_oldest_goes(tmp_path: Path, bound: dict[str, int]) -> None:
    dead = DeadLetters(tmp_path, **bound)
    for number in range(5):
        dead.keep(letter(f"{number}", b"x" * 10))
    dead.close()
    assert names_in(tmp_path) == ["2", "3", "4"]
    os.utime(tmp_path / "2", (4e9, 4e9))  # the order is that of the files' times
    dead = DeadLetters(tmp_path, **bound)
    dead.keep(letter("5", b"x" * 10))
    dead.close()
    assert names_in(tmp_path) == ["2", "4", "5"]


def test_what_a_crash_left_is_cleared_away(tmp_path: Path) -> None:
    for name in ("A", "A.more", "B.more", "C.part"):
        (tmp_path / name).write_bytes(b"x")
    DeadLetters(tmp_path).close()
    assert names_in(tmp_path) == ["A", "A.more"]


async def test_a_slow_disk_costs_letters_and_no_time(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"more")
    dead = DeadLetters(tmp_path / "dead", waiting=30)
    with dead._disk:
        dead.keep(letter("0", b"x" * 10))
        dead.keep(letter("1", b"x" * 10, content))
        for number in range(2, 6):
            dead.keep(letter(f"{number}", b"x" * 10))
    dead.close()
    assert {path.name for path in (tmp_path / "dead").iterdir()} in (
        {"0", "4", "5"},
        {"3", "4", "5"},
        {"0", "3", "4", "5"},
    )


async def test_a_bad_disk_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    dead = DeadLetters(tmp_path / "dead")
    (tmp_path / "dead").rmdir()
    for number in range(3):
        dead.keep(letter(f"{number}", b"x"))
    dead.close()
    assert [message[:26] for message in caplog.messages] == ["dead letters can't be kept"]


def test_one_that_can_not_be_removed_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "A").write_bytes(b"x")
    dead = DeadLetters(tmp_path, most=1)
    (tmp_path / "A").unlink()
    (tmp_path / "A").mkdir()
    dead.keep(letter("B", b"x"))
    dead.close()
    assert "a dead letter can't be removed" in caplog.text
