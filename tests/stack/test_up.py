"""`make up` with a program in place of Docker: what it makes of the engine's words. tests/compose has the real one."""

from __future__ import annotations

import json
import re
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from postroad_stack import up

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = {
    "services": {
        "relay": {"ports": ["127.0.0.1:${POSTROAD_APP_PORT:-1025}:1025", "127.0.0.1:9:9"]},
        "dns": {"ports": ["127.0.0.1:${POSTROAD_DNS_PORT:-1053}:53/udp"]},
        "init": {},
    }
}


class Docker:
    """Answers by the words of the command; each answer is (status, stdout, stderr)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, tuple[int, str, str]] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def answer(self, words: str, out: object = "", *, status: int = 0, err: str = "") -> None:
        self.answers[words] = (status, out if isinstance(out, str) else json.dumps(out), err)
        (self.folder / "answers").write_text(json.dumps(self.answers), encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    docker = Docker(tmp_path)
    program = tmp_path / "docker"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        f"folder = {str(tmp_path)!r}\n"
        "words = ' '.join(sys.argv[1:])\n"
        "print(words, file=open(folder + '/calls', 'a'))\n"
        "status, out, err = json.load(open(folder + '/answers')).get(words, (0, '', ''))\n"
        "sys.stdout.write(out); sys.stderr.write(err); sys.exit(status)\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    published = [
        {"host_ip": "127.0.0.1", "target": 1025, "published": str(docker.port), "protocol": "tcp"},
        {"host_ip": "127.0.0.1", "target": 9, "published": "9", "protocol": "tcp"},
    ]
    udp = {"host_ip": "127.0.0.1", "target": 53, "published": str(docker.port), "protocol": "udp"}
    network = {"mail": {"name": "zz-x", "ipam": {"config": [{"subnet": "198.19.25.0/24"}]}}}
    services = {"relay": {"ports": published}, "dns": {"ports": [udp]}, "init": {}}
    docker.answer("compose config --no-interpolate --format json", PLAIN)
    docker.answer("compose config --format json", {"services": services, "networks": network})
    docker.answer("compose config --services", "dns\nrelay\ninit\n")
    return docker


UP = "compose up --detach --wait --wait-timeout 180 --no-build"


def test_it_is_up(docker: Docker, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answer(UP, err="Container x Started\n")
    assert up.main([]) == 0
    said, told = capfd.readouterr()
    assert said.startswith(f"Postroad is up. Point your app at localhost:{docker.port} (SMTP")
    assert told == "Container x Started\n"


@pytest.mark.parametrize(
    "words",
    [
        "Error: driver failed programming: Bind for 127.0.0.1:{port} failed: port is already allocated",
        "Error: listen tcp4 127.0.0.1:{port}: bind: address already in use",
        "Error: ports are not available: exposing port TCP 127.0.0.1:{port} -> 0.0.0.0:0: listen tcp 127.0.0.1:{port}",
    ],
)
def test_a_port_that_docker_calls_taken(docker: Docker, capfd: pytest.CaptureFixture[str], words: str) -> None:
    docker.answer(UP, status=1, err=words.format(port=docker.port))
    assert up.main([]) == 1
    told = capfd.readouterr().err
    assert f"Port {docker.port} of 127.0.0.1 is taken by another program. Choose another one in .env:\n" in told
    assert "  POSTROAD_APP_PORT=" in told
    assert told.endswith("Nothing was left running.\n")
    assert "compose down --remove-orphans" in docker.calls
    assert not any("logs" in call for call in docker.calls)


def test_a_port_of_several_that_is_taken(docker: Docker, capfd: pytest.CaptureFixture[str]) -> None:
    variable = "${POSTROAD_WORLD_PORTS:-1026-1028}"
    server = socket.create_server(("127.0.0.1", 0))  # the first is taken, too; Docker names another
    first = server.getsockname()[1]
    ports = [
        {"host_ip": "127.0.0.1", "target": number, "published": str(number), "protocol": "tcp"}
        for number in range(first, first + 3)
    ]
    plain = {"services": {"relay": {"ports": [f"127.0.0.1:{variable}:{variable}"]}}}
    docker.answer("compose config --no-interpolate --format json", plain)
    docker.answer("compose config --format json", {"services": {"relay": {"ports": ports}}})
    docker.answer(UP, status=1, err=f"Bind for 127.0.0.1:{first + 1} failed: port is already allocated")
    with server:
        assert up.main([]) == 1
    told = capfd.readouterr().err
    assert f"Port {first + 1} of 127.0.0.1 is taken by another program. Choose others in .env:\n" in told
    (choice,) = re.findall(r"^  POSTROAD_WORLD_PORTS=(\d+)-(\d+)$", told, re.MULTILINE)
    assert int(choice[1]) == int(choice[0]) + 2
    assert int(choice[0]) > first + 2


def test_a_port_that_is_found_taken(docker: Docker, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answer(UP, status=1, err="something else\n")
    with socket.create_server(("127.0.0.1", docker.port)), socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", docker.port))
        assert up.main([]) == 1
    told = capfd.readouterr().err
    assert "  POSTROAD_APP_PORT=" in told
    assert "  POSTROAD_DNS_PORT=" in told
    assert "compose logs --tail 10" in docker.calls


def test_what_ran_before_is_left_alone(docker: Docker, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answer("compose ps --services --status running", "dns\n")
    docker.answer(UP, status=1, err="unhealthy\n")
    assert up.main([]) == 1
    assert capfd.readouterr().err.endswith("Not up: see above.\nWhat ran before is left alone: dns.\n")
    assert "compose rm --stop --force init relay" in docker.calls
    assert "compose down --remove-orphans" not in docker.calls


@pytest.mark.parametrize("others", [["198.19.25.0/25", "198.19.0.0/17"], []])
def test_a_network_that_is_taken(docker: Docker, capfd: pytest.CaptureFixture[str], others: list[str]) -> None:
    docker.answer(UP, status=1, err="invalid pool request: Pool overlaps with other one on this address space\n")
    docker.answer("network ls --quiet", "a\nb\n" if others else "")
    networks = [
        {"Name": "zz-x", "IPAM": {"Config": [{"Subnet": "198.19.25.0/24"}]}},
        {"Name": "none", "IPAM": {"Config": None}},
        {"Name": "odd", "IPAM": {"Config": [{}]}},
        *({"Name": f"other{subnet}", "IPAM": {"Config": [{"Subnet": subnet}]}} for subnet in others),
    ]
    docker.answer("network inspect a b", networks)
    assert up.main([]) == 1
    told = capfd.readouterr().err
    if others:
        assert "is taken by 198.19.25.0/25 (other198.19.25.0/25), 198.19.0.0/17 (other198.19.0.0/17)." in told
        assert "  POSTROAD_NETWORK=198.19.128\n" in told
    else:
        assert "The network 198.19.25.0/24 is taken, perhaps by a VPN. Choose" in told
        assert "  POSTROAD_NETWORK=198.19.26\n" in told


def test_a_full_range(docker: Docker, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answer(UP, status=1, err="networks have overlapping IPv4\n")
    docker.answer("network ls --quiet", "a\n")
    docker.answer("network inspect a", [{"Name": "all", "IPAM": {"Config": [{"Subnet": "198.18.0.0/15"}]}}])
    assert up.main([]) == 1
    assert "  POSTROAD_NETWORK=10.25.25\n" in capfd.readouterr().err


def test_a_build_that_fails(docker: Docker) -> None:
    docker.answer("compose build", status=17)
    assert up.main([]) == 17
    assert UP not in docker.calls


def test_without_docker(docker: Docker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answer("compose ps --services --status running", status=1, err="Cannot connect to the Docker daemon")
    assert up.main([]) == 1
    assert capfd.readouterr().err.startswith("Cannot connect to the Docker daemon\nDocker does not answer; make run")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert up.main([]) == 1
    assert capfd.readouterr().err.startswith("There is no Docker here; make run")
    assert up.main(["now"]) == 2
