"""TLS everywhere: every port can be spoken to over TLS that verifies, and what was said before it is forgotten."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.harness.mailboxes import arrived, parse
from tests.harness.smtp import client_context, submit
from tests.harness.stack import RELAY_NAME, STORE_NAME, WAIT, Port, Stack
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from io import IOBase


class Upgrade(NamedTuple):
    """How a protocol goes over to TLS, and what an attacker would slip in behind."""

    port: Port
    name: str
    hello: bytes
    upgrade: bytes
    injected: bytes
    bye: bytes
    last: bytes


_SMTP = (b"EHLO c.example\r\n", b"STARTTLS\r\n", b"NOOP\r\n", b"QUIT\r\n", b"221")
UPGRADES = [
    Upgrade(Port.SUBMISSION, RELAY_NAME, *_SMTP),
    Upgrade(Port.SMTP, RELAY_NAME, *_SMTP),
    Upgrade(Port.MX, STORE_NAME, *_SMTP),
    Upgrade(Port.POP3, STORE_NAME, b"", b"STLS\r\n", b"CAPA\r\n", b"QUIT\r\n", b"+OK"),
    Upgrade(Port.IMAP, STORE_NAME, b"", b"a STARTTLS\r\n", b"b NOOP\r\n", b"c LOGOUT\r\n", b"* BYE"),
]


@pytest.mark.parametrize(
    ("port", "name"), [(Port.SUBMISSIONS, RELAY_NAME), (Port.POP3S, STORE_NAME), (Port.IMAPS, STORE_NAME)]
)
def test_tls_from_the_first_octet(native: Stack, port: Port, name: str) -> None:
    context = client_context(native)
    with (
        socket.create_connection(native.endpoint(port), timeout=WAIT) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        assert secure.version() in {"TLSv1.2", "TLSv1.3"}
        assert secure.recv(100)
    with (
        socket.create_connection(native.endpoint(port), timeout=WAIT) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="bank.example")


@pytest.mark.parametrize("how", UPGRADES, ids=lambda how: str(how.port))
def test_what_was_said_before_tls_is_forgotten(native: Stack, how: Upgrade) -> None:
    """RFC 3207 §6, RFC 2595 §9: a command slipped in behind STARTTLS must not be taken for the client's own.

    It is forgotten, or STARTTLS is refused for not being the last of its group (RFC 3207 §4).
    """
    with socket.create_connection(native.endpoint(how.port), timeout=WAIT) as plain:
        with plain.makefile("rb", buffering=0) as raw:
            read_reply(raw, how.port)
            if how.hello:
                plain.sendall(how.hello)
                read_reply(raw, how.port)
            plain.sendall(how.upgrade + how.injected)
            if read_reply(raw, how.port).startswith((b"554", b"503")):
                return
        context = client_context(native)
        with context.wrap_socket(plain, server_hostname=how.name) as secure, secure.makefile("rb") as file:
            secure.sendall(how.bye)
            assert file.readline().startswith(how.last)


def read_reply(file: IOBase, port: Port) -> bytes:
    """Return the last line of one reply (SMTP's may have several)."""
    while True:
        line = file.readline()
        assert line, "the server hung up"
        if port in {Port.POP3, Port.IMAP} or line[3:4] != b"-":
            return bytes(line)


@pytest.mark.parametrize(
    ("port", "commands", "refusal"),
    [
        (Port.IMAP, [b"a LOGIN bob@beta.test builder\r\n"], b"a NO"),
        (Port.IMAP, [b"a AUTHENTICATE PLAIN\r\n"], b"a NO"),
        (Port.POP3, [b"USER bob@beta.test\r\n"], b"-ERR"),
        (Port.POP3, [b"AUTH PLAIN\r\n"], b"-ERR"),
    ],
)
def test_no_password_without_tls(native: Stack, port: Port, commands: list[bytes], refusal: bytes) -> None:
    with (
        socket.create_connection(native.endpoint(port), timeout=WAIT) as plain,
        plain.makefile("rb", buffering=0) as file,
    ):
        file.readline()
        for command in commands:
            plain.sendall(command)
        assert file.readline().startswith(refusal)


def test_every_hop_is_over_tls(native: Stack) -> None:
    user = native.fresh_user()
    submit(native, user, [user.address], simple("Private"))
    (content,) = arrived(native, user)
    by_store, by_relay = (" ".join(str(field).split()) for field in parse(content).get_all("Received", []))
    # RFC 3848: ESMTPS is ESMTP over TLS, ESMTPSA also authenticated.
    assert " with ESMTPS " in by_store
    assert " with ESMTPSA " in by_relay
