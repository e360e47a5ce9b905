"""What the SMTP receiver asks of the service behind it, and what the service knows of the session.

The receiver keeps the protocol (syntax, sequence, limits, TLS, AUTH's exchange); the service keeps the policy
(who may send, to whom, how much) and takes the message. Every answer is a `Reply`; a refusal has no side effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from postroad.mail.trace_fields import ROOM
from postroad.sasl.channel import PLAINTEXT, Channel
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from ipaddress import IPv4Address, IPv6Address

    from postroad import tap
    from postroad.mail.content import Content
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.mail.reply import Reply
    from postroad.sasl.mechanism import Claim
    from postroad.sasl.server import Sasl
    from postroad.smtp.server.events import Refused
    from postroad.world.world import Account


Answer: TypeAlias = "Reply | tuple[Reply, ...]"


class Purpose(StrEnum):
    """What a listener is for."""

    TRANSFER = "smtp"  # 25, RFC 5321
    SUBMISSION = "submission"  # 587, RFC 6409
    SUBMISSIONS = "submissions"  # 465, RFC 8314: TLS from the first octet
    LMTP = "lmtp"  # 24, RFC 2033: final delivery, with a reply for each recipient
    APP = "app"  # 1025: submission by software under test, from anybody to anybody


@value
class Listener:
    """An address to listen on, and its purpose; with port 0 the system chooses one."""

    host: str
    port: int
    purpose: Purpose = Purpose.TRANSFER
    starttls: bool = True  # whether STARTTLS is offered, if there is a certificate
    tls: bool = False  # from the first octet, as SUBMISSIONS always is
    world: str | None = None  # the ID of the world whose mail all is that comes by it
    logins: Sasl | None = None  # the mechanisms, where logins are checked though the purpose checks none
    missing_domain: str | None = None  # that of addresses that have none; None: such addresses are refused

    @property
    def implicit_tls(self) -> bool:
        """Whether it speaks TLS from the first octet (RFC 8314)."""
        return self.tls or self.purpose is Purpose.SUBMISSIONS


@value
class Limits:
    """Bounds on what a client can make the server keep; sizes in octets, times in seconds."""

    message_size: int = 50 * 1024 * 1024  # RFC 1870, announced as SIZE
    recipients: int = 1000  # RFC 5321 §4.5.3.1.8: at least 100
    header_size: int = 1024 * 1024
    header_lines: int = 5000
    line: int = 1000  # RFC 5321 §4.5.3.1.6: text line, CRLF included
    connections: int = 500
    connections_per_address: int = 100
    errors: int = 20  # refused commands before 421
    command_timeout: float = 300.0  # RFC 5321 §4.5.3.2.7
    data_timeout: float = 180.0  # RFC 5321 §4.5.3.2.5, between blocks

    def with_room_for_trace_fields(self) -> Limits:
        """Return the limits of the next hop, which must take everything that a hop with these limits takes.

        Each hop adds trace fields (RFC 5321 §4.4), and submission may add Date and Message-ID (RFC 6409 §8).
        """
        return replace(
            self,
            message_size=self.message_size + ROOM,
            header_size=self.header_size + ROOM,
            header_lines=self.header_lines + 200,
        )


@dataclass(slots=True)
class Session:
    """What is known of one SMTP session. The receiver writes it, and the service reads it."""

    purpose: Purpose
    peer: IPv4Address | IPv6Address
    peer_port: int
    session_id: str
    client_name: str | None = None  # the argument of EHLO or HELO
    extended: bool = False  # EHLO rather than HELO
    tls_version: str | None = None  # "TLSv1.3", None in plaintext
    tls_cipher: str | None = None
    channel: Channel = PLAINTEXT
    account: Account | None = None  # after AUTH
    mechanism: str | None = None  # by which
    claimed: str | None = None  # the name that AUTH gave where it is taken at its word
    listener: tap.Listener | None = None  # of the tap
    port_world: str | None = None  # the ID of the world whose port this is
    checked: bool = False  # logins are checked though the purpose checks none (`Listener.logins`)
    world: str | None = None  # the ID of the world that the name, or the port, decides
    host: str = ""  # the peer as text, for each message's trace field and journal

    def __post_init__(self) -> None:
        if not self.host:
            self.host = str(self.peer)

    @property
    def is_authenticated(self) -> bool:
        """Whether AUTH has succeeded."""
        return self.account is not None or self.claimed is not None

    def authenticated(self, user: Account | str, mechanism: str) -> None:
        """Note who the client is: an account, or a name that is taken at its word."""
        self.mechanism = mechanism
        if isinstance(user, str):
            self.claimed = user
        else:
            self.account = user

    def begin_anew(self, version: str | None, cipher: str | None, channel: Channel) -> None:
        """Begin anew inside TLS, and forget all that the client has said before (RFC 3207 §4.2)."""
        self.tls_version, self.tls_cipher, self.channel = version, cipher, channel
        self.client_name, self.extended = None, False
        self.account = self.claimed = self.mechanism = None
        self.world = self.port_world

    @property
    def login(self) -> str | None:
        """The login name, None before AUTH."""
        return self.account.login if self.account is not None else self.claimed

    @property
    def facts(self) -> dict[str, Any]:
        """What an event of the journal says of the session."""
        facts: dict[str, Any] = {
            "peer": self.host,
            "client": self.client_name,
            "port": self.purpose.value,
            "session": self.session_id,
        }
        if self.port_world is not None:
            facts["world"] = self.port_world
        if self.is_authenticated:
            facts["login"] = self.login
            facts["mechanism"] = self.mechanism
        return facts


class Service(Protocol):
    """The policy and the destination behind the receiver."""

    def connect(self, session: Session) -> Reply | None:
        """Return None to greet, or the 4yz or 554 that turns the client away (RFC 5321 §3.1)."""
        ...

    async def authenticate(self, session: Session, claim: Claim) -> Account | str | Reply | None:
        """Return the account that the client may act as by its claim (RFC 4954), or None.

        Where names are taken at their word it returns the name. A `Reply` refuses for a reason of its own.

        Raises `TooManyGuesses` if the password was not checked.
        """
        ...

    def mail(self, session: Session, envelope: Envelope) -> Reply:
        """Answer MAIL; the envelope has the reverse-path and parameters, no recipients yet."""
        ...

    def rcpt(self, session: Session, envelope: Envelope, recipient: Recipient) -> Reply:
        """Answer one RCPT; the envelope has the recipients that were accepted before."""
        ...

    def refused(self, session: Session, refused: Refused) -> None:
        """Note a refusal by the receiver itself."""
        ...

    def handshake_failed(self, session: Session, why: str) -> None:
        """Note that TLS has not come about, and why; the log has a line of it."""
        ...

    def message(self, session: Session, envelope: Envelope, content: Content) -> Reply | Awaitable[Answer]:
        """Take the message and answer the final dot: 250 only once it is durable (RFC 5321 §6.1).

        By LMTP there may be a tuple of replies, one for each recipient (RFC 2033 §4.2); one reply is for all of them.

        The content is closed by the receiver afterwards. It raises `OSError` if the disk is full or broken.
        """
        ...
