"""What the SMTP sessions of one listener have in common, with the replies that depend on nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.mail.reply import Reply, reply
from postroad.sasl import MECHANISMS

if TYPE_CHECKING:
    from postroad.mail.address import Address
    from postroad.smtp.server.service import Limits


class Profile:
    """What the sessions of one listener have in common: who the receiver is, and what it offers."""

    def __init__(
        self, *, hostname: str, limits: Limits, postmaster: Address, starttls: bool, auth: bool, plaintext_auth: bool
    ) -> None:
        self.hostname = hostname
        self.limits = limits
        self.postmaster = postmaster
        self.starttls = starttls
        self.auth = auth
        self.plaintext_auth = plaintext_auth
        # RFC 2034 §4: no enhanced status in the greeting and in the replies to EHLO and HELO.
        self.greeting = reply(220, None, f"{hostname} ESMTP Postroad")
        self.goodbye = reply(221, "2.0.0", f"{hostname} closing transmission channel")
        self.hello = reply(250, None, hostname)
        self._extensions = {secure: self._extended_hello(secure=secure) for secure in (False, True)}

    def _extended_hello(self, *, secure: bool) -> Reply:
        lines = [
            self.hostname,
            "PIPELINING",
            f"SIZE {self.limits.message_size}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        ]
        if self.starttls and not secure:  # RFC 3207 §4.2: not while TLS is active
            lines.append("STARTTLS")
        if self.auth and (secure or self.plaintext_auth):  # RFC 4954 §4: no password in plaintext
            lines.append("AUTH " + " ".join(MECHANISMS))
        return reply(250, None, *lines, "HELP")

    def extended_hello(self, *, secure: bool) -> Reply:
        """Return the reply to EHLO, with or without TLS."""
        return self._extensions[secure]

    def farewell(self, reason: Reply) -> Reply:
        """Return a 421 with the domain that RFC 5321 §4.2.2 wants in front of its text."""
        return replace(reason, lines=(f"{self.hostname} {reason.lines[0]}", *reason.lines[1:]))
