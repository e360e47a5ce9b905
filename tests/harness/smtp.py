"""A client of SMTP that hides nothing: every reply is returned whole, and content goes out octet for octet.

Real clients are in tests/interop; this one can say what no library would: half a command, a message without its final
dot, a bare LF.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.harness.stack import RELAY_NAME, STORE_NAME, WAIT, Endpoint, Port, Stack, User

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType


class Reply(NamedTuple):
    """A reply: its code, and its lines without the code."""

    code: int
    text: str


class Refused(Exception):  # noqa: N818 - a reply, not a mistake
    """A command was answered with something else than what sending mail needs."""

    def __init__(self, command: str, reply: Reply) -> None:
        super().__init__(f"{command} was answered {reply.code} {reply.text}")
        self.command = command
        self.reply = reply


def transparent(content: bytes) -> bytes:
    """Return content as DATA carries it (RFC 5321 §4.5.2): dots doubled at line starts, and the final dot."""
    stuffed = re.sub(rb"(^|\r\n)\.", rb"\1..", content)
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def client_context(stack: Stack) -> ssl.SSLContext:
    """Return a TLS context that trusts the stack's CA alone, and checks names."""
    return ssl.create_default_context(cafile=str(stack.ca_file))


class SMTP:
    """One connection."""

    def __init__(self, endpoint: Endpoint, *, tls: ssl.SSLContext | None = None, name: str = RELAY_NAME) -> None:
        self._name = name
        self.socket: socket.socket = socket.create_connection(endpoint, timeout=WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=name)
            self._file = self.socket.makefile("rb")
            try:
                self.greeting = self.read()
            except BaseException:
                self._file.close()
                raise
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without QUIT."""
        self._file.close()
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.socket.sendall(octets)

    def read(self) -> Reply:
        """Read one reply; raises `ConnectionError` when the server has hung up."""
        lines = []
        while True:
            line = self._file.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError(f"the server hung up after {line!r}")
            assert re.match(rb"[2-5]\d\d[ -]", line) or re.fullmatch(rb"[2-5]\d\d\r\n", line), line
            lines.append(line[4:-2].decode())
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(lines))

    def at_end(self) -> bool:
        """Wait for the server to hang up; False when it says something instead."""
        return self._file.readline() == b""

    def command(self, line: str) -> Reply:
        """Send a command line and read its reply."""
        self.send(line.encode() + b"\r\n")
        return self.read()

    def must(self, line: str, code: int = 250) -> Reply:
        """Send a command that must be answered with this code; raises `Refused`."""
        reply = self.command(line)
        if reply.code != code:
            raise Refused(line, reply)
        return reply

    def ehlo(self) -> Reply:
        """Say EHLO."""
        return self.must("EHLO client.example")

    def starttls(self, context: ssl.SSLContext) -> None:
        """Go over to TLS and say EHLO again (RFC 3207 §4.2)."""
        self.must("STARTTLS", 220)
        self._file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname=self._name)
        self._file = self.socket.makefile("rb")
        self.ehlo()

    def login(self, user: User) -> None:
        """AUTH PLAIN (RFC 4616)."""
        response = base64.b64encode(f"\0{user.address}\0{user.password}".encode()).decode()
        reply = self.command(f"AUTH PLAIN {response}")
        if reply.code != 235:
            raise Refused("AUTH", reply)

    def envelope(self, reverse_path: str, recipients: Iterable[str], parameters: str = "") -> None:
        """MAIL and RCPT; raises `Refused` at the first refusal."""
        self.must(f"MAIL FROM:<{reverse_path}>{parameters}")
        for recipient in recipients:
            self.must(f"RCPT TO:<{recipient}>")

    def data(self, content: bytes) -> Reply:
        """Send the content and return the reply to the final dot."""
        self.must("DATA", 354)
        self.send(transparent(content))
        return self.read()

    def mail(self, reverse_path: str, recipients: Iterable[str], content: bytes, parameters: str = "") -> Reply:
        """Do one mail transaction; raises `Refused`, also for the final dot."""
        self.envelope(reverse_path, recipients, parameters)
        reply = self.data(content)
        if reply.code != 250:
            raise Refused("the final dot", reply)
        return reply


def submission(stack: Stack, user: User) -> SMTP:
    """Open a session on the submission port, over STARTTLS, logged in."""
    session = SMTP(stack.endpoint(Port.SUBMISSION))
    try:
        session.ehlo()
        session.starttls(client_context(stack))
        session.login(user)
    except BaseException:
        session.close()
        raise
    return session


def submit(
    stack: Stack,
    user: User,
    recipients: Iterable[str],
    content: bytes,
    *,
    reverse_path: str | None = None,
    parameters: str = "",
) -> Reply:
    """Send one message by submission, as `user`."""
    with submission(stack, user) as session:
        return session.mail(user.address if reverse_path is None else reverse_path, recipients, content, parameters)


def relay_session(stack: Stack) -> SMTP:
    """Open a session on the relay's port 25, in plaintext, after EHLO."""
    session = SMTP(stack.endpoint(Port.SMTP))
    session.ehlo()
    return session


def mx_session(stack: Stack) -> SMTP:
    """Open a session on the store's port 25, in plaintext, after EHLO."""
    session = SMTP(stack.endpoint(Port.MX), name=STORE_NAME)
    session.ehlo()
    return session
