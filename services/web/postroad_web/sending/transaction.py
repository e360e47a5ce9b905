"""One message over SMTP to one server, in a session of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad.mail.address import AddressError, parse_address
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mime.fields import header_end
from postroad.smtp.client.events import Finished, Transaction
from postroad.smtp.client.outcome import Delivered
from postroad.smtp.client.session import Session, TlsFailedError
from postroad.smtp.extensions import EXTENSIONS
from postroad.value import value

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv6Address
    from pathlib import Path

    from postroad.clock import Clock
    from postroad.smtp.extensions import Extension

PATIENCE = 60.0  # seconds for all of it
MOST_RECIPIENTS = 1_000  # of one message


@value
class Server:
    """Where a message is sent; satisfies `postroad.smtp.client.session.Target`."""

    host: str
    address: IPv4Address | IPv6Address
    port: int
    tls: ssl.SSLContext | None = None  # for STARTTLS, if the server offers it
    implicit_tls: bool = False
    extensions: tuple[Extension, ...] = EXTENSIONS

    def __str__(self) -> str:
        """Give the form in which outcomes name it."""
        return f"{self.host}[{self.address}]"


@value
class Answer:
    """What the server said of one recipient."""

    address: str
    accepted: bool
    reply: str  # or why there was none


class SendError(Exception):
    """The message was not taken for any recipient."""


class AwayError(SendError):
    """The server can't be reached, or the session broke; the text says why."""


class RefusedError(SendError):
    """The server refuses the message for all recipients; the text is its reply."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(answers[0].reply)
        self.answers = tuple(answers)


class EnvelopeError(ValueError):
    """An address of the envelope is none; the text is a sentence."""


class _Content:
    """The content as the session reads it."""

    path: Path | None = None

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def blocks(self) -> Iterator[bytes]:
        yield self._octets


def transaction_of(sender: str, recipients: Sequence[str], content: bytes) -> Transaction:
    """Return the transaction; an empty sender is the null reverse-path. Raises `EnvelopeError`."""
    if not recipients:
        raise EnvelopeError("there is no recipient")
    if len(recipients) > MOST_RECIPIENTS:
        raise EnvelopeError(f"there are more than {MOST_RECIPIENTS} recipients")
    addresses = []
    for text in (sender, *recipients) if sender else recipients:
        try:
            addresses.append(parse_address(text))
        except AddressError as error:
            raise EnvelopeError(f"{text[:300]!r} is not an address: {error}") from None
    eight_bit = not content.isascii()
    # RFC 6531 §3.4: SMTPUTF8 is for messages that need it, by their header section or their addresses
    utf8_header = not content[: header_end(content, 0, len(content))].isascii()
    envelope = Envelope(
        addresses[0] if sender else None,
        tuple(Recipient(address) for address in dict.fromkeys(addresses[1:] if sender else addresses)),
        BodyType.EIGHT_BIT_MIME if eight_bit else BodyType.SEVEN_BIT,
        smtputf8=utf8_header or not all(address.is_ascii for address in addresses),
    )
    return Transaction(envelope, len(content), eight_bit=eight_bit, utf8_header=utf8_header)


async def send(
    server: Server, transaction: Transaction, content: bytes, *, hostname: str, clock: Clock
) -> list[Answer]:
    """Send a message; return what the server said of each recipient, of which it took one at least.

    The transaction is that of `transaction_of` for this content. Raises `AwayError` and `RefusedError`.
    """
    session = Session(server, hostname, server.tls, clock, extensions=server.extensions)
    try:
        async with asyncio.timeout(PATIENCE):
            finished = await _finished(session, server, transaction, content)
    except TlsFailedError as error:
        raise AwayError(f"TLS with {server} failed: {error}") from error
    except TimeoutError as error:
        raise AwayError(f"{server} took longer than {PATIENCE:.0f} s") from error
    except OSError as error:
        raise AwayError(f"{server} can't be reached: {error}") from error
    finally:
        session.leave()
    return _answers(transaction.envelope, finished)


async def _finished(session: Session, server: Server, transaction: Transaction, content: bytes) -> Finished:
    refused = await session.open(server.port, implicit_tls=server.implicit_tls)
    if refused is not None:
        raise AwayError(refused.outcome.reason)
    return await session.run(transaction, _Content(content))


def _answers(envelope: Envelope, finished: Finished) -> list[Answer]:
    answers = [
        Answer(
            str(recipient.address),
            isinstance(outcome, Delivered),
            str(outcome.reply) if outcome.reply is not None else outcome.reason,
        )
        for recipient, outcome in zip(envelope.recipients, finished.outcomes, strict=True)
    ]
    if not any(answer.accepted for answer in answers):
        if finished.lost:
            raise AwayError(answers[0].reply)
        raise RefusedError(answers)
    return answers
