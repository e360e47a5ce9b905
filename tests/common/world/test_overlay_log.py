from __future__ import annotations

import errno
import os
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.world.overlay_log import FILE, OverlayLog

if TYPE_CHECKING:
    from pathlib import Path


def definition(ident: str, size: int = 0) -> dict[str, Any]:
    return {"id": ident, "more": "x" * size}


async def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    log = OverlayLog(tmp_path)
    await log.put("a", definition("a"))
    await log.put("b", definition("b"))
    await log.put("a", definition("a", 5))
    await log.drop("b")
    assert (len(log), "a" in log, "b" in log) == (1, True, False)
    log.close()
    log = OverlayLog(tmp_path)
    assert log.definitions == [definition("a", 5)]
    assert len(log) == 1
    log.close()


async def test_a_log_in_memory_is_written_on_the_loop_but_copied_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[threading.Thread]] = {"written": set(), "copied": set()}
    for name, does in (("_write", "written"), ("_compact", "copied")):
        method = getattr(OverlayLog, name)

        def noted(log: OverlayLog, *batch: Any, _does: str = does, _method: Any = method) -> Any:
            threads[_does].add(threading.current_thread())
            return _method(log, *batch)

        monkeypatch.setattr(OverlayLog, name, noted)
    monkeypatch.setattr("postroad.world.overlay_log.is_in_memory", lambda _folder: True)
    log = OverlayLog(tmp_path)
    await log.put("a", definition("a", 10))
    await log.put("b", definition("b", 10))
    await log.drop("b")
    assert threads == {"written": {threading.current_thread()}, "copied": set()}
    for size in range(10, 50):  # so much that it is copied soon
        await log.put("b", definition("b", size << 12))
        await log.drop("b")
    assert len(threads["copied"]) == 1
    assert threading.current_thread() not in threads["copied"]
    log.close()
    log = OverlayLog(tmp_path)
    assert log.definitions == [definition("a", 10)]
    log.close()


@settings(max_examples=40)
@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(-1, 40)), max_size=12),
    cut=st.integers(0, 60),
)
async def test_a_torn_end_loses_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = OverlayLog(folder)
    states: list[tuple[int, dict[str, Any]]] = [(0, {})]
    for ident, size in steps:
        now = dict(states[-1][1])
        now.pop(ident, None)
        if size < 0:
            await log.drop(ident)
        else:
            await log.put(ident, definition(ident, size))
            now[ident] = definition(ident, size)
        states.append((log.size, now))
    log.close()
    path = folder / FILE
    length = max(0, path.stat().st_size - cut)
    os.truncate(path, length)
    log = OverlayLog(folder)
    expected = next(state for size, state in reversed(states) if size <= length)
    assert log.definitions == list(expected.values())
    # The next change goes behind what is whole.
    await log.put("d", definition("d"))
    log.close()
    log = OverlayLog(folder)
    assert log.definitions == [*expected.values(), definition("d")]
    log.close()


async def test_a_spoiled_line_costs_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = OverlayLog(tmp_path)
    for ident in "abc":
        await log.put(ident, definition(ident))
    log.close()
    octets = (tmp_path / FILE).read_bytes()
    lines = octets.splitlines(keepends=True)
    lines[1] = lines[1].replace(b"more", b"MORE")
    (tmp_path / FILE).write_bytes(
        b"".join([*lines, b'00000000 {"other": 1}\n', b'%08x {"other":1}\n' % zlib.crc32(b'{"other":1}')])
    )
    log = OverlayLog(tmp_path)
    assert [defined["id"] for defined in log.definitions] == ["a", "c"]
    assert f"{tmp_path / FILE}: the line at octet {len(lines[0])} is spoiled" in caplog.text
    log.close()


async def test_it_stays_as_short_as_what_counts(tmp_path: Path) -> None:
    log = OverlayLog(tmp_path, room=2000)
    await log.put("kept", definition("kept", 100))
    for number in range(200):
        await log.put(f"w{number}", definition(f"w{number}", 50))
        await log.drop(f"w{number}")
        assert log.size <= 4 * 200 + 2000 + 200
    assert (tmp_path / FILE).stat().st_size == log.size
    log.close()
    log = OverlayLog(tmp_path)
    assert log.definitions == [definition("kept", 100)]
    log.close()


async def test_a_full_disk_refuses_a_change_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = OverlayLog(tmp_path)
    await log.put("a", definition("a"))
    write = os.pwrite

    def full(handle: int, octets: bytes, offset: int) -> int:
        if len(octets) > 10:
            return write(handle, octets[:10], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            await log.put("b", definition("b"))
    await log.put("c", definition("c"))
    log.close()
    log = OverlayLog(tmp_path)
    assert [defined["id"] for defined in log.definitions] == ["a", "c"]
    log.close()


async def test_a_log_that_can_not_be_compacted_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = OverlayLog(tmp_path, room=100)

    def broken(_handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        for _ in range(10):
            await log.put("a", definition("a", 50))
            await log.drop("a")
    assert "can't be compacted" in caplog.text
    await log.put("b", definition("b"))
    log.close()
    log = OverlayLog(tmp_path)
    assert [defined["id"] for defined in log.definitions] == ["b"]
    log.close()


async def test_a_caller_that_has_gone_is_not_missed(tmp_path: Path) -> None:
    log = OverlayLog(tmp_path)
    log.put("a", definition("a")).cancel()
    await log.put("b", definition("b"))
    assert "a" in log
    log.close()
