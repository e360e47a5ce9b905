"""The events of the SMTP engine; `engine.py` says how each is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.mail.reply import Reply


@dataclass(frozen=True, slots=True)
class Connected:
    """The session begins: greet, or turn the client away."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """The client has given its credentials."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL opens a transaction."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT names one more recipient, which is not in the envelope yet."""

    envelope: Envelope
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class Block:
    """Some of the content, transparency removed."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Discard:
    """The content is refused: drop its blocks; no more will come."""


@dataclass(frozen=True, slots=True)
class Message:
    """The end of mail data has come, and the content is sound."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Refused:
    """The engine has refused a command or content that somebody may ask about later; nothing is to be answered.

    `command` is MAIL, RCPT, AUTH or content; `argument` is that of MAIL or RCPT.
    """

    command: str
    reply: Reply
    argument: str = ""


@dataclass(frozen=True, slots=True)
class StartTls:
    """220 is among the octets to send; the TLS handshake comes next."""


@dataclass(frozen=True, slots=True)
class Flush:
    """There is much to send."""


@dataclass(frozen=True, slots=True)
class Close:
    """The session is over."""


Event = Connected | Authenticate | Mail | Rcpt | Block | Discard | Message | Refused | StartTls | Flush | Close
