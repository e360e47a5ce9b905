"""Postroad as processes on a loopback network of its own (127.a.b), with its own data folder and world file."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tests.harness.stack import DEFAULT_WORLD, Endpoint, Port, Service, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_PORTS = {
    Port.DNS: (53, 1053),
    Port.APP: (1, 1025),
    Port.SMTP: (25, 2525),
    Port.SUBMISSION: (25, 1587),
    Port.SUBMISSIONS: (25, 1465),
    Port.MX: (143, 2525),
    Port.POP3: (143, 1110),
    Port.POP3S: (143, 1995),
    Port.IMAP: (143, 1143),
    Port.IMAPS: (143, 1993),
    Port.SIEVE: (143, 4190),
    Port.LMTP: (143, 2424),
    Port.WEB: (1, 8025),
}
_MODULES = {
    Service.DNS: "postroad_dns",
    Service.RELAY: "postroad_relay",
    Service.STORE: "postroad_store",
    Service.WEB: "postroad_web",
}
_CLAIM_PORT = 10025  # bound on a network's first address for as long as a stack uses the network
STOPS_WITHIN = 10.0  # seconds; a service stops in a fraction of one


def plain_environment() -> dict[str, str]:
    """Return the environment without any setting of Postroad.

    What is compiled is kept, whatever the environment says: a service takes half as long again to start without that.
    """
    unwanted = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if name != unwanted and not name.startswith("POSTROAD_")}


def output_of(
    command: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str], limit: float, text: str = ""
) -> str:
    """Run a program that must succeed, with `text` as its input, and return what it prints."""
    done = subprocess.run(
        command, cwd=folder, env=environment, input=text, capture_output=True, text=True, timeout=limit, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def claim_network() -> tuple[str, socket.socket]:
    """Return a loopback network that no other stack of this machine uses, and the socket that holds the claim."""
    while True:
        network = f"127.{secrets.randbelow(253) + 1}.{secrets.randbelow(254)}"
        claim = socket.socket()
        try:
            claim.bind((f"{network}.1", _CLAIM_PORT))
            claim.listen()
        except OSError:
            claim.close()
        else:
            return network, claim


@contextmanager
def own_settings(folder: Path, world: str = DEFAULT_WORLD) -> Iterator[dict[str, str]]:
    """Yield the settings of a service of its own: a network, a world file, a data folder that is still to be made."""
    network, claim = claim_network()
    with claim:
        (folder / "world.toml").write_text(world)
        yield {
            "POSTROAD_NETWORK": network,
            "POSTROAD_WORLD": str(folder / "world.toml"),
            "POSTROAD_DATA": str(folder / "data"),
        }


class ProcessStack(Stack):
    """One Postroad of processes. Its files are in `folder`, which is made."""

    def __init__(
        self,
        folder: Path,
        *,
        world: str = DEFAULT_WORLD,
        settings: Mapping[str, str] | None = None,
        before_exec: Mapping[Service, Callable[[], None]] | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.world_file = folder / "world.toml"
        self.data = folder / "data"
        self._world = world
        self._settings = dict(settings or {})
        self._before_exec = dict(before_exec or {})
        self._running: dict[Service, subprocess.Popen[str]] = {}
        self.network = ""
        self._claim: socket.socket | None = None

    def open(self) -> None:
        self.network, self._claim = claim_network()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.edit_world(self._world)
        self.init()
        self.start(*Service)

    def init(self) -> None:
        """Run `init`, which makes the certificates and checks the world."""
        self.run("init")

    def run(self, *arguments: str) -> str:
        """Run the command `postroad` and return what it prints."""
        command = [sys.executable, "-m", "postroad_stack", *arguments]
        return output_of(command, folder=self.folder, environment=self.environment(), limit=60)

    def environment(self) -> dict[str, str]:
        """Return the environment of a service."""
        return {
            **plain_environment(),
            "POSTROAD_WORLD": str(self.world_file),
            "POSTROAD_NETWORK": self.network,
            "POSTROAD_DATA": str(self.data),
            **self._settings,
        }

    def close(self) -> None:
        try:
            self.stop(*self._running)
        finally:
            for process in self._running.values():
                process.kill()
                process.wait()
            if self._claim is not None:
                self._claim.close()

    def start(self, *services: Service) -> None:
        marks = {}
        for service in services:
            assert service not in self._running, f"{service} runs already"
            log = self.logs[service]
            marks[service] = log.position
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULES[service]],
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                preexec_fn=self._before_exec.get(service),  # noqa: PLW1509 - sets a limit, takes no lock
            )
            assert process.stdout is not None
            if service is Service.WEB:  # as `postroad run` does: mail comes first
                os.setpriority(os.PRIO_PROCESS, process.pid, os.nice(0) + 10)
            self._running[service] = process
            log.follow(_lines(process.stdout))
        for service, mark in marks.items():
            self.logs[service].wait(r"\bready\b", after=mark)

    def stop(self, *services: Service) -> None:
        for service in services:
            self._running[service].send_signal(signal.SIGTERM)
        for service in services:
            code = self._running[service].wait(STOPS_WITHIN)
            del self._running[service]
            assert code in {0, -signal.SIGTERM}, f"{service} ended with {code}:\n{self.logs[service].text()[-2000:]}"

    def kill(self, *services: Service) -> None:
        for service in services:
            self._running[service].kill()
        for service in services:
            self._running.pop(service).wait()

    def process_id(self, service: Service) -> int:
        """Return the process ID of a running service."""
        return self._running[service].pid

    def endpoint(self, port: Port) -> Endpoint:
        host, number = _PORTS[port]
        return Endpoint(f"{self.network}.{host}", number)

    @property
    def ca_file(self) -> Path:
        return self.data / "tls" / "ca.pem"

    def edit_world(self, text: str) -> None:
        draft = self.world_file.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.world_file)

    def journal_lines(self, service: Service) -> list[str]:
        return [
            line
            for file in sorted((self.data / "journal" / service).glob("*.jsonl*"))
            for line in file.read_text(errors="replace").splitlines()
        ]

    def trace(self, name: str) -> str:
        return self.run("trace", "--", name)


def _lines(output: IO[str]) -> Iterator[str]:
    with output:
        yield from output
