"""The stack as containers of a checkout of Postroad, on free ports, with a project and a network of their own.

As a program it holds the lock of the data folder for as long as the containers are there, prints the line that
`postroad run --json` prints, and removes them when nobody locks the file of users any more, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from postroad_kit.embedded.locks import opened
from postroad_kit.errors import CannotStart
from postroad_kit.postroad import URL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postroad_kit.embedded.shared import Starter

_PUBLISHED = re.compile(r"127\.0\.0\.1:\$\{(POSTROAD_\w+_PORT):-\d+\}")
WORLD_PORTS = 32  # one per worker, and more; for each that is published Docker starts a process
FILE = "docker-compose.yml"


def containers(checkout: Path) -> Starter:
    """Return what starts the containers of a checkout; raises `CannotStart`."""

    def starter(folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
        if not (checkout / FILE).is_file():
            raise CannotStart(f"there is no {FILE} of Postroad in {checkout}: --postroad-containers names a checkout")
        ports = sorted(set(_PUBLISHED.findall((checkout / FILE).read_text(encoding="utf-8"))))
        environ = {name: value for name, value in os.environ.items() if name != URL}
        environ |= {"POSTROAD_PLAINTEXT_AUTH": "on", **dict(zip(ports, map(str, free_ports(len(ports))), strict=True))}
        environ.setdefault("POSTROAD_WORLD_PORTS", free_range(WORLD_PORTS))
        environ["POSTROAD_NETWORK"] = f"198.19.{secrets.randbelow(200) + 32}"
        environ["COMPOSE_PROJECT_NAME"] = f"postroad-kit-{secrets.token_hex(4)}"
        (folder / "data").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "postroad_kit.embedded.containers", str(checkout.resolve()), str(folder)]
        return command, environ

    return starter


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody has now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for holder in sockets:
            holder.bind(("127.0.0.1", 0))
        return [holder.getsockname()[1] for holder in sockets]


def free_range(count: int) -> str:
    """Return the first and the last of so many ports in a row that nobody has on 127.0.0.1; raises `CannotStart`."""
    for _ in range(100):
        first = 10000 + secrets.randbelow(20000)  # Linux gives those from 32768 to clients
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return f"{first}-{first + count - 1}"
    raise CannotStart(f"there are no {count} free ports in a row for worlds: set POSTROAD_WORLD_PORTS")


@contextlib.contextmanager
def _running(compose: Sequence[str]) -> Iterator[None]:
    """Start the containers, and remove them with all that they have kept."""
    try:
        subprocess.run([*compose, "up", "--build", "--detach", "--wait", "--quiet-pull"], check=True, stdout=sys.stderr)
        yield
    finally:
        subprocess.run([*compose, "down", "--volumes", "--remove-orphans"], check=False, stdout=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the containers until nobody uses them."""
    parser = argparse.ArgumentParser(prog="python -m postroad_kit.embedded.containers")
    parser.add_argument("checkout", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    lock = opened(options.folder / "data" / "lock")
    fcntl.flock(lock, fcntl.LOCK_EX)
    users = opened(options.folder / "users")
    # Not an Event: a signal that comes while this thread holds its lock, on the way into `wait`, would wait for itself.
    over: SimpleQueue[None] = SimpleQueue()

    def watch() -> None:
        fcntl.flock(users, fcntl.LOCK_EX)
        over.put(None)

    signal.signal(signal.SIGTERM, lambda *_: over.put(None))
    threading.Thread(target=watch, daemon=True).start()
    compose = ["docker", "compose", "--project-directory", str(options.checkout)]
    try:
        with _running(compose):
            endpoints = {"web": ["127.0.0.1", int(os.environ["POSTROAD_WEB_PORT"])]}
            sys.stdout.write(json.dumps({"ready": True, "endpoints": endpoints}) + "\n")
            sys.stdout.flush()
            over.get()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"the containers could not be started: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
