"""The stack as containers: what is asked of Docker, and that it is asked to remove them. A script is Docker."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from postroad_kit.embedded.containers import WORLD_PORTS, containers, free_range, main
from postroad_kit.embedded.locks import is_locked, opened
from postroad_kit.embedded.shared import Shared
from postroad_kit.errors import CannotStart
from tests.harness.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCKER = """#!/bin/sh
echo "$@" "$COMPOSE_PROJECT_NAME" "$POSTROAD_NETWORK" "$POSTROAD_WEB_PORT" "$POSTROAD_WORLD_PORTS" >>"$CALLS"
case "$*" in *"$FAILS"*) echo "no engine" >&2; exit 1;; esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a script in the place of Docker, and return the file of its calls."""
    (bin_ := tmp_path / "bin").mkdir()
    (bin_ / "docker").write_text(DOCKER)
    (bin_ / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_), prepend=":")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FAILS", "nothing fails")
    return tmp_path / "calls"


def test_they_start_and_end(calls: Path, tmp_path: Path) -> None:
    shared = Shared(tmp_path / "stack", containers(ROOT))
    facts = shared.join()
    assert is_locked(shared.data / "lock")
    assert facts["endpoints"]["web"][0] == "127.0.0.1"
    assert json.loads((tmp_path / "stack" / "facts").read_text()) == facts
    shared.leave()
    up, down = calls.read_text().splitlines()
    place = rf"compose --project-directory {re.escape(str(ROOT))}"
    names = rf"(postroad-kit-\w+ 198\.19\.\d+ {facts['endpoints']['web'][1]} (\d+)-(\d+))"
    begun = re.fullmatch(rf"{place} up --build --detach --wait --quiet-pull {names}", up)
    ended = re.fullmatch(rf"{place} down --volumes --remove-orphans {names}", down)
    assert begun is not None
    assert ended is not None
    assert begun[1] == ended[1]
    assert int(begun[3]) == int(begun[2]) + WORLD_PORTS - 1


def test_the_program_ends_when_nobody_uses_it(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("POSTROAD_WEB_PORT", "9025")
    for name in ("good", "bad"):
        (tmp_path / name / "data").mkdir(parents=True)
    assert main([str(ROOT), str(tmp_path / "good")]) == 0
    assert json.loads(capfd.readouterr().out)["endpoints"] == {"web": ["127.0.0.1", 9025]}
    assert [line.split()[3] for line in calls.read_text().splitlines()] == ["up", "down"]
    monkeypatch.setenv("FAILS", " up ")
    assert main([str(ROOT), str(tmp_path / "bad")]) == 1
    assert "could not be started" in capfd.readouterr().err


STOPPED_AT_EACH_STEP = """
import signal, sys, threading
from postroad_kit.embedded import containers

def stop(frame, event, argument):
    signal.raise_signal(signal.SIGTERM)

class Output:
    def write(self, line):
        return sys.__stdout__.write(line)
    def flush(self):
        sys.__stdout__.flush()
        sys.setprofile(stop)  # of this thread alone

real = containers.subprocess.run
def run(command, **more):
    sys.setprofile(None)
    return real(command, check=True)

containers.subprocess.run = run
containers.sys.stdout = Output()
sys.exit(containers.main(sys.argv[1:]))
"""


@pytest.mark.usefixtures("calls")
def test_the_program_is_stopped_at_whatever_step_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_WEB_PORT", "9025")
    (tmp_path / "data").mkdir()
    users = opened(tmp_path / "users")
    fcntl.flock(users, fcntl.LOCK_SH)
    command = [sys.executable, "-c", STOPPED_AT_EACH_STEP, str(ROOT), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    os.close(users)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_docker_that_fails(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", " up ")
    with pytest.raises(CannotStart, match=r"(?s)status 1.*no engine.*the containers could not be started"):
        Shared(tmp_path / "stack", containers(ROOT)).join()
    assert " down " in calls.read_text().splitlines()[1]


def test_ports_in_a_row_that_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(secrets, "randbelow", lambda _: port - 10001)
        with pytest.raises(CannotStart, match="set POSTROAD_WORLD_PORTS"):
            free_range(2)


def test_a_folder_without_containers(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"no docker-compose\.yml of Postroad in"):
        containers(tmp_path)(tmp_path)
