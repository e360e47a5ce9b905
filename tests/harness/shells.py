"""Both shells with the same handles, so that one test can ask the same of each (`postroad.shell` has the rules)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from postroad.clock import Clock
from postroad.mail.reply import OK, RECIPIENT_OK, SENDER_OK, Reply
from postroad.smtp.extensions import EXTENSIONS
from postroad.smtp.server.server import Server, serve
from postroad.smtp.server.service import Limits, Listener, Purpose, Session
from tests.harness.toy import Room

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.sasl.mechanism import Claim
    from postroad.smtp.server.events import Refused
    from postroad.tap import Tap
    from postroad.world.world import Account
    from postroad_store.protocol.tls import ServerTls


@dataclass(frozen=True, slots=True)
class Words:
    """What is said over a shell's protocol."""

    greeting: bytes  # how it begins
    ready: bytes  # brings a client to where `wait` may be said; `proves` where it is no stranger any more
    ready_answers: int  # lines
    echo: bytes
    answer: bytes  # to `echo`
    bulk: bytes  # is answered at length
    wait: bytes  # its handling takes until the test lets it go on
    waited: bytes  # the answer to `wait`
    starttls: bytes
    idle: bytes  # how the farewell to a silent client begins
    shutdown: bytes
    crowded: bytes
    full: bytes  # the reply to a client that is turned away
    crash: bytes  # its handling crashes
    crashed: bytes  # how the answer to `crash` begins


class Shell(Protocol):
    """One of the shells, listening."""

    words: Words
    clock: Clock
    silence: float  # seconds that a stranger may be silent for
    arrived: asyncio.Event  # the handling of `wait` is under way
    go: asyncio.Event  # lets it go on
    finished: list[str]  # one for each `wait` whose handling has ended
    shut_out: list[str]  # why TLS handshakes have failed, as the service heard

    @property
    def port(self) -> int:
        """The plaintext port."""
        ...

    @property
    def tls_port(self) -> int:
        """The port of implicit TLS."""
        ...

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        ...

    async def stop(self, patience: float) -> None:
        """Stop the service."""
        ...


SMTP = Words(
    greeting=b"220 ",
    ready=b"HELO client.test\r\nMAIL FROM:<a@alpha.test>\r\nRCPT TO:<b@beta.test>\r\nDATA\r\n",
    ready_answers=4,
    echo=b"NOOP\r\n",
    answer=b"250 2.0.0 OK\r\n",
    bulk=b"HELP\r\n",
    wait=b"x\r\n.\r\n",
    waited=b"250 2.0.0 OK\r\n",
    starttls=b"EHLO client.test\r\nSTARTTLS\r\n",
    idle=b"421 4.4.2 ",
    shutdown=b"421 4.3.2 ",
    crowded=b"421 4.7.0 ",
    full=b"421 4.7.0 ",
    crash=b"HELO x\r\nMAIL FROM:<crash@alpha.test>\r\n",
    crashed=b"250 mx.test\r\n451 4.3.0 ",
)

TOY = Words(
    greeting=b"hello ",
    ready=b"LOGIN\n",
    ready_answers=1,
    echo=b"x\n",
    answer=b"x\n",
    bulk=b"x" * 4000 + b"\n",
    wait=b"WAIT w\n",
    waited=b"w\n",
    starttls=b"TLS\n",
    idle=b"IDLE\n",
    shutdown=b"SHUTDOWN\n",
    crowded=b"CROWDED\n",
    full=b"full\n",
    crash=b"CRASH\n",
    crashed=b"failed\n",
)


class SmtpShell:
    """The SMTP receiver, with a service that takes messages when the test lets it."""

    words = SMTP
    silence = 300.0

    def __init__(self) -> None:
        self.clock = Clock()
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        self.finished: list[str] = []
        self.shut_out: list[str] = []
        self._server: Server

    @classmethod
    async def start(cls, folder: Path, tls: ssl.SSLContext, *, tap: Tap | None = None, most: int = 500) -> SmtpShell:
        """Listen."""
        shell = cls()
        shell._server = await serve(
            shell,
            [Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, Purpose.SUBMISSIONS)],
            hostname="mx.test",
            content_directory=folder,
            extensions=EXTENSIONS,
            limits=Limits(connections=most, connections_per_address=most),
            tls=tls,
            clock=shell.clock,
            tap=tap,
        )
        return shell

    @property
    def port(self) -> int:
        return self._server.listeners[0].port

    @property
    def tls_port(self) -> int:
        return self._server.listeners[1].port

    @property
    def connections(self) -> int:
        return self._server.connections

    async def stop(self, patience: float) -> None:
        await self._server.close(patience)

    # The service

    def connect(self, session: Session) -> Reply | None:
        return None

    async def authenticate(self, session: Session, claim: Claim) -> Account | None:
        return None

    def mail(self, session: Session, envelope: Envelope) -> Reply:
        if envelope.reverse_path is not None and envelope.reverse_path.local_part == "crash":
            raise RuntimeError("secret details")
        return SENDER_OK

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:
        return RECIPIENT_OK

    def refused(self, session: Session, refused: Refused) -> None:
        pass

    def handshake_failed(self, session: Session, why: str) -> None:
        assert session.host == "127.0.0.1"
        self.shut_out.append(why)

    async def message(self, session: Session, envelope: Envelope, content: Content) -> Reply:
        self.arrived.set()
        await self.go.wait()
        self.finished.append("w")
        return OK


class ToyShell:
    """The store's shell with the toy protocol."""

    words = TOY
    silence = 60.0

    def __init__(self, tls: ServerTls, *, tap: Tap | None = None, most: int = 500) -> None:
        self._room = Room(tls, tap=tap, connections=most, connections_per_address=most)
        self.clock = self._room.clock
        self.port = self._room.port
        self.tls_port = self._room.tls_port
        self.arrived = self._room.waiting
        self.go = self._room.go
        self.finished = self._room.done
        self.shut_out = self._room.shut_out

    @property
    def connections(self) -> int:
        return self._room.listener.connections

    async def stop(self, patience: float) -> None:
        await self._room.listener.stop(patience)
