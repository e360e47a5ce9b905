"""What `make up` does: start the containers, and if that fails leave none behind and say which setting helps.

It runs before anything is installed, so it uses only the standard library, and imports nothing of Postroad. Docker
stops at the first port that is taken; this names all of them. Containers that ran before are left alone.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import json
import re
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

COMPOSE = ("docker", "compose")

# As docker-compose.yml has it: 127.0.0.1:${POSTROAD_WEB_PORT:-8025}:8025
_VARIABLE = re.compile(r"\$\{(\w+):?-[^}]*\}:(\d+)(?:/(\w+))?$")
# Several ports of one setting, with the same numbers inside: ${POSTROAD_X:-1026-1033}:${POSTROAD_X:-1026-1033}
_SEVERAL = re.compile(r"\$\{(\w+):?-[^}]*\}:\$\{\1:?-[^}]*\}$")
# The words of Docker Engine, of Docker Desktop and of Podman for a port that is taken.
_TAKEN = re.compile(r"(?:already allocated|already in use|not available|bind:)", re.IGNORECASE)
_OVERLAP = re.compile(r"overlap|conflicts with network|already used on the host", re.IGNORECASE)


class Port(NamedTuple):
    """A port that is published on this machine."""

    setting: str
    host: str
    number: int
    protocol: str  # tcp or udp


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the stack; returns Docker's exit status, and 1 if there is no Docker."""
    if sys.argv[1:] if arguments is None else arguments:
        sys.stderr.write("usage: up (without arguments; settings are in .env)\n")
        return 2
    if shutil.which("docker") is None:
        return _say("There is no Docker here; make run starts the same stack as processes.")
    listing = _run("ps", "--services", "--status", "running")
    if listing.returncode:
        return _say(f"{listing.stderr.strip()}\nDocker does not answer; make run starts the same stack as processes.")
    before = set(listing.stdout.split())
    built = subprocess.run([*COMPOSE, "build"], check=False)
    if built.returncode:
        return built.returncode
    status, said = _start()
    if status == 0:
        return _say_where()
    _show_logs(said)
    _take_down(before)
    _say("\n".join(["", *_explain(said, before)]))
    return status


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMPOSE, *arguments], capture_output=True, text=True, check=False)


def _say(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _start() -> tuple[int, str]:
    """Start everything and wait until it is healthy; return the exit status and what was said on the way."""
    command = [*COMPOSE, "up", "--detach", "--wait", "--wait-timeout", "180", "--no-build"]
    lines = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None  # noqa: S101 - it was opened as a pipe
        for line in process.stderr:
            sys.stderr.write(line)
            lines.append(line)
    return process.returncode, "".join(lines)


def _say_where() -> int:
    ports = {port.setting: f"{_localhost(port.host)}:{port.number}" for port in published()}
    app, web = ports.get("POSTROAD_APP_PORT"), ports.get("POSTROAD_WEB_PORT")
    sys.stdout.write(f"Postroad is up. Point your app at {app} (SMTP; no login, no TLS), and open http://{web}\n")
    return 0


def _localhost(host: str) -> str:
    return "localhost" if host == "127.0.0.1" else host


def _show_logs(said: str) -> None:
    """Show the end of the logs, unless Docker itself has said what is wrong."""
    if not _OVERLAP.search(said) and not _TAKEN.search(said):
        sys.stderr.flush()
        subprocess.run([*COMPOSE, "logs", "--tail", "10"], stdout=2, check=False)


def _take_down(before: set[str]) -> None:
    """Remove what did not run before; volumes stay."""
    if not before:
        _run("down", "--remove-orphans")
        return
    services = set(_run("config", "--services").stdout.split())
    if rest := sorted(services - before):
        _run("rm", "--stop", "--force", *rest)


# What Docker's message means


def published() -> list[Port]:
    """Return the ports that Compose publishes, with the settings that move them."""
    names = json.loads(_run("config", "--no-interpolate", "--format", "json").stdout)["services"]
    services = json.loads(_run("config", "--format", "json").stdout)["services"]
    return list(_published(names, services))


def _published(names: dict[str, Any], services: dict[str, Any]) -> Iterator[Port]:
    for service, description in services.items():
        texts = [text for text in names[service].get("ports", ()) if isinstance(text, str)]
        settings = {(int(match[2]), match[3] or "tcp"): match[1] for text in texts if (match := _VARIABLE.search(text))}
        several = next((match[1] for text in texts if (match := _SEVERAL.search(text))), None)
        for port in description.get("ports", ()):
            same = several if str(port["target"]) == port.get("published") else None
            setting = settings.get((port["target"], port["protocol"]), same)
            if setting and "published" in port:
                yield Port(setting, port.get("host_ip", "0.0.0.0"), int(port["published"]), port["protocol"])


def _explain(said: str, before: set[str]) -> Iterator[str]:
    """Yield what to do."""
    nothing = (
        "Nothing was left running." if not before else f"What ran before is left alone: {' '.join(sorted(before))}."
    )
    ports = published()
    named = {int(number) for line in said.splitlines() if _TAKEN.search(line) for number in re.findall(r":(\d+)", line)}
    taken = [port for port in ports if port.number in named or (not before and not _is_free(port, port.number))]
    if _OVERLAP.search(said):
        yield from _explain_network()
    elif taken:
        used = {port.number for port in ports}
        for setting in dict.fromkeys(port.setting for port in taken):
            sockets = [port for port in taken if port.setting == setting]
            count = len({port.number for port in ports if port.setting == setting})
            told = min(sockets, key=lambda port: port.number not in named)  # the one that Docker names above, if any
            yield (
                f"Port {told.number} of {told.host} is taken by another program. "
                f"Choose {'another one' if count == 1 else 'others'} in .env:\n"
                f"  {setting}={_another(sockets, used, count)}"
            )
    else:
        yield "Not up: see above."
    yield nothing


def _is_free(port: Port, number: int) -> bool:
    kind = socket.SOCK_DGRAM if port.protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET6 if ":" in port.host else socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM and sys.platform == "linux":  # elsewhere it would share a port that is taken
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host, number))
            if kind is socket.SOCK_STREAM:
                probe.listen()
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _another(sockets: Sequence[Port], used: set[int], count: int) -> str:
    """Return a free port near the one that is taken, or so many in a row; 0, for which Docker chooses, else."""
    last = sockets[-1].number
    free = 0
    for number in range(last + 1, min(last + 1000, 65536)):
        free = free + 1 if number not in used and all(_is_free(port, number) for port in sockets) else 0
        if free == count:
            return str(number) if count == 1 else f"{number - count + 1}-{number}"
    return "0"


def _explain_network() -> Iterator[str]:
    description = json.loads(_run("config", "--format", "json").stdout)["networks"]["mail"]
    ours = ipaddress.ip_network(description["ipam"]["config"][0]["subnet"])
    others = dict(_networks(but=description["name"]))
    overlapping = [f"{network} ({name})" for name, network in others.items() if ours.overlaps(network)]
    yield (
        f"The network {ours} is taken{' by ' + ', '.join(overlapping) if overlapping else ', perhaps by a VPN'}. "
        f"Choose another one in .env, a /24 by its first three numbers:\n"
        f"  POSTROAD_NETWORK={_another_network(others.values())}"
    )


def _networks(but: str) -> Iterator[tuple[str, Network]]:
    """Yield the networks that Docker has."""
    listed = subprocess.run(["docker", "network", "ls", "--quiet"], capture_output=True, text=True, check=False)
    if identifiers := listed.stdout.split():
        inspected = subprocess.run(
            ["docker", "network", "inspect", *identifiers], capture_output=True, text=True, check=False
        )
        for network in json.loads(inspected.stdout):
            for config in network["IPAM"]["Config"] or ():
                if network["Name"] != but:
                    with contextlib.suppress(KeyError, ValueError):
                        yield network["Name"], ipaddress.ip_network(config["Subnet"])


def _another_network(others: Iterable[Network]) -> str:
    # RFC 2544 §C.2.2: 198.18.0.0/15 is for tests of networks, so neither clouds nor routers use it.
    taken = list(others)
    for third in range(26, 256):
        candidate = ipaddress.ip_network(f"198.19.{third}.0/24")
        if not any(candidate.overlaps(network) for network in taken):
            return f"198.19.{third}"
    return "10.25.25"


if __name__ == "__main__":
    sys.exit(main())
