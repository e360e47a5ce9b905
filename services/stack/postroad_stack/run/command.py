"""The program `postroad run`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.config import ConfigError, Settings
from postroad_stack.init import InitError, prepare
from postroad_stack.run.endpoints import check_addresses, control_doors, first_steps, free_network, listeners
from postroad_stack.run.errors import RunError
from postroad_stack.run.lock import sole_user, when_unlocked
from postroad_stack.run.supervisor import Supervisor
from postroad_stack.starter import with_world

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MODULES = {"dns": "postroad_dns", "relay": "postroad_relay", "store": "postroad_store", "web": "postroad_web"}
NICE = {"web": 10}  # it may lag: mail comes first


def run_stack(
    environ: Mapping[str, str],
    *,
    as_json: bool,
    anywhere: bool = False,
    while_locked: Path | None = None,
    scratch: bool = False,
) -> None:
    """Run the stack until a signal comes; raises `ConfigError`, `InitError` or `RunError`.

    With `scratch` the data are removed if it ends because nobody locks the file any more, and kept after a signal.
    """
    began = time.monotonic()
    environ = with_world(environ)
    settings = Settings.from_environ(environ)
    if anywhere:
        environ["POSTROAD_NETWORK"] = free_network(settings.app_port)
        settings = Settings.from_environ(environ)
    with sole_user(settings.data) as lock:
        world = prepare(settings)
        endpoints = listeners(settings, world)
        check_addresses({**endpoints, **control_doors(settings, world)})
        commands = {name: [sys.executable, "-m", module] for name, module in MODULES.items()}

        def ready(pids: Mapping[str, int]) -> None:
            seconds = time.monotonic() - began
            if as_json:
                facts = {
                    "ready": True,
                    "network": str(settings.network[0]).rpartition(".")[0],
                    "seconds": round(seconds, 3),
                    "endpoints": {name: list(endpoint) for name, endpoint in endpoints.items()},
                    "ca": str(settings.tls_dir / "ca.pem"),
                    "pids": pids,
                }
                sys.stdout.write(json.dumps(facts) + "\n")
            else:
                sys.stdout.write(f"Postroad is ready, after {seconds:.2f} s. Ctrl-C stops it.\n")
                sys.stdout.writelines(f"{line}\n" for line in first_steps(settings, world, endpoints))
            sys.stdout.flush()

        if asyncio.run(_supervise(commands, environ, lock, ready, while_locked)) and scratch:
            shutil.rmtree(settings.data, ignore_errors=True)


async def _supervise(
    commands: Mapping[str, Sequence[str]],
    environ: Mapping[str, str],
    lock: int,
    ready: Callable[[Mapping[str, int]], None],
    while_locked: Path | None,
) -> bool:
    """Run the services; return whether they have ended because nobody locks the file any more."""
    unlocked = False

    def end() -> None:
        nonlocal unlocked
        unlocked = True
        supervisor.end()

    supervisor = Supervisor(commands, environ, sys.stderr, lock=lock, nice=NICE)
    if while_locked is not None:
        when_unlocked(while_locked, _in_loop(asyncio.get_running_loop(), end))
    try:
        if await supervisor.start():
            ready(supervisor.pids)
            await supervisor.run()
    finally:
        await supervisor.stop()
    return unlocked


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> Callable[[], None]:
    """Return what makes a call in a loop, from any thread; a loop that has ended needs none."""

    def hand_over() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(call)

    return hand_over


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack; returns 1 if it could not start, or if a service ended by itself."""
    parser = argparse.ArgumentParser(
        prog="postroad run",
        description="Run dns, relay, store and web as processes until Ctrl-C. In a folder without a world file it "
        "writes one (world.toml) to start from. Mail, queue and certificates are kept in data/.",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON when the stack is ready")
    parser.add_argument(
        "--anywhere", action="store_true", help="choose a free loopback network in place of POSTROAD_NETWORK"
    )
    parser.add_argument(
        "--while-locked",
        type=Path,
        metavar="FILE",
        help="stop as soon as no process holds a lock on this file (flock): those that use the stack hold one each",
    )
    parser.add_argument("--scratch", action="store_true", help="then also remove the data, which a signal keeps")
    options = parser.parse_args(arguments)
    try:
        run_stack(
            os.environ,
            as_json=options.json,
            anywhere=options.anywhere,
            while_locked=options.while_locked,
            scratch=options.scratch,
        )
    except (ConfigError, InitError, RunError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
