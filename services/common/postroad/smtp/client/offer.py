"""A server's offer (RFC 5321 §4.1.1.1): it decides how MAIL and RCPT are written, and which messages cannot be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mail.address import Address, domain_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad.mail.envelope import Recipient
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed
    from postroad.smtp.extensions.extension import Extension


class Offer:
    """The reply to EHLO: its keywords, in capitals, with their parameters; empty after HELO.

    `known` are the extensions that we use if the server offers them.
    """

    def __init__(self, keywords: Mapping[str, str], known: tuple[Extension, ...]) -> None:
        self.keywords = keywords
        used = [(extension, keywords[extension.keyword]) for extension in known if extension.keyword in keywords]
        self.pipelines = any(extension.pipelines for extension, _ in used)
        self.steps = iter([extension.begin for extension, _ in used if extension.begin is not None])
        self._with_mail = [(extension.with_mail, value) for extension, value in used if extension.with_mail is not None]
        self._with_rcpt = [(extension.with_rcpt, value) for extension, value in used if extension.with_rcpt is not None]
        self._obstacles = [
            (extension.obstacle, keywords.get(extension.keyword))
            for extension in known
            if extension.obstacle is not None
        ]
        paths = [extension.path for extension, _ in used if extension.path is not None]
        self._path: Callable[[Address], str] = paths[0] if paths else _with_a_labels

    def mail_line(self, transaction: Transaction) -> bytes:
        """Return the MAIL command for a transaction."""
        path = transaction.envelope.reverse_path
        line = f"MAIL FROM:<{self._path(path) if path is not None else ''}>"
        for with_mail, value in self._with_mail:
            if (parameter := with_mail(transaction, value)) is not None:
                line += f" {parameter}"
        return f"{line}\r\n".encode()

    def rcpt_line(self, recipient: Recipient, transaction: Transaction) -> bytes:
        """Return the RCPT command for one of its recipients."""
        line = f"RCPT TO:<{self._path(recipient.address)}>"
        for with_rcpt, value in self._with_rcpt:
            if (parameter := with_rcpt(recipient, transaction, value)) is not None:
                line += f" {parameter}"
        return f"{line}\r\n".encode()

    def unsendable(self, transaction: Transaction, server: str) -> list[Failed | None]:
        """Return, for each recipient, the failure that is certain before anything is sent; None: ask the server."""
        outcomes: list[Failed | None] = [None] * len(transaction.envelope.recipients)
        for obstacle, value in self._obstacles:
            failures = obstacle(transaction, value, server)
            if failures is not None:
                outcomes = [earlier or failure for earlier, failure in zip(outcomes, failures, strict=True)]
        return outcomes


def _with_a_labels(address: Address) -> str:
    # RFC 6531 §3.7: U-labels go only where SMTPUTF8 is offered.
    if address.domain.isascii():
        return str(address)
    return str(Address(address.local_part, domain_key(address.domain)))
