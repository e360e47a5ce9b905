"""Logins at GreenMail's SMTP ports: its users are the store's, who knows whether a password is right.

The relay asks as any client would, by AUTHENTICATE (RFC 9051 §6.2.2) at the store's port of IMAP over TLS. With
`greenmail.auth.disabled`, where any login makes a user, it logs in at the store's port for GreenMail, which makes them.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING

from postroad.sasl.password import Password

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from postroad.sasl.mechanism import Claim

log = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds


class StoreLogins:
    """Asks the store, which listens at `where()`. With `takes_anyone` any login is right, and makes a user there."""

    def __init__(
        self, where: Callable[[], tuple[str, int]], tls: ssl.SSLContext | None, *, takes_anyone: bool = False
    ) -> None:
        self.takes_anyone = takes_anyone
        self._where = where
        self._tls = tls

    async def is_right(self, claim: Claim) -> bool:
        """Return whether a password is its user's; raises `OSError` if the store can't say."""
        if self.takes_anyone:
            try:
                await self._asked("", claim.login, claim.login)  # any password will do
            except OSError as error:
                log.info("no user was made of a login: %s", error, extra=claim.facts)
            return True
        proof = claim.proof
        return isinstance(proof, Password) and await self._asked(claim.identity, claim.login, proof.password)

    async def _asked(self, identity: str, login: str, password: str) -> bool:
        host, port = self._where()
        async with asyncio.timeout(PATIENCE):  # TimeoutError is an OSError
            reader, writer = await asyncio.open_connection(host, port, ssl=self._tls)
            try:
                # RFC 4616 §2: [authzid] NUL authcid NUL passwd
                message = f"{identity}\0{login}\0{password}".encode()
                # RFC 9051 §6.2.2: an initial response.
                writer.write(b"a AUTHENTICATE PLAIN " + base64.b64encode(message) + b"\r\n")
                while (line := await reader.readline()).startswith(b"* "):
                    pass
            finally:
                writer.close()
        if not line.startswith((b"a OK", b"a NO [AUTHENTICATIONFAILED]", b"a NO [AUTHORIZATIONFAILED]")):
            raise ConnectionError(f"the store does not say whether a login is right: {line!r}")
        return line.startswith(b"a OK")
