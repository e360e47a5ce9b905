"""The process: it starts without relay and store, says what is wrong, takes up edits, and ends within a second."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from typing import IO, TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.control.token import ensure_token
from postroad.world.source import load_world
from postroad_web.web import Web
from tests.harness.processes import claim_network, plain_environment
from tests.harness.stack import DEFAULT_WORLD, Log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def lines(output: IO[str]) -> Iterator[str]:
    with output:
        yield from output


class Process:
    """One web service, as it is started, on a network of its own."""

    def __init__(self, folder: Path) -> None:
        self.network, self.claim = claim_network()
        self.folder = folder
        self.world = folder / "world.toml"
        self.world.write_text(DEFAULT_WORLD)
        (folder / "data" / "control").mkdir(parents=True)
        ensure_token(folder / "data" / "control")
        self.environment = {
            **plain_environment(),
            "POSTROAD_WORLD": str(self.world),
            "POSTROAD_NETWORK": self.network,
            "POSTROAD_DATA": str(folder / "data"),
        }
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
        self.claim.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
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


def test_what_stops_the_start(own: Process) -> None:
    own.environment["POSTROAD_KEEP_AGE"] = "for ever"
    assert "POSTROAD_KEEP_AGE=for ever: must be a time" in own.refused()
    own.environment["POSTROAD_KEEP_AGE"] = "0"
    with socket.create_server((f"{own.network}.1", 8025)):
        assert "POSTROAD_WEB_PORT" in own.refused()
    token = own.folder / "data" / "control" / "token"
    token.unlink()
    assert f"there is no token for the control doors in {token}: run postroad init" in own.refused()
    own.world.write_text("domains = 5")
    assert "domains" in own.refused()


async def test_a_new_world_is_taken_up(own: Process, tmp_path: Path) -> None:
    settings = Settings.from_environ({n: v for n, v in own.environment.items() if n.startswith("POSTROAD_")})
    web = Web(settings, load_world(own.world, settings.network, capturing=True), token="t" * 43, clock=Clock())
    await web.start()
    before = web.services.world
    changed: Any = load_world(own.world, settings.network, capturing=True)
    web._change(changed)
    assert web.services.world is changed is not before
    await web.stop()
    assert threading.active_count() < 20
