"""The events of the SMTP engine; `engine.py` says how each is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.value import value

if TYPE_CHECKING:
    from postroad.mail.envelope import Envelope, Recipient
    from postroad.mail.reply import Reply
    from postroad.sasl.mechanism import Claim


@value
class Connected:
    """The session begins: greet, or turn the client away."""


@value
class Authenticate:
    """The client says who it is, and proves it."""

    claim: Claim


@value
class Mail:
    """MAIL opens a transaction."""

    envelope: Envelope


@value
class Rcpt:
    """RCPT names one more recipient, which is not in the envelope yet."""

    envelope: Envelope
    recipient: Recipient


@value
class Block:
    """Some of the content, transparency removed."""

    octets: bytes


@value
class Discard:
    """The content is refused: drop its blocks; no more will come."""


@value
class Message:
    """The end of mail data has come, and the content is sound."""

    envelope: Envelope


@value
class Refused:
    """The engine has refused a command or content that somebody may ask about later; nothing is to be answered.

    `command` is MAIL, RCPT, AUTH, content, or connection: the client speaks HTTP, or too early. `argument` is that of
    MAIL or RCPT, and `envelope` the content's.
    """

    command: str
    reply: Reply
    argument: str = ""
    envelope: Envelope | None = None

    @property
    def details(self) -> dict[str, Any]:
        """What a `Refused` event of the journal says of it."""
        details: dict[str, Any] = {"argument": self.argument} if self.argument else {}
        return details | (details_of(self.envelope) if self.envelope is not None else {})


def details_of(envelope: Envelope) -> dict[str, Any]:
    """Return what an event of the journal says of a refused content's envelope."""
    return {"sender": envelope.sender, "recipients": [str(recipient.address) for recipient in envelope.recipients]}


@value
class StartTls:
    """220 is among the octets to send; the TLS handshake comes next."""


@value
class Flush:
    """There is much to send."""


@value
class Close:
    """The session is over."""


Event = Connected | Authenticate | Mail | Rcpt | Block | Discard | Message | Refused | StartTls | Flush | Close
