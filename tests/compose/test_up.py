"""`make up` where a port or the network is taken: it names the setting that helps, and leaves nothing half up."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from postroad_kit.embedded.containers import free_range
from tests.harness.containers import free_ports
from tests.harness.processes import plain_environment
from tests.harness.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.containers import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]

PROJECT = "postroad-test-up"
PORTS = ("DNS", "APP", "SMTP", "SUBMISSION", "SUBMISSIONS", "POP3", "POP3S", "IMAP", "IMAPS", "WEB")


@dataclass(frozen=True, slots=True)
class Clone:
    """A second stack, which its user starts with `make up`."""

    network: str
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        compose = {"COMPOSE_PROJECT_NAME": PROJECT, "COMPOSE_ENV_FILES": os.devnull}
        return {**plain_environment(), **compose, "POSTROAD_NETWORK": self.network, **self.settings}

    def run(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout

    def up(self, **settings: str) -> tuple[int, str]:
        return Clone(self.network, self.settings | settings).run("make", "--no-print-directory", "up")

    def containers(self) -> list[str]:
        _, listed = self.run("docker", "compose", "ps", "--all", "--services")
        return sorted(listed.split())

    def networks(self) -> list[str]:
        label = f"label=com.docker.compose.project={PROJECT}"
        return self.run("docker", "network", "ls", "--quiet", "--filter", label)[1].split()


@pytest.fixture(scope="module")
def clone(composed: ComposeStack) -> Iterator[Clone]:
    """A stack that is down. The lock of `composed` sees to it that there is one at a time."""
    ports = {f"POSTROAD_{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    clone = Clone(composed.free_network(), ports | {"POSTROAD_WORLD_PORTS": free_range(2)})
    try:
        yield clone
    finally:
        clone.run("docker", "compose", "down", "--volumes", "--remove-orphans", "--timeout", "5", "--rmi", "local")


def test_up(clone: Clone) -> None:
    status, said = clone.up()
    assert status == 0, said
    app, web = clone.settings["POSTROAD_APP_PORT"], clone.settings["POSTROAD_WEB_PORT"]
    assert said.splitlines()[-1] == (
        f"Postroad is up. Point your app at localhost:{app} (SMTP; no login, no TLS), and open http://localhost:{web}"
    )
    # What ran before is not taken down by a later failure.
    assert clone.run("docker", "compose", "rm", "--stop", "--force", "store")[0] == 0
    with _held() as port:
        status, said = clone.up(POSTROAD_IMAP_PORT=str(port))
    assert status != 0
    assert "What ran before is left alone: dns relay web." in said
    assert re.search(r"^  POSTROAD_IMAP_PORT=\d+$", said, re.MULTILINE)
    assert set(clone.containers()) - {"init"} == {"dns", "relay", "web"}
    assert clone.run("docker", "compose", "down")[0] == 0


def test_ports_that_are_taken(clone: Clone, composed: ComposeStack) -> None:
    """By a program, and by a container of another project; both are named at once."""
    with _held() as port, _held(socket.SOCK_DGRAM) as name_server:
        taken = composed.environment()["POSTROAD_WEB_PORT"]
        of_worlds = composed.environment()["POSTROAD_WORLD_PORTS"]
        status, said = clone.up(
            POSTROAD_APP_PORT=str(port),
            POSTROAD_DNS_PORT=str(name_server),
            POSTROAD_WEB_PORT=taken,
            POSTROAD_WORLD_PORTS=of_worlds,
        )
    assert status != 0
    for setting, number in (("APP", port), ("DNS", name_server), ("WEB", taken)):
        assert f"Port {number} of 127.0.0.1 is taken by another program. Choose another one in .env:\n" in said
        assert re.search(rf"^  POSTROAD_{setting}_PORT=\d+$", said, re.MULTILINE)
    assert re.search(r"^  POSTROAD_WORLD_PORTS=\d+-\d+$", said, re.MULTILINE)
    assert of_worlds not in said
    assert "Nothing was left running." in said
    assert clone.containers() == []
    assert clone.networks() == []


def test_a_network_that_is_taken(clone: Clone) -> None:
    name = f"{PROJECT}-other"
    subnet = f"{clone.network}.64/26"
    created = clone.run("docker", "network", "create", "--subnet", subnet, name)
    assert created[0] == 0, created
    try:
        status, said = clone.up()
    finally:
        clone.run("docker", "network", "rm", name)
    assert status != 0
    assert f"The network {clone.network}.0/24 is taken by {subnet} ({name}). Choose another one in .env" in said
    assert "\n  POSTROAD_NETWORK=198.19." in said
    assert "Nothing was left running." in said
    assert clone.containers() == []
    assert clone.networks() == []


@contextlib.contextmanager
def _held(kind: socket.SocketKind = socket.SOCK_STREAM) -> Iterator[int]:
    """Hold a port, and yield its number."""
    with socket.socket(type=kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        yield int(holder.getsockname()[1])
