"""The app under test: a shop that writes mail, with Python's own smtplib. It knows nothing of tests."""

from __future__ import annotations

import secrets
import smtplib
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shop:
    """A shop with the mail server that its configuration names."""

    def __init__(self, smtp_url: str, sender: str) -> None:
        self._smtp = urlsplit(smtp_url)
        self._sender = sender
        self.codes: dict[str, str] = {}

    def register(self, address: str) -> None:
        """Write a mail with a code and a link."""
        code = self.codes[address] = f"{secrets.randbelow(900_000) + 100_000}"
        link = f"https://shop.example/confirm?address={address}"
        message = self._message(address, "Welcome to the shop")
        message.set_content(f"Your code is {code}.\n\nConfirm your address: {link}\n")
        message.add_alternative(f'<p>Your code is <b>{code}</b>.</p><a href="{link}">Confirm</a>', subtype="html")
        self._send(message)

    def order(self, address: str, number: int) -> None:
        """Write a mail with an invoice."""
        message = self._message(address, f"Your order {number}")
        message["X-Order"] = str(number)
        message.set_content("Thank you.\n")
        message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename=f"invoice-{number}.pdf")
        self._send(message)

    def newsletter(self, addresses: Iterator[str] | list[str]) -> None:
        """Write to everybody."""
        for address in addresses:
            message = self._message(address, "News")
            message["List-Unsubscribe"] = "<https://shop.example/stop>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            message.set_content("All is new.\n")
            self._send(message)

    def _message(self, address: str, subject: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = f"Shop <{self._sender}>", address, subject
        return message

    def _send(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self._smtp.hostname or "", self._smtp.port or 25, timeout=30) as client:
            if self._smtp.username:
                client.login(unquote(self._smtp.username), unquote(self._smtp.password or ""))
            client.send_message(message)
