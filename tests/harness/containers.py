"""Postroad as containers: the project's own docker-compose.yml under a project name, network and ports of its own.

One such stack runs at a time on a machine (a lock sees to it), and nothing of it is left afterwards: containers,
volumes and networks go, whatever happened.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import ipaddress
import json
import os
import socket
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors

from postroad_kit.embedded.containers import free_range
from tests.harness.processes import output_of, plain_environment
from tests.harness.stack import DEFAULT_WORLD, ROOT, WAIT, Endpoint, Port, Service, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker.models.containers import Container
    from docker.models.networks import Network

_PROJECT = "postroad-test"
_LOCK = Path(tempfile.gettempdir()) / "postroad-test-compose.lock"
_WORLD_PORTS = 2
_BUILD_LIMIT = 600.0  # seconds, for images built from nothing
# The ports inside the containers, and the variable that publishes each.
_PORTS = {
    Port.DNS: (Service.DNS, 53, "POSTROAD_DNS_PORT"),
    Port.APP: (Service.RELAY, 1025, "POSTROAD_APP_PORT"),
    Port.SMTP: (Service.RELAY, 25, "POSTROAD_SMTP_PORT"),
    Port.SUBMISSION: (Service.RELAY, 587, "POSTROAD_SUBMISSION_PORT"),
    Port.SUBMISSIONS: (Service.RELAY, 465, "POSTROAD_SUBMISSIONS_PORT"),
    Port.POP3: (Service.STORE, 110, "POSTROAD_POP3_PORT"),
    Port.POP3S: (Service.STORE, 995, "POSTROAD_POP3S_PORT"),
    Port.IMAP: (Service.STORE, 143, "POSTROAD_IMAP_PORT"),
    Port.IMAPS: (Service.STORE, 993, "POSTROAD_IMAPS_PORT"),
    Port.SIEVE: (Service.STORE, 4190, "POSTROAD_SIEVE_PORT"),
    Port.WEB: (Service.WEB, 8025, "POSTROAD_WEB_PORT"),
}


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nothing listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]


class ComposeStack(Stack):
    """One Postroad of containers."""

    def __init__(self, folder: Path, *, world: str = DEFAULT_WORLD, settings: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.folder = folder
        self._world = world
        self._settings = dict(settings or {})
        self._ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self._world_ports = free_range(_WORLD_PORTS)
        self.docker = docker.from_env(timeout=60)
        self._lock: io.TextIOWrapper | None = None
        self.network = ""
        self.ready_after = 0.0  # seconds from `up` to healthy, with the images built

    # Compose

    def environment(self) -> dict[str, str]:
        """Return the environment of `docker compose`."""
        return {
            **plain_environment(),
            "POSTROAD_NETWORK": self.network,
            **{variable: str(self._ports[port]) for port, (_, _, variable) in _PORTS.items()},
            "POSTROAD_WORLD_PORTS": self._world_ports,
            **self._settings,
        }

    def compose(self, *arguments: str, timeout: float = 120) -> str:
        """Run `docker compose` for this stack's project and return what it prints."""
        files = ("--file", str(ROOT / "docker-compose.yml"), "--file", str(self.folder / "override.yml"))
        command = ["docker", "compose", "--project-name", _PROJECT, "--env-file", os.devnull, *files, *arguments]
        return output_of(command, folder=ROOT, environment=self.environment(), limit=timeout)

    def open(self) -> None:
        self._lock = _LOCK.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.network = self.free_network()
        (self.folder / "world").mkdir(parents=True)
        self.edit_world(self._world)
        # The same file as for everyone, except for the folder of the world.
        mounts = {"volumes": [f"{self.folder / 'world'}:/world:ro"]}
        override = {"services": dict.fromkeys(["init", *Service], mounts)}
        (self.folder / "override.yml").write_text(json.dumps(override))  # JSON is YAML
        self._down()  # what a run that was cut off has left
        self.compose("build", timeout=_BUILD_LIMIT)
        since, began = time.time(), time.monotonic()
        self.compose("up", "--detach", "--wait", "--no-build")
        self.ready_after = time.monotonic() - began
        self.compose("cp", f"{Service.RELAY}:/data/tls/ca.pem", str(self.ca_file))
        for service in Service:
            self._follow(service, since=since)

    def close(self) -> None:
        try:
            if (self.folder / "override.yml").exists():
                self._down("--rmi", "local")  # the engine keeps their layers for the next build
        finally:
            self.docker.close()
            if self._lock is not None:
                self._lock.close()

    def _down(self, *options: str) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", *options)

    def free_network(self) -> str:
        """Return a /24, by its first three numbers, that no network of Docker's overlaps."""
        taken = [
            ipaddress.ip_network(config["Subnet"])
            for network in self.docker.networks.list()
            for config in (network.attrs["IPAM"]["Config"] or [])
        ]
        for third in range(100, 250):
            candidate = ipaddress.ip_network(f"198.19.{third}.0/24")
            if not any(candidate.overlaps(network) for network in taken):
                return f"198.19.{third}"
        raise AssertionError("no /24 of 198.19.0.0/16 is free")

    # Services

    def container(self, service: Service) -> Container:
        """Return a service's container, as it is now."""
        labels = [f"com.docker.compose.project={_PROJECT}", f"com.docker.compose.service={service}"]
        (container,) = self.docker.containers.list(all=True, filters={"label": labels})
        return container

    def private_network(self) -> Network:
        """Return the private network."""
        (network,) = self.docker.networks.list(filters={"label": f"com.docker.compose.project={_PROJECT}"})
        return network

    def _follow(self, service: Service, *, since: float) -> None:
        stream = self.container(service).logs(stream=True, follow=True, since=since)
        self.logs[service].follow(_lines(stream))

    def start(self, *services: Service) -> None:
        marks = {service: self.logs[service].position for service in services}
        for service in services:
            # Not Docker's StartedAt: on a busy machine it is set when the service has already said that it is ready.
            since = time.time()
            self.container(service).start()
            self._follow(service, since=since)
        for service, mark in marks.items():
            self.logs[service].wait(r"\bmsg=ready\b", after=mark)

    def stop(self, *services: Service) -> None:
        for service in services:
            container = self.container(service)
            container.stop(timeout=10)
            code = container.wait(timeout=WAIT)["StatusCode"]
            assert code == 0, f"{service} ended with {code}"

    def kill(self, *services: Service) -> None:
        for service in services:
            container = self.container(service)
            container.kill()
            container.wait(timeout=WAIT)

    def compose_environment(self) -> dict[str, str]:
        """Return the environment in which `docker compose`, without options, means this stack."""
        files = os.pathsep.join([str(ROOT / "docker-compose.yml"), str(self.folder / "override.yml")])
        compose = {"COMPOSE_PROJECT_NAME": _PROJECT, "COMPOSE_ENV_FILES": os.devnull, "COMPOSE_FILE": files}
        return {**self.environment(), **compose}

    def make(self, *arguments: str, text: str = "") -> str:
        """Run `make` as a user of this stack would, and return what it prints."""
        command = ["make", "--no-print-directory", *arguments]
        return output_of(command, folder=ROOT, environment=self.compose_environment(), limit=WAIT, text=text)

    # What a client needs

    def endpoint(self, port: Port) -> Endpoint:
        if port is Port.MX:  # not published: reached on the private network itself
            return Endpoint(f"{self.network}.143", 25)
        return Endpoint("127.0.0.1", self._ports[port])

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def edit_world(self, text: str) -> None:
        draft = self.folder / "world.draft"
        draft.write_text(text)
        draft.chmod(0o644)
        draft.replace(self.folder / "world" / "world.toml")

    def journal_lines(self, service: Service) -> list[str]:
        try:
            blocks, _ = self.container(service).get_archive(f"/data/journal/{service}")
        except docker.errors.NotFound:
            return []
        with tarfile.open(fileobj=io.BytesIO(b"".join(blocks))) as archive:
            files = [archive.extractfile(member) for member in archive if Path(member.name).name.startswith(service)]
            return [line for file in files if file for line in file.read().decode(errors="replace").splitlines()]

    def trace(self, name: str) -> str:
        return self.run_in(Service.RELAY, "postroad", "trace", "--", name)

    def run_in(self, service: Service, *command: str) -> str:
        """Run a command in a service's container and return what it prints."""
        return self.compose("exec", "--no-TTY", service, *command)

    def memory(self, service: Service) -> int:
        """Return the octets of memory that a container uses, its page cache not counted."""
        stats: Any = self.container(service).stats(stream=False)
        usage = stats["memory_stats"]
        return int(usage["usage"]) - int(usage["stats"].get("inactive_file", 0))


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield whole lines of a stream that comes in chunks."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
