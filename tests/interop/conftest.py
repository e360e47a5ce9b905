"""Real clients beside one running Postroad: they find its hosts by name, and verify its certificates."""

from __future__ import annotations

import ctypes
import os
import pty
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import arrived
from tests.harness.needs import require, require_program
from tests.harness.processes import plain_environment
from tests.harness.smtp import submit
from tests.harness.stack import RELAY_NAME, STORE_NAME, WAIT, Endpoint, Port, Stack, User
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from pathlib import Path


def _has_nss_wrapper() -> bool:
    try:
        ctypes.CDLL("libnss_wrapper.so")
    except OSError:
        return False
    return True


@dataclass(slots=True)
class Clients:
    """Runs mail programs in a home of their own, in which the world's host names resolve."""

    stack: Stack
    home: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        hosts = self.home / "hosts"
        relay, store = self.endpoint(Port.SMTP).host, self.endpoint(Port.IMAP).host
        hosts.write_text(f"{relay} {RELAY_NAME}\n{store} {STORE_NAME}\n127.0.0.1 localhost\n")
        self.environment = plain_environment() | {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_HOSTS": str(hosts),
        }

    def endpoint(self, port: Port) -> Endpoint:
        """Return where the protocol is spoken, by address."""
        return self.stack.endpoint(port)

    def number(self, port: Port) -> int:
        """Return the port number."""
        return self.stack.endpoint(port).port

    @property
    def ca(self) -> str:
        """The CA certificate's path."""
        return str(self.stack.ca_file)

    def file(self, name: str, text: str) -> Path:
        """Write a configuration file that only its owner reads, as clients insist on."""
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def run(self, *command: str, stdin: bytes = b"", codes: tuple[int, ...] = (0,)) -> bytes:
        """Run a program to its end and return its standard output."""
        program = require_program(command[0])
        done = subprocess.run(
            [program, *command[1:]],
            input=stdin,
            capture_output=True,
            env=self.environment,
            cwd=self.home,
            timeout=2 * WAIT,
            check=False,
        )
        assert done.returncode in codes, (
            f"{command} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')}"
            f"{done.stderr.decode(errors='replace')}"
        )
        return done.stdout

    def run_on_terminal(self, *command: str) -> str:
        """Run a program that wants a terminal to its end, and return what it drew."""
        program = require_program(command[0])
        master, slave = pty.openpty()
        drawn: list[bytes] = []

        def read() -> None:
            try:
                while octets := os.read(master, 65536):
                    drawn.append(octets)
            except OSError:
                return  # a pty says so at its end

        with subprocess.Popen(
            [program, *command[1:]], stdin=slave, stdout=slave, stderr=slave, env=self.environment, cwd=self.home
        ) as process:
            os.close(slave)
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            try:
                process.wait(WAIT)
            finally:
                process.kill()
                process.wait()
                reader.join(WAIT)
                os.close(master)
        text = b"".join(drawn).decode(errors="replace")
        assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{text}"
        return text

    def mail_for(self, user: User, subject: str) -> bytes:
        """Put one message in a user's INBOX, and return it as a client will read it."""
        known = subject.encode()
        submit(self.stack, user, [user.address], simple(subject, b"A line.\r\n.A dot.\r\n"))
        (content,) = arrived(self.stack, user, where=lambda content: known in content)
        return content


@pytest.fixture
def clients(native: Stack, tmp_path: Path) -> Clients:
    require(_has_nss_wrapper(), "libnss-wrapper is not installed (tests/debian-packages.txt)")
    home = tmp_path / "home"
    home.mkdir()
    return Clients(native, home)
