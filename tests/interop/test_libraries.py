"""Libraries for IMAP in other languages: each reads a mailbox, and finds out what somebody else has changed.

A program of `libraries/` says what it has seen, waits for a line, and says what it sees then.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.mailboxes import arrived
from tests.harness.needs import require, require_program
from tests.harness.smtp import submit
from tests.harness.stack import STORE_NAME, WAIT, Port
from tests.interop.test_logins import token_of
from tests.interop.test_resync import changed_elsewhere, delivered
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.stack import User
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent / "libraries"
JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("jakarta-mail", "jakarta-mail-api", "jakarta-activation")]
BEFORE: dict[str, list[str]] = {"Number 1": [], "Number 2": [], "Number 3": []}


class Program:
    """A program that talks by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, self._process.communicate(timeout=WAIT)[1]
        return said.strip()

    def told(self) -> Any:
        line = self.line()
        assert line.startswith("{"), line
        return json.loads(line)

    def pairs(self, count: int) -> dict[str, str]:
        """Read lines of a name and a value."""
        lines = [self.line().partition(" ") for _ in range(count)]
        return {name: value for name, _, value in lines}

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> None:
        said, error = self._process.communicate(timeout=WAIT)
        assert (self._process.returncode, said) == (0, ""), error


@contextmanager
def running(clients: Clients, *command: str | Path) -> Iterator[Program]:
    program = require_program(str(command[0]))
    with subprocess.Popen(
        [program, *command[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clients.environment,
        cwd=clients.home,
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def arguments(clients: Clients, user: User) -> tuple[str, ...]:
    return STORE_NAME, str(clients.number(Port.IMAPS)), user.address, user.password, clients.ca


def filled(clients: Clients) -> User:
    user = clients.stack.fresh_user()
    delivered(clients.stack, user, 3)
    return user


@pytest.mark.parametrize("way", ["password", "token"])
def test_imapflow(clients: Clients, way: str) -> None:
    """QRESYNC, OBJECTID, IDLE; with an OAuth token it says XOAUTH2."""
    require((HERE / "node_modules" / "imapflow").exists(), "no imapflow: npm ci --prefix tests/interop/libraries")
    user = filled(clients)
    host, port, login, password, ca = arguments(clients, user)
    secret = password if way == "password" else token_of(clients, user)
    with running(clients, "node", HERE / "imapflow.mjs", host, port, login, secret, ca, way) as program:
        assert program.told() == {"before": BEFORE}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        after = program.told()
        assert after["changed"] == {"Number 1": ["\\Flagged", "\\Seen"], "Number 4": []}
        assert after["vanished"] == [2]
        assert {"CONDSTORE", "QRESYNC"} <= set(after["enabled"])
        assert program.line() == "idling"
        submit(clients.stack, user, [user.address], simple("Number 5"))
        assert program.told() == {"count": 4}
        program.end()


@pytest.mark.parametrize("mechanism", ["PLAIN", "XOAUTH2"])
def test_jakarta_mail(clients: Clients, mechanism: str) -> None:
    """CONDSTORE, QRESYNC, SORT, QUOTA, ACL, NAMESPACE and ID, compressed."""
    require(all(jar.exists() for jar in JARS), "libjakarta-mail-java is not installed (tests/debian-packages.txt)")
    user = filled(clients)
    host, port, login, password, ca = arguments(clients, user)
    secret = password if mechanism == "PLAIN" else token_of(clients, user)
    path = ":".join(map(str, JARS))
    with running(clients, "java", "-cp", path, HERE / "Imap.java", host, port, login, secret, ca, mechanism) as program:
        assert program.pairs(2) == {"subjects": "[Number 1, Number 2, Number 3]", "ready": ""}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        assert program.pairs(11) == {
            "vanished": "[2]",
            "changed": "[Number 1 seen true, Number 4 seen false]",
            "since": "2",
            "sorted": "[Number 4, Number 3, Number 1]",
            "found": "1",
            "quota": f"{user.address} 0",
            "rights": "true",
            "acl": "2",
            "namespace": "1",
            "id": "Postroad",
            "capable": "true",
        }
        program.end()


def test_horde(clients: Clients) -> None:
    """CONDSTORE and QRESYNC by its own synchronization, SORT, THREAD, fuzzy search, QUOTA, ACL, ID and LIST-STATUS."""
    require(Path("/usr/share/php/Horde/Imap/Client.php").exists(), "php-horde-imap-client is not installed")
    user = filled(clients)
    with running(clients, "php", HERE / "horde.php", *arguments(clients, user)) as program:
        assert program.told() == {"before": BEFORE}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        assert program.told() == {
            "new": [4],
            "flags": {"Number 1": ["\\flagged", "\\seen"], "Number 4": []},
            "vanished": [2],
            "sorted": [4, 3, 1],
            "fuzzy": [1, 3, 4],
            "threads": 3,
            "quota": 1,
            "acl": "lr",
            "id": "Postroad",
            "children": 6,
        }
        program.end()


def test_php(clients: Clients) -> None:
    """The imap extension, which is the C-client of the University of Washington."""
    user = filled(clients)
    php = require_program("php")
    loaded = subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout.splitlines()
    require("imap" in loaded, "php-imap is not installed (tests/debian-packages.txt)")
    host, port = clients.endpoint(Port.IMAPS)  # it finds names by ways that nss_wrapper does not see
    with running(clients, "php", HERE / "imap.php", host, str(port), user.address, user.password) as program:
        assert program.told() == {"before": list(BEFORE)}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        assert program.told() == {
            "after": ["Number 1", "Number 3", "Number 4"],
            "seen": 1,
            "sorted": [4, 3, 1],
            "found": [4],
            "threads": 9,
            "rights": [user.address],
            "lines": 1,
        }
        program.end()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_ruby(clients: Clients, mechanism: str) -> None:
    """It hears of EXPUNGE by NOOP, sorts, threads, moves, and idles."""
    user = filled(clients)
    with running(clients, "ruby", HERE / "net_imap.rb", *arguments(clients, user), mechanism) as program:
        assert program.told() == {"before": BEFORE}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        after = program.told()
        assert after.pop("after") == {"Number 1": ["Flagged", "Seen"], "Number 3": [], "Number 4": []}
        assert after == {
            "expunged": [2],
            "sorted": [4, 3, 1],
            "found": [4],
            "threads": 3,
            "quota": 2,
            "acl": [user.address],
            "moved": "OK",
        }
        submit(clients.stack, user, [user.address], simple("Number 5"))
        assert program.told() == {"count": 3}
        program.end()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_perl(clients: Clients, mechanism: str) -> None:
    """Mail::IMAPClient, on which imapsync is built, hears of EXPUNGE by NOOP, sorts, threads, moves, appends, idles."""
    user = filled(clients)
    with running(clients, "perl", HERE / "mail_imapclient.pl", *arguments(clients, user), mechanism) as program:
        assert program.told() == {"before": BEFORE}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        after = program.told()
        assert after == {
            "after": {"Number 1": ["Flagged", "Seen"], "Number 3": [], "Number 4": []},
            "sorted": [4, 3, 1],
            "found": [4],
            "threads": 3,
            "rights": [user.address],
            "moved": "OK",
            "appended": 2,
        }
        submit(clients.stack, user, [user.address], simple("Number 5"))
        assert program.told() == {"count": 4}  # its move copies, and expunges nothing
        program.end()


def test_gnus(clients: Clients) -> None:
    """It comes back by QRESYNC, and has the marks that it has been told of."""
    user = filled(clients)
    clients.file(".authinfo", f"machine {STORE_NAME} login {user.address} password {user.password}\n")
    place = (STORE_NAME, str(clients.number(Port.IMAPS)), clients.ca)
    with running(clients, "emacs", "-Q", "--batch", "-l", HERE / "gnus.el", *place) as program:
        before = program.told()
        assert before == {"before": [[f"Number {number}", number, "", "unread"] for number in (1, 2, 3)]}
        changed_elsewhere(clients.stack, user)
        program.go_on()
        after = [["Number 1", 1, "ticked", ""], ["Number 3", 3, "", "unread"], ["Number 4", 4, "", "unread"]]
        assert program.told() == {"after": after}
        assert program.told() == {"resynced": True}
        program.end()
    (moved,) = arrived(clients.stack, user, mailbox="Archive")
    assert b"Subject: Number 1\r\n" in moved


@pytest.mark.parametrize("way", ["USER", "APOP"])
def test_ruby_pop(clients: Clients, way: str) -> None:
    user = clients.stack.fresh_user()
    for number in (1, 2):
        submit(clients.stack, user, [user.address], simple(f"Number {number}", b".\r\n..\r\n"))
    contents = arrived(clients.stack, user, count=2)
    place = (STORE_NAME, str(clients.number(Port.POP3S)), user.address, user.password, clients.ca)
    told = json.loads(clients.run("ruby", str(HERE / "net_pop.rb"), *place, way))
    assert told.pop("top") == contents[0].index(b"\r\n\r\n") + 4
    assert told.pop("contents") == [content.decode() for content in contents]
    assert told == {"count": 2, "octets": sum(map(len, contents)), "ids": 2}
    assert arrived(clients.stack, user) == contents[1:]


def test_imapfilter(clients: Clients) -> None:
    """A filter finds, marks and moves; the mailbox that it moves to is made."""
    user = filled(clients)
    changed_elsewhere(clients.stack, user)
    clients.environment |= {
        "HOST_NAME": STORE_NAME,
        "HOST_PORT": str(clients.number(Port.IMAPS)),
        "LOGIN": user.address,
        "PASSWORD": user.password,
    }
    said = clients.run("imapfilter", "-t", clients.ca, "-c", str(HERE / "imapfilter.lua"))
    lines = said.decode().splitlines()
    assert [line.split() for line in lines if line.startswith("*")] == [
        ["*exist", "3"],
        ["*seen", "1", "found", "1"],
        ["*moved", "1"],
    ]
