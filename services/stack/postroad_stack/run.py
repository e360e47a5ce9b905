"""The stack without containers: init, then the three services as processes, on addresses of the loopback network.

`python -m postroad_stack.run` (`make run`) prints what they log, tells the ports once all are ready, and stops them all
on Ctrl-C or SIGTERM, or when one of them ends. With `--json` it prints one line of JSON on standard output when ready,
for programs that start a stack. Network, data folder and ports are settings, so stacks can run side by side.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any, TextIO

from postroad.config import ConfigError, Settings
from postroad.harmless import harmless
from postroad.log import READY
from postroad.world.world import Role
from postroad_stack.init import InitError, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from postroad.world.world import World

MODULES = {Role.DNS: "postroad_dns", Role.RELAY: "postroad_relay", Role.STORE: "postroad_store"}
STOP_TIMEOUT = 10.0  # seconds until a service that does not end is killed
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RunError(Exception):
    """The stack cannot run; the message says why and what to do."""


class Supervisor:
    """Processes that live and end together; their lines are printed with the name of each in front."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environ: Mapping[str, str],
        output: TextIO,
        *,
        lock: int | None = None,
    ) -> None:
        self._commands = commands
        self._environ = environ
        self._inherited = () if lock is None else (lock,)  # a service that outlives this process still holds it
        self._output = output
        self._width = max(map(len, commands))
        self._selector = selectors.DefaultSelector()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._waiting_for = set(commands)
        self._rest: dict[str, bytes] = {}  # the beginning of a line that has not ended yet
        self._wake, self._woken = socket.socketpair()
        self._signalled = False
        self._handlers: dict[int, Any] = {}  # of signals, as they were before

    @property
    def pids(self) -> dict[str, int]:
        """The process IDs."""
        return {name: process.pid for name, process in self._processes.items()}

    def start(self) -> bool:
        """Start all, and return True once each has said that it is ready, or False where a signal came before.

        Raises `RunError` where one of them ends.
        """
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._selector.register(self._woken, selectors.EVENT_READ)
        for name, command in self._commands.items():
            process = subprocess.Popen(
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=self._inherited,
                start_new_session=True,  # Ctrl-C is for this process, which then stops the others
            )
            self._processes[name] = process
            self._rest[name] = b""
            self._selector.register(_output_of(process), selectors.EVENT_READ, name)
        for lock in self._inherited:  # for whoever finds the data folder taken
            os.pwrite(lock, " ".join(map(str, self.pids.values())).encode(), 0)
        while self._waiting_for and not self._signalled:
            self._turn_or_fail()
        return not self._waiting_for

    def run(self) -> None:
        """Print what the processes say until a signal comes; raises `RunError` where one of them ends."""
        while not self._signalled:
            self._turn_or_fail()

    def _turn_or_fail(self) -> None:
        ended = self._turn()
        if ended is not None:
            when = " before it was ready" if ended in self._waiting_for else ""
            status = self._processes[ended].returncode
            how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"
            raise RunError(f"{ended} {how}{when}: see its log above")

    def stop(self) -> None:
        """Stop all, with SIGTERM and at last with SIGKILL, and print what they still say."""
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT
        killed = False
        while any(isinstance(key.data, str) for key in self._selector.get_map().values()):
            left = deadline - time.monotonic()
            if left <= 0 and not killed:
                killed = True
                for process in self._processes.values():
                    process.kill()
            self._turn(None if killed else left)
        for process in self._processes.values():
            process.wait()
        self._selector.close()
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._wake.close()
        self._woken.close()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True

    def _turn(self, timeout: float | None = None) -> str | None:
        """Wait for output or a signal; return the name of a process that has ended."""
        for key, _ in self._selector.select(timeout):
            if not isinstance(key.data, str):
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(64)
            elif not self._read(key.data):
                self._selector.unregister(key.fileobj)
                process = self._processes[key.data]
                _output_of(process).close()
                process.wait()
                return key.data
        return None

    def _read(self, name: str) -> bool:
        """Print the lines that have come; False at the end of the output."""
        octets = os.read(_output_of(self._processes[name]).fileno(), 65536)
        *lines, self._rest[name] = (self._rest[name] + octets).split(b"\n")
        if not octets and self._rest[name]:
            lines = [self._rest[name]]
        for line in lines:
            text = line.decode("utf-8", "backslashreplace")
            self._output.write(f"{name:{self._width}} | {harmless(text)}\n")
            if f" msg={READY}" in text:
                self._waiting_for.discard(name)
        self._output.flush()
        return bool(octets)


def _output_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
    return process.stdout


def listeners(settings: Settings, world: World) -> dict[str, tuple[str, int]]:
    """Return where each protocol of the stack is spoken."""
    dns, relay, store = (settings.listen or str(world.host_of(role).address) for role in Role)
    return {
        "dns": (dns, settings.dns_port),
        "smtp": (relay, settings.smtp_port),
        "submission": (relay, settings.submission_port),
        "submissions": (relay, settings.submissions_port),
        "mx": (store, settings.smtp_port),
        "pop3": (store, settings.pop3_port),
        "pop3s": (store, settings.pop3s_port),
        "imap": (store, settings.imap_port),
        "imaps": (store, settings.imaps_port),
    }


def check_addresses(endpoints: Mapping[str, tuple[str, int]]) -> None:
    """Raise `RunError` with every address that the services could not listen on, and what to do about it."""
    missing = dict.fromkeys(host for host, _ in endpoints.values() if _bind_error(host, 0) == errno.EADDRNOTAVAIL)
    if missing:
        # Linux has all of 127.0.0.0/8; macOS and the BSDs have 127.0.0.1 alone until they are told.
        aliases = "\n".join(f"  sudo ifconfig lo0 alias {host} up" for host in missing)
        raise RunError(
            f"this machine has no address {', '.join(missing)}. On Linux, choose a network of 127.0.0.0/8 "
            f"(POSTROAD_NETWORK=127.0.1); on macOS, which has 127.0.0.1 alone, add them:\n"
            f"{aliases}\nor use the containers: docker compose up"
        )
    users: dict[tuple[str, int], list[str]] = {}
    for name, endpoint in endpoints.items():
        users.setdefault(endpoint, []).append(name)
    for (host, port), names in users.items():
        if len(names) > 1:
            raise RunError(
                f"{' and '.join(names)} would both listen on {host}:{port}: give them ports of their own, "
                "and leave POSTROAD_LISTEN empty (.env.example)"
            )
    taken = [f"{host}:{port}" for host, port in endpoints.values() if _bind_error(host, port) == errno.EADDRINUSE]
    if taken:
        raise RunError(
            f"{', '.join(taken)} in use: another Postroad runs there, or another server. Stop it, "
            "or choose another network (POSTROAD_NETWORK=127.0.1) or other ports (.env.example)"
        )


@contextlib.contextmanager
def sole_user(data: Path) -> Iterator[int]:
    """Hold the data folder: two stacks on one spool and one database would deliver twice and corrupt both.

    Yields the descriptor of the lock. Raises `RunError` where another stack has the folder.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RunError(
            f"the data folder {data} cannot be used: {error.strerror}; POSTROAD_DATA names another"
        ) from error
    try:
        _lock(lock, data)
        yield lock
    finally:
        os.close(lock)


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pids = os.pread(lock, 100, 0).decode()  # of the services, which may have outlived the one that started them
        raise RunError(
            f"another Postroad runs on the data folder {data}. Stop it{f' (kill {pids})' if pids else ''}, or give "
            "this one a folder and a network of its own (POSTROAD_DATA=data2 POSTROAD_NETWORK=127.0.1)"
        ) from None
    os.ftruncate(lock, 0)  # those that were are no more


def _bind_error(host: str, port: int) -> int:
    """Return the error number of listening there, or 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if port:
                probe.listen()
        except OSError as error:
            return error.errno or 0
    return 0


def first_steps(settings: Settings, world: World, endpoints: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    """Yield the lines that tell a newcomer where everything is."""
    at = {name: f"{host}:{port}" for name, (host, port) in endpoints.items()}
    yield f"  submission  {at['submission']} (STARTTLS), {at['submissions']} (TLS); SMTP {at['smtp']}"
    yield f"  POP3        {at['pop3']} (STLS), {at['pop3s']} (TLS)"
    yield f"  IMAP        {at['imap']} (STARTTLS), {at['imaps']} (TLS)"
    yield f"  DNS         {at['dns']} (UDP and TCP)"
    yield f"  accounts    in {settings.world}; the CA for clients: {settings.tls_dir / 'ca.pem'}"
    # The first users of two domains, so that the first mail crosses from one to the other.
    captures = world.capture.domain if world.capture else None
    domains = [domain for domain in world.domains.values() if domain.accounts and domain.name != captures]
    if len(domains) > 1:
        sender, recipient = (next(iter(domain.accounts.values())).login for domain in domains[:2])
        ca = f"--cacert {settings.tls_dir / 'ca.pem'}"
        yield "Send the first mail, and read it (curl asks for the passwords):"
        yield (
            f"  printf 'From: {sender}\\r\\nTo: {recipient}\\r\\nSubject: Hello\\r\\n\\r\\nHello!\\r\\n' | "
            f"curl {ca} --ssl-reqd --user {sender} --mail-from {sender} --mail-rcpt {recipient} "
            f"--upload-file - smtp://{at['submission']}"
        )
        yield f"  curl {ca} --user {recipient} 'imaps://{at['imaps']}/INBOX;MAILINDEX=1'"


def run_stack(settings: Settings, environ: Mapping[str, str], *, as_json: bool) -> None:
    """Run the stack until a signal comes; raises `InitError` or `RunError` where it cannot go on."""
    began = time.monotonic()
    with sole_user(settings.data) as lock:
        _run_alone(settings, environ, lock, began, as_json=as_json)


def _run_alone(settings: Settings, environ: Mapping[str, str], lock: int, began: float, *, as_json: bool) -> None:
    world = prepare(settings)
    endpoints = listeners(settings, world)
    check_addresses(endpoints)
    commands = {role.value: [sys.executable, "-m", module] for role, module in MODULES.items()}
    supervisor = Supervisor(commands, environ, sys.stderr, lock=lock)
    try:
        if not supervisor.start():
            return
        if as_json:
            facts = {
                "ready": True,
                "seconds": round(time.monotonic() - began, 3),
                "endpoints": {name: list(one) for name, one in endpoints.items()},
                "ca": str(settings.tls_dir / "ca.pem"),
                "pids": supervisor.pids,
            }
            sys.stdout.write(json.dumps(facts) + "\n")
        else:
            sys.stdout.write(f"Postroad is ready, after {time.monotonic() - began:.2f} s. Ctrl-C stops it.\n")
            sys.stdout.writelines(f"{line}\n" for line in first_steps(settings, world, endpoints))
        sys.stdout.flush()
        supervisor.run()
    finally:
        supervisor.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack; 1 where it could not, or where a service ended by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m postroad_stack.run",
        description="Run dns, relay and store as processes; settings: .env.example.",
    )
    parser.add_argument("--json", action="store_true", help="tell by one line of JSON when the stack is ready")
    options = parser.parse_args(arguments)
    try:
        run_stack(Settings.from_environ(os.environ), os.environ, as_json=options.json)
    except (ConfigError, InitError, RunError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
