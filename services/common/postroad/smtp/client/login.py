"""AUTH, the client's side (RFC 4954): a step before the first transaction, by PLAIN (RFC 4616) or LOGIN.

A password goes over TLS alone. The extension takes the place of AUTH among those that a session is given:

    Session(target, hostname, tls, clock, extensions=with_login("app", "secret"))
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.smtp.client.outcome import failed
from postroad.smtp.client.verbs import Command, Verb
from postroad.smtp.extensions import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.mail.reply import Reply
    from postroad.smtp.client.engine import Client
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed
    from postroad.smtp.extensions import Extension


def with_login(login: str, password: str, *, plaintext: bool = False) -> tuple[Extension, ...]:
    """Return the extensions of a client that logs in, or sends nothing.

    `plaintext` says that the password is none that anybody could use elsewhere: TLS is not needed for it.
    """
    steps = _Login(login, password, plaintext=plaintext)
    return tuple(
        replace(extension, begin=steps.begin, obstacle=_obstacle) if extension.keyword == "AUTH" else extension
        for extension in EXTENSIONS
    )


def _obstacle(transaction: Transaction, offered: str | None, server: str) -> Sequence[Failed] | None:
    if offered is not None:
        return None
    failure = failed("5.7.0", f"host {server} offers no AUTH", server)
    return [failure] * len(transaction.envelope.recipients)


class _Login:
    """The exchange of one session."""

    def __init__(self, login: str, password: str, *, plaintext: bool) -> None:
        self._plaintext = plaintext
        self._login = login
        self._password = password
        self._responses: list[str] = []
        self._verb = Verb("AUTH", 300.0, self._answered)

    def begin(self, client: Client) -> bool:
        """Send AUTH."""
        if not client.secure and not self._plaintext:
            client.break_off("it offers no TLS, and a password is not sent without it")
            return True
        mechanisms = client.extensions.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            # RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
            self._say(client, "AUTH PLAIN " + _encoded(f"\0{self._login}\0{self._password}"))
        elif "LOGIN" in mechanisms:
            self._responses = [_encoded(self._password), _encoded(self._login)]
            self._say(client, "AUTH LOGIN")
        else:
            client.break_off("it offers neither PLAIN nor LOGIN to log in by")
        return True

    def _say(self, client: Client, line: str) -> None:
        client.command(Command(self._verb, f"{line}\r\n".encode()))

    def _answered(self, client: Client, _command: Command, reply: Reply) -> None:
        if reply.code == 334 and self._responses:
            self._say(client, self._responses.pop())
        elif reply.code == 235:
            client.proceed()
        else:
            client.refuse(reply, self._verb)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")
