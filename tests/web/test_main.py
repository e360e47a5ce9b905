"""The process: it starts without relay and store, says what is wrong, takes up edits, and ends within a second.

Its code runs in the tests' own process first, and then as it is started.
"""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.control.token import ensure_token
from postroad.world.source import load_world
from postroad_web.__main__ import main, run
from postroad_web.web import Web
from tests.harness.mains import left_as_it_is, refusal, served_until_sigterm
from tests.harness.processes import own_settings, plain_environment
from tests.harness.stack import Log

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _leave_this_process_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with left_as_it_is(monkeypatch):
        yield


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    (tmp_path / "data" / "control").mkdir(parents=True)
    ensure_token(tmp_path / "data" / "control")
    with own_settings(tmp_path) as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield environ


async def test_it_serves_until_sigterm(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    where = await served_until_sigterm(run, environ, monkeypatch)
    assert where == {"web": f"{environ['POSTROAD_NETWORK']}.1:8025"}
    assert "[http] accessible via http://localhost:8025/" in caplog.text


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTROAD_KEEP_MESSAGES", "many")
    assert "POSTROAD_KEEP_MESSAGES=many" in refusal(main, capsys)


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("POSTROAD_WORLD", "nowhere.toml", "nowhere.toml"),
        ("POSTROAD_DATA", "/proc/nowhere", "run postroad init"),
    ],
)
def test_what_is_missing_is_told(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert sentence in refusal(main, capsys)


def test_a_port_that_is_taken_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((f"{environ['POSTROAD_NETWORK']}.1", 8025)):
        assert "POSTROAD_WEB_PORT" in refusal(main, capsys)


def test_a_folder_that_cannot_be_written_is_told(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(environ["POSTROAD_DATA"], "web")
    folder.touch()
    assert str(folder) in refusal(main, capsys)


def lines(output: IO[str]) -> Iterator[str]:
    with output:
        yield from output


class Process:
    """One web service, as it is started."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.network = environ["POSTROAD_NETWORK"]
        self.environment = {**plain_environment(), **environ}
        self.log = Log("web")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        self.process = process = subprocess.Popen(
            [sys.executable, "-m", "postroad_web"],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        self.log.follow(lines(process.stderr))
        return process

    def get(self, path: str) -> tuple[int, str | None]:
        """Return the status of a response, and its Date field."""
        connection = HTTPConnection(f"{self.network}.1", 8025, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        connection.close()
        return answer.status, answer.headers["Date"]

    def refused(self) -> str:
        """Start it, and return what it says; it must not stay."""
        done = subprocess.run(
            [sys.executable, "-m", "postroad_web"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def own(environ: dict[str, str]) -> Iterator[Process]:
    process = Process(environ)
    yield process
    process.close()


def test_it_starts_and_ends(own: Process) -> None:
    process = own.start()
    assert "accessible via http://localhost:8025/" in own.log.wait("accessible")
    own.log.wait(rf"ready web={own.network}.1:8025")
    status, date = own.get("/livez")
    assert (status, bool(date)) == (200, True)
    assert own.get("/readyz")[0] == 503  # relay and store are away
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_requests_that_are_held_are_cut_off(own: Process) -> None:
    process = own.start()
    own.log.wait(r"\bready\b")
    body = json.dumps({"to": "bob@beta.test", "timeout": 60}).encode()
    head = f"POST /v1/wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((f"{own.network}.1", 8025), 10) as held:
        held.sendall(head + body + b"GET /livez HTTP/1.1\r\n")
        assert own.get("/livez")[0] == 200
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 2.0  # a busy machine
    assert "Traceback" not in own.log.text()


def test_what_stops_the_start(own: Process, environ: dict[str, str]) -> None:
    own.environment["POSTROAD_KEEP_AGE"] = "for ever"
    assert "POSTROAD_KEEP_AGE=for ever: must be a time" in own.refused()
    own.environment["POSTROAD_KEEP_AGE"] = "0"
    with socket.create_server((f"{own.network}.1", 8025)):
        assert "POSTROAD_WEB_PORT" in own.refused()
    token = Path(environ["POSTROAD_DATA"], "control", "token")
    token.unlink()
    assert f"there is no token for the control doors in {token}: run postroad init" in own.refused()
    Path(environ["POSTROAD_WORLD"]).write_text("domains = 5")
    assert "domains" in own.refused()


async def test_a_new_world_is_taken_up(environ: dict[str, str]) -> None:
    others = set(threading.enumerate())  # what tests before this one have left
    settings = Settings.from_environ(environ)
    web = Web(settings, load_world(settings.world, settings.network, capturing=True), token="t" * 43, clock=Clock())
    await web.start()
    before = web.services.world
    changed: Any = load_world(settings.world, settings.network, capturing=True)
    web._change(changed)
    assert web.services.world is changed is not before
    await web.stop()
    left = [thread.name for thread in threading.enumerate() if thread not in others]
    assert all(name.startswith("asyncio_") for name in left), left  # the event loop's own end with it
