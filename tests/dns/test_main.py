"""The process: it starts, takes up edits, refuses bad ones, and stops."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING

import dns.message
import dns.query
import pytest

from postroad.control.token import ensure_token
from postroad.world.watcher import WorldWatcher
from postroad_dns import __main__ as main
from postroad_dns.worlds import Worlds, next_serial
from tests.dns.golden import query
from tests.dns.test_server import bound
from tests.dns.world import domain, settings, world
from tests.harness.processes import claim_network, plain_environment
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postroad.world.world import World


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (0, 1_800_000_000.9, 1_800_000_000),
        (1_800_000_000, 1_800_000_000.1, 1_800_000_001),
        (1_800_000_005, 1_800_000_000.0, 1_800_000_006),
        (0xFFFFFFFF, 0xFFFFFFFF, 0),
        (0xFFFFFFFF, 0x1_0000_0005, 5),
    ],
)
def test_serials_only_grow(last: int, now: float, expected: int) -> None:
    assert next_serial(last, now) == expected


class Edits(WorldWatcher):
    """A watcher that is told what it finds."""

    def __init__(self, *worlds: World | None) -> None:
        self.worlds = list(worlds)

    def poll(self) -> World | None:
        return self.worlds.pop(0)


def test_watching(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    server = bound("127.0.0.1", 5)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        edits = Edits(
            None,
            world(domain("alpha.test", "www A 203.0.113.1")),
            world(domain("alpha.test", "www BOGUS x")),
            world(domain("al\0pha" + "x" * 70, users=())),
        )
        worlds = Worlds(world(), settings())
        worlds.served_by(server)

        def adopt(changed: World) -> int:
            return asyncio.run(worlds.adopt(changed))

        main.watch(edits, adopt, wait=lambda _seconds: not edits.worlds)
        (answer,) = dns.query.udp(query("www.alpha.test. A"), *server.address[:1], 5, server.address[1]).answer
        assert answer[0].to_text() == "203.0.113.1"
    finally:
        server.stop()
        thread.join()
    assert "zones loaded" in caplog.text
    assert "zones refused: alpha.test: record 'www BOGUS x'" in caplog.text
    assert "zones could not be made" in caplog.text


class Process:
    """One name server, as it is started."""

    def __init__(self, folder: Path, network: str, **changed: str) -> None:
        self.world = folder / "world.toml"
        self.world.write_text(DEFAULT_WORLD)
        self.address = f"{network}.53"
        environ = plain_environment() | {
            "POSTROAD_WORLD": str(self.world),
            "POSTROAD_NETWORK": network,
            "POSTROAD_DATA": str(folder),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "postroad_dns"], env=environ | changed, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self.stderr: IO[str] = self.process.stderr

    def ask(self, question: str) -> dns.message.Message:
        return dns.query.udp(query(question), self.address, 5, 1053)

    def wait_for(self, text: str) -> str:
        for line in self.stderr:
            if text in line:
                return line
        raise AssertionError(f"the process ended without saying {text!r}")


@pytest.fixture
def network() -> Iterator[str]:
    name, claim = claim_network()
    with claim:
        yield name


def test_a_life(tmp_path: Path, network: str) -> None:
    server = Process(tmp_path, network)
    with server.process, server.stderr:
        try:
            assert f"{server.address}:1053" in server.wait_for("msg=ready")
            assert server.ask("beta.test. MX").answer
            serial = server.ask("beta.test. SOA").answer[0][0].serial
            server.world.write_text(DEFAULT_WORLD.replace("203.0.113.80", "203.0.113.90"))
            server.wait_for("zones loaded")
            assert server.ask("www.beta.test. A").answer[0][0].address == "203.0.113.90"
            assert server.ask("beta.test. SOA").answer[0][0].serial > serial
            server.world.write_text(DEFAULT_WORLD.replace("'www 300", "'www.alpha.test. 300"))
            server.wait_for("refused")
            assert server.ask("www.beta.test. A").answer[0][0].address == "203.0.113.90"
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(2) == 0
        finally:
            server.process.kill()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"POSTROAD_DNS_PORT": "x"}, "POSTROAD_DNS_PORT"),
        ({"POSTROAD_WORLD": "/nonexistent"}, "cannot be read"),
        ({"POSTROAD_LISTEN": "192.0.2.1"}, "cannot listen on 192.0.2.1 port 1053"),
    ],
)
def test_what_stops_the_start(tmp_path: Path, network: str, changed: dict[str, str], told: str) -> None:
    server = Process(tmp_path, network, **changed)
    with server.process, server.stderr:
        assert server.process.wait(10) == 1
        error = server.stderr.read()
    assert told in error
    assert "Traceback" not in error


def test_the_control_door_opens_with_the_token(tmp_path: Path, network: str) -> None:
    (tmp_path / "control").mkdir()
    ensure_token(tmp_path / "control")
    server = Process(tmp_path, network)
    with server.process, server.stderr:
        try:
            server.wait_for("msg=ready")
            with socket.create_connection((server.address, 8026), 5) as sock:
                sock.sendall(b"GET /figures HTTP/1.1\r\nHost: dns\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 401 ")
            other = Process(tmp_path, network, POSTROAD_DNS_PORT="1054")
            with other.process, other.stderr:
                assert other.process.wait(10) == 1
                assert f"cannot listen on {server.address} port 8026" in other.stderr.read()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(5) == 0
        finally:
            server.process.kill()


def test_in_this_process(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "world.toml"
    path.write_text(DEFAULT_WORLD)
    for name, value in {"WORLD": str(path), "NETWORK": network, "DATA": str(tmp_path)}.items():
        monkeypatch.setenv(f"POSTROAD_{name}", value)
    (tmp_path / "control").mkdir()
    ensure_token(tmp_path / "control")
    # The signal comes as soon as the server is ready, and never before it handles signals: it would end the tests.
    monkeypatch.setattr("postroad.log.ready", lambda **_: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        assert main.main() == 0
        with socket.create_server((f"{network}.53", 8026)):
            assert main.main() == 1
        (tmp_path / "control" / "token").unlink()
        assert main.main() == 0
        monkeypatch.setenv("POSTROAD_NETWORK", "192.0.2")
        assert main.main() == 1
        monkeypatch.setenv("POSTROAD_BOGUS", "1")
        assert main.main() == 1
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
