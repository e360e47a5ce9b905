"""The transactions that the SMTP client is given, and the events that it gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from postroad.value import value

if TYPE_CHECKING:
    from postroad.mail.envelope import Envelope
    from postroad.smtp.client.outcome import Deferred, Failed, Outcome


@value
class Transaction:
    """One mail transaction to make: the envelope, as it came with the message, and facts about the content.

    `eight_bit` says that the content has octets above 127, `utf8_header` that its header section has.
    """

    envelope: Envelope
    size: int  # octets, without transparency
    eight_bit: bool = False
    utf8_header: bool = False


@value
class Ready:
    """The session is open: `send` may be called."""


@value
class StartTls:
    """The server awaits a TLS handshake: make it, then call `tls_started`."""


@value
class SendContent:
    """354: give the content with `content` and `end_content`."""


@value
class Finished:
    """The transaction is over: one outcome for each recipient, in order.

    `lost` says that the session broke before the end; `uncertain`, that it did so after the final dot was sent, so that
    the server may have the message.
    """

    outcomes: tuple[Outcome, ...]
    uncertain: bool = False
    lost: bool = False


@value
class Refused:
    """The server refuses the session, or it broke before the first transaction."""

    outcome: Deferred | Failed


Event: TypeAlias = Ready | StartTls | SendContent | Finished | Refused
