"""One stack for all: the first one in starts it, the last one out stops it, and a killed run leaves nothing behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad_kit.embedded.locks import alone, is_locked
from postroad_kit.embedded.shared import Shared
from postroad_kit.errors import CannotStart
from tests.harness.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUNNER = Path(__file__).with_name("runner.py")

# A test process of its own, which joins, says so, and leaves when it is told to.
USER = """
import sys
from pathlib import Path
from tests.kit.embedded.test_shared import starter
from postroad_kit.embedded.shared import Shared
shared = Shared(Path(sys.argv[1]), starter)
print(shared.join()["pid"], flush=True)
input()
shared.leave()
print("left", flush=True)
"""


def starter(folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    return [sys.executable, str(RUNNER), str(folder), "good"], dict(os.environ)


def failing(folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    return [sys.executable, str(RUNNER), str(folder), "fail"], dict(os.environ)


def user(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, folder], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def starts(folder: Path) -> list[str]:
    return (folder / "starts").read_text().split()


def test_all_share_one_and_the_last_stops_it(tmp_path: Path) -> None:
    users = [user(tmp_path) for _ in range(4)]
    pids = {said(process) for process in users}
    assert pids == set(starts(tmp_path))
    assert len(pids) == 1
    shared = Shared(tmp_path, starter)
    assert str(shared.join()["pid"]) in pids
    for process in users:
        assert process.communicate("\n", timeout=30)[0] == "left\n"
    assert is_locked(shared.data / "lock")
    shared.leave()
    assert not shared.data.exists()
    shared.leave()  # says nothing
    assert not (tmp_path / "facts").exists()


def test_a_run_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    first, second = user(tmp_path), user(tmp_path)
    pid = int(said(first))
    assert said(second) == str(pid)
    for process in (first, second):
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    with alone(tmp_path / "data" / "lock"):  # ends, because the stack has
        pass
    # The next run starts one anew.
    shared = Shared(tmp_path, starter)
    assert shared.join()["pid"] != pid
    assert len(starts(tmp_path)) == 2
    assert shared.again() is None
    shared.leave(keep=True)
    assert shared.data.exists()


def test_the_one_who_started_it_may_go_first(tmp_path: Path) -> None:
    shared = Shared(tmp_path, starter)
    pid = str(shared.join()["pid"])
    other = user(tmp_path)
    assert said(other) == pid
    shared.leave()
    assert is_locked(shared.data / "lock")
    assert other.communicate("\n", timeout=30)[0] == "left\n"
    assert not is_locked(shared.data / "lock")


def test_a_stack_that_can_not_start(tmp_path: Path) -> None:
    shared = Shared(tmp_path, failing)
    with pytest.raises(CannotStart, match=r"could not be started \(status 1\):\nno disk$"):
        shared.join()
    shared.leave()  # it never came in
    assert not is_locked(tmp_path / "users")


def test_a_fork_does_not_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Shared(tmp_path, starter)
    shared.join()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        shared.leave()
    assert is_locked(shared.data / "lock")
    shared.leave()
    assert not is_locked(shared.data / "lock")


def test_a_folder_that_goes_with_the_last(tmp_path: Path) -> None:
    first, second = (Shared(tmp_path / "passing", starter, passing=True) for _ in range(2))
    assert first.join() == second.join()
    first.leave()
    assert is_locked(second.data / "lock")
    assert "postroad run" in (second.again() or "")
    second.leave()
    assert not (tmp_path / "passing").exists()


def test_whoever_comes_while_the_folder_goes_makes_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has opened the door, and then waits for its lock until the last one has removed the folder."""
    first, second = (Shared(tmp_path / "passing", starter, passing=True) for _ in range(2))
    first.join()
    real, meant = fcntl.flock, iter([first.leave])

    def flock(descriptor: int, how: int) -> None:
        for leave in meant:
            leave()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    assert second.join()["ready"]
    assert len(starts(tmp_path / "passing")) == 1
    second.leave()
    assert not (tmp_path / "passing").exists()


def test_how_it_is_started_again(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    shared = Shared(folder, starter)
    facts = shared.join()
    (folder / "facts").write_text(json.dumps({**facts, "network": "127.1.2"}))
    assert shared.again() == f"after the run: cd '{folder}' && POSTROAD_DATA=data POSTROAD_NETWORK=127.1.2 postroad run"
    shared.leave()


def test_it_ends_before_the_tests(tmp_path: Path) -> None:
    shared = Shared(tmp_path, starter)
    assert shared.ended() is None
    pid = shared.join()["pid"]
    assert shared.ended() is None
    os.kill(pid, signal.SIGKILL)
    with alone(shared.data / "lock"):
        pass
    shared.log.write_text("no room\n")
    assert shared.ended() == "no room"
    shared.leave()
    assert shared.ended() is None
