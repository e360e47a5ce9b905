"""SMTP dialogues: `smtp/*.txt`, each run whole, octet by octet, and over a live socket.

    # why
    @ port=submission plaintext_auth limit.errors=3      settings of the session; `whole`: see below
    C: NOOP                 a line from the client; CRLF is added. (a*70) is 70 times a, {\x00} an octet.
    c: NO                   the same without CRLF
    S: 250 2.0.0 OK         a line from the server, exact
    T:                      the TLS handshake
    M: Subject: x           a line of the content that the service took in this turn
    X:                      the server closes the connection

Client lines that follow each other are sent together. `whole` marks what depends on octets arriving before a
reply, and is not run octet by octet.

The service refuses MAIL from refused@, RCPT to nobody@; fails at broken@; takes alice@alpha.test's password. By LMTP it
refuses the content for reject@.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad.engine import Wait
from postroad.mail.address import Address
from postroad.mail.reply import (
    LOCAL_ERROR,
    NO_SUCH_USER,
    RECIPIENT_OK,
    RELAY_DENIED,
    SENDER_OK,
    STORAGE_FULL,
    Reply,
    reply,
)
from postroad.sasl.oauth import Errors
from postroad.sasl.server import UNCHECKED
from postroad.smtp.extensions import Extension, without
from postroad.smtp.server.engine import Engine
from postroad.smtp.server.events import (
    Authenticate,
    Block,
    Close,
    Connected,
    Discard,
    Mail,
    Message,
    Rcpt,
    Refused,
    StartTls,
)
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.server import serve
from postroad.smtp.server.service import Answer, Limits, Listener, Purpose, Session
from postroad.world.world import Account, Domain, World
from tests.harness.sasl import UNBOUND, sasl, tokens

if TYPE_CHECKING:
    import ssl

    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.sasl.mechanism import Claim
    from postroad.sasl.server import Sasl

SCRIPTS = sorted((Path(__file__).parent / "smtp").glob("*.txt"))
ALICE = Account(Address("alice", "alpha.test"), "wonderland")
POSTMASTER = Address("postmaster", "alpha.test")
WORLD = World(
    IPv4Network("127.0.0.0/24"),
    {},
    {"alpha.test": Domain("alpha.test", accounts={"alice": ALICE})},
    tokens=tokens(ALICE.login),
)


class Taker:
    """The service of the dialogues."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.taken: list[bytes] = []

    def connect(self, session: Session) -> Reply | None:
        return reply(*self.dialogue.greeting) if self.dialogue.greeting else None

    async def authenticate(self, session: Session, claim: Claim) -> Account | str | None:
        if session.purpose is Purpose.APP:
            return claim.login
        if claim.login == "broken":
            raise RuntimeError
        if claim.identity not in {"", ALICE.login}:
            return None
        return ALICE if claim.login == "alice@alpha.test" and claim.proof.proves(ALICE) else None

    def mail(self, session: Session, envelope: Envelope) -> Reply:
        if envelope.reverse_path is not None and envelope.reverse_path.local_part == "refused":
            return RELAY_DENIED
        return SENDER_OK

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:
        match recipient.address.local_part:
            case "nobody":
                return NO_SUCH_USER
            case "leave":
                return reply(421, "4.3.2", "Leave")
        return RECIPIENT_OK

    def refused(self, session: Session, refused: Refused) -> None:
        assert not refused.reply.is_success

    def handshake_failed(self, session: Session, why: str) -> None:
        pass

    async def message(self, session: Session, envelope: Envelope, content: Content) -> Answer:
        return self.take(envelope, content.read())

    def take(self, envelope: Envelope, octets: bytes) -> Answer:
        if envelope.recipients[0].address.local_part == "full":
            return STORAGE_FULL
        if envelope.recipients[0].address.local_part == "broken":
            raise RuntimeError
        self.taken.append(octets)
        body = f" {envelope.body}" if envelope.body else ""
        took = reply(250, "2.0.0", f"Took {len(octets)} octets for {len(envelope.recipients)}{body}")
        rejecting = [recipient.address.local_part == "reject" for recipient in envelope.recipients]
        if any(rejecting):
            return tuple(reply(550, "5.7.1", "Not", "you") if rejects else took for rejects in rejecting)
        return took


@dataclass
class Turn:
    """What the client sends, and all that then comes back."""

    sends: bytes = b""
    expects: bytes = b""
    handshake: bool = False
    content: bytes | None = None
    closed: bool = False


@dataclass
class Dialogue:
    turns: list[Turn] = field(default_factory=lambda: [Turn()])
    port: Purpose = Purpose.TRANSFER
    plaintext_auth: bool = False
    starttls: bool = True
    whole: bool = False
    greeting: tuple[int, str, str] | None = None
    limits: dict[str, int] = field(default_factory=dict)

    hidden: frozenset[str] = frozenset()

    sasl_without: tuple[str, ...] = ()
    oauth_errors: Errors = Errors.RFC

    @property
    def sasl(self) -> dict[Purpose, Sasl]:
        checked = sasl(
            "smtp",
            WORLD.account,
            lambda: WORLD,
            hidden=self.sasl_without,
            errors=self.oauth_errors,
            plaintext_auth=self.plaintext_auth,
        )
        unchecked = sasl("smtp", WORLD.account, lambda: WORLD, UNCHECKED, plaintext_auth=True)
        return {Purpose.SUBMISSION: checked, Purpose.SUBMISSIONS: checked, Purpose.APP: unchecked}

    @property
    def extensions(self) -> tuple[Extension, ...]:
        return without(self.hidden)

    @property
    def settings(self) -> Limits:
        return Limits(**self.limits)


def expand(text: str) -> bytes:
    text = re.sub(r"\((.)\*(\d+)\)", lambda match: match[1] * int(match[2]), text)
    octets = text.encode()
    return re.sub(rb"\{\\x([0-9a-f]{2})\}", lambda match: bytes([int(match[1], 16)]), octets)


def parse(path: Path) -> Dialogue:
    dialogue = Dialogue()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        kind, _, text = line.partition(": " if line[1:2] == ":" and len(line) > 2 else ":")
        turn = dialogue.turns[-1]
        if not line or line.startswith("#"):
            continue
        if line.startswith("@ "):
            for word in line[2:].split():
                setting(dialogue, word)
            continue
        assert kind in {"C", "c", "S", "T", "M", "X"}, f"{path.name}:{number}: {line}"
        if kind in "CcT" and (turn.expects or turn.closed):
            turn = Turn()
            dialogue.turns.append(turn)
        match kind:
            case "C":
                turn.sends += expand(text) + b"\r\n"
            case "c":
                turn.sends += expand(text)
            case "S":
                turn.expects += expand(text) + b"\r\n"
            case "T":
                turn.handshake = True
            case "M":
                turn.content = (turn.content or b"") + expand(text) + b"\r\n"
            case "X":
                turn.closed = True
    return dialogue


def setting(dialogue: Dialogue, word: str) -> None:
    name, _, value = word.partition("=")
    match name:
        case "port":
            dialogue.port = Purpose(value)
        case "plaintext_auth":
            dialogue.plaintext_auth = True
        case "without":
            dialogue.hidden = frozenset(value.split(","))
        case "sasl_without":
            dialogue.sasl_without = tuple(value.split(","))
        case "oauth_errors":
            dialogue.oauth_errors = Errors(value)
        case "no_starttls":
            dialogue.starttls = False
        case "whole":
            dialogue.whole = True
        case "greeting":
            dialogue.greeting = (int(value), f"{value[0]}.3.2", "Turned away")
        case _:
            assert name.startswith("limit."), word
            dialogue.limits[name.removeprefix("limit.")] = int(value)


class Peer:
    """The engine with the service behind it, without a network."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.profile = Profile(
            hostname="mx.test",
            limits=dialogue.settings,
            postmaster=POSTMASTER,
            starttls=dialogue.starttls and dialogue.port is not Purpose.SUBMISSIONS,
            sasl=dialogue.sasl.get(dialogue.port),
            lmtp=dialogue.port is Purpose.LMTP,
            extensions=dialogue.extensions,
        )
        self.session = Session(dialogue.port, ipaddress.ip_address("192.0.2.1"), 1, "1")
        if dialogue.port is Purpose.SUBMISSIONS:
            self.session.tls_version = "TLSv1.3"
            self.session.channel = UNBOUND
        self.service = Taker(dialogue)
        self.engine = Engine(self.profile, self.session)
        self.content = b""
        self.closed = False
        self.handshake = False

    def feed(self, octets: bytes) -> bytes:
        self.engine.receive_data(octets)
        while not isinstance(event := self.engine.next_event(), Wait):
            match event:
                case Connected():
                    self.engine.answer(self.service.connect(self.session) or self.profile.greeting)
                case Authenticate(claim):
                    self.authenticate(claim)
                case Mail(envelope):
                    self.engine.answer(self.service.mail(self.session, envelope))
                case Rcpt(envelope, recipient):
                    self.engine.answer(self.service.rcpt(self.session, envelope, recipient))
                case Block(octets):
                    self.content += octets
                case Discard():
                    self.content = b""
                case Message(envelope):
                    self.message(envelope)
                case StartTls():
                    self.handshake = True
                case Close():
                    self.closed = True
        return self.engine.data_to_send()

    def authenticate(self, claim: Claim) -> None:
        coroutine = self.service.authenticate(self.session, claim)
        try:
            coroutine.send(None)
        except StopIteration as answer:
            self.engine.answer_authentication(answer.value)
        except RuntimeError:
            self.engine.answer(reply(454, "4.7.0", "Temporary authentication failure"))

    def message(self, envelope: Envelope) -> None:
        content, self.content = self.content, b""
        try:
            answer = self.service.take(envelope, content)
            if isinstance(answer, tuple):
                self.engine.answer_each(answer)
            else:
                self.engine.answer(answer)
        except RuntimeError:
            self.engine.answer(LOCAL_ERROR)


def check_turns(dialogue: Dialogue, *, piece: int | None) -> None:
    peer = Peer(dialogue)
    got = peer.feed(b"")
    for turn in dialogue.turns:
        if turn.handshake:
            assert peer.handshake
            peer.handshake = False
            peer.engine.tls_started("TLSv1.3", "TLS_AES_256_GCM_SHA384", UNBOUND)
        size = piece or len(turn.sends) or 1
        for start in range(0, len(turn.sends), size):
            got += peer.feed(turn.sends[start : start + size])
        assert got.decode() == turn.expects.decode()
        assert peer.closed == turn.closed
        if turn.content is not None:
            assert peer.service.taken == [turn.content]
        peer.service.taken.clear()
        got = b""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_whole(path: Path) -> None:
    check_turns(parse(path), piece=None)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_octet_by_octet(path: Path) -> None:
    dialogue = parse(path)
    if not dialogue.whole:
        check_turns(dialogue, piece=1)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_live(
    path: Path,
    tmp_path: Path,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
) -> None:
    dialogue = parse(path)
    service = Taker(dialogue)
    server = await serve(
        service,
        [Listener("127.0.0.1", 0, dialogue.port, starttls=dialogue.starttls)],
        hostname="mx.test",
        content_directory=tmp_path,
        limits=dialogue.settings,
        extensions=dialogue.extensions,
        tls=server_tls,
        sasl=dialogue.sasl,
        postmaster=POSTMASTER,
    )
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.listeners[0].port, ssl=client_tls if dialogue.port is Purpose.SUBMISSIONS else None
    )
    try:
        for turn in dialogue.turns:
            if turn.handshake:
                await writer.start_tls(client_tls)
            writer.write(turn.sends)
            got = await asyncio.wait_for(read_up_to(reader, len(turn.expects)), 10)
            assert got.decode() == turn.expects.decode()
            if turn.closed:
                assert await asyncio.wait_for(reader.read(), 10) == b""
            if turn.content is not None:
                assert service.taken == [turn.content]
            service.taken.clear()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await server.close(grace=0.05)
    assert is_empty(tmp_path)


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def read_up_to(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        return error.partial
