"""sieve-connect puts scripts, and mail goes where they say: into mailboxes, on to others, and back to who wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import arrived, imap
from tests.harness.smtp import submit
from tests.harness.stack import STORE_NAME, Port, Stack, User
from tests.interop.test_logins import certificate_of
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from tests.interop.conftest import Clients

pytestmark = pytest.mark.interop


class SieveConnect:
    """The program, for one user."""

    def __init__(self, clients: Clients, user: User) -> None:
        self.clients = clients
        self._common = (
            *("--server", STORE_NAME, "--port", str(clients.number(Port.SIEVE))),
            *("--user", user.address, "--tlscafile", clients.ca, "--passwordfd", "0"),
        )
        self._password = f"{user.password}\n".encode()

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        return self.clients.run("sieve-connect", *self._common, *arguments, stdin=self._password, codes=codes).decode()

    def put(self, name: str, script: str) -> None:
        self.clients.file(name, script)
        self("--localsieve", name, "--remotesieve", name, "--upload")
        self("--remotesieve", name, "--activate")


def in_mailbox(stack: Stack, user: User, mailbox: str) -> int:
    with imap(stack, user) as client:
        client.select_folder(mailbox)
        return len(client.search())


def test_sieve_connect(clients: Clients) -> None:
    user = clients.stack.fresh_user()
    sieve = SieveConnect(clients, user)
    assert sieve("--list") == ""
    sieve.put("main", 'require "fileinto";\nif header :contains "subject" "sieve" { fileinto "Archive"; }\n')
    assert sieve("--list").split() == ['"main"', "ACTIVE"]
    sieve("--remotesieve", "main", "--localsieve", "back", "--download")
    assert (clients.home / "back").read_text().startswith('require "fileinto";')
    clients.file("bad", "foo;\n")
    sieve("--localsieve", "bad", "--checkscript", codes=tuple(range(1, 256)))
    sieve("--localsieve", "bad", "--remotesieve", "bad", "--upload", codes=tuple(range(1, 256)))
    assert sieve("--list").split() == ['"main"', "ACTIVE"]
    writer = clients.stack.fresh_user()
    submit(clients.stack, writer, [user.address], simple("about sieve"))
    submit(clients.stack, writer, [user.address], simple("about more"))
    arrived(clients.stack, user)
    assert in_mailbox(clients.stack, user, "Archive") == 1
    sieve("--deactivate")
    sieve("--remotesieve", "main", "--delete")
    assert sieve("--list") == ""


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_sieve_connect_logs_in(clients: Clients, mechanism: str) -> None:
    user = clients.stack.fresh_user()
    sieve = SieveConnect(clients, user)
    assert sieve("--authmech", mechanism, "--list") == ""


def test_sieve_connect_shows_a_certificate(clients: Clients) -> None:
    """EXTERNAL; the name of the account goes along as the authorization identity."""
    user = clients.stack.fresh_user()
    certificate = str(certificate_of(clients, user))
    sieve = SieveConnect(clients, user)
    assert sieve("--clientkeycert", certificate, "--authmech", "EXTERNAL", "--list") == ""


def test_letters_take_the_road(clients: Clients) -> None:
    """A vacation response, a redirect and a refusal come back over the relay."""
    stack = clients.stack
    user, writer, third = (stack.fresh_user() for _ in range(3))
    script = (
        'require ["vacation", "fileinto", "ereject"];\n'
        'if header :contains "subject" "refuse" { ereject "not this"; stop; }\n'
        'vacation :subject "Away" "I am not here.";\n'
        f'redirect "{third.address}";\n'
    )
    SieveConnect(clients, user).put("main", script)
    letter = simple("Hello").replace(b"Subject:", f"To: {user.address}\r\nSubject:".encode(), 1)
    submit(stack, writer, [user.address], letter)
    (redirected,) = arrived(stack, third)
    assert b"\r\nX-Sieve-Redirected-From: " in redirected
    assert b"Hello" in redirected
    (response,) = arrived(stack, writer)
    assert response.startswith(b"Return-Path: <>\r\n")
    assert b"Subject: Away\r\n" in response
    assert b"Auto-Submitted: auto-replied" in response
    submit(stack, writer, [user.address], simple("please refuse"))
    _, report = arrived(stack, writer, count=2)
    assert b"550 5.7.1 not this" in report


def test_swaks_speaks_lmtp(clients: Clients) -> None:
    """Each recipient has its own reply: one refuses, the other takes it."""
    user, other = clients.stack.fresh_user(), clients.stack.fresh_user()
    SieveConnect(clients, user).put("main", 'require "ereject"; ereject "not by LMTP either";\n')
    server = ("--server", clients.endpoint(Port.LMTP).host, "--port", str(clients.number(Port.LMTP)))
    to = ("--to", f"{user.address},{other.address}", "--from", "x@y.test", "--protocol", "LMTP")
    said = clients.run("swaks", *server, *to, "--header", "Subject: By LMTP", codes=tuple(range(256))).decode()
    assert "550 5.7.1 not by LMTP either" in said
    assert "250 2.0.0 OK stored as" in said
    (content,) = arrived(clients.stack, other)
    assert b" with LMTP id " in content
