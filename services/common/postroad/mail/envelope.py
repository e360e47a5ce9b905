"""The envelope of a mail transaction (RFC 5321 §2.3.1): reverse-path, recipients and parameters."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.mail.address import Address

# Parameters of MAIL or RCPT that have no field of their own (RFC 5321 §4.1.1.11): keyword in capitals, and value, None
# if it has no value. They go with the message from hop to hop.
Parameters: TypeAlias = tuple[tuple[str, str | None], ...]


class BodyType(StrEnum):
    """The BODY parameter of MAIL (RFC 6152 §3)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT_MIME = "8BITMIME"


@value
class Recipient:
    """One forward-path of the transaction, as it was given to RCPT."""

    address: Address
    parameters: Parameters = ()


@value
class Envelope:
    """One mail transaction's envelope.

    `reverse_path` is None for the null reverse-path `<>`. `declared_size` is the SIZE parameter in octets
    (RFC 1870 §6), None where absent. `smtputf8` says that MAIL carried SMTPUTF8 (RFC 6531 §3.4). `world` is the ID of
    the world that the transaction belongs to; None leaves that to the domains of its recipients.
    """

    reverse_path: Address | None
    recipients: tuple[Recipient, ...] = ()
    body: BodyType | None = None
    smtputf8: bool = False
    declared_size: int | None = None
    parameters: Parameters = ()
    world: str | None = None

    @property
    def sender(self) -> str:
        """The reverse-path as text, empty for the null reverse-path."""
        return str(self.reverse_path) if self.reverse_path is not None else ""

    def completed(self, recipients: tuple[Recipient, ...], body: BodyType | None) -> Envelope:
        """Return the envelope with its recipients, and the body type of its content."""
        return Envelope(
            self.reverse_path, recipients, body, self.smtputf8, self.declared_size, self.parameters, self.world
        )

    def only(self, indexes: Sequence[int]) -> Envelope:
        """Return the envelope for some of its recipients, each named once and in order."""
        if len(indexes) == len(self.recipients):
            return self
        return replace(self, recipients=tuple([self.recipients[index] for index in indexes]))
