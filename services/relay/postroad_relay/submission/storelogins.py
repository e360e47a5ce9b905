"""Logins at GreenMail's SMTP ports: its users are the store's, who knows whether a password is right.

The relay asks as any client would, by AUTHENTICATE (RFC 9051 §6.2.2) at the store's port of IMAP over TLS.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from postroad.sasl.password import Password

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from postroad.sasl.mechanism import Claim

PATIENCE = 10.0  # seconds


class StoreLogins:
    """Asks the store, which listens at `where()`."""

    def __init__(self, where: Callable[[], tuple[str, int]], tls: ssl.SSLContext | None) -> None:
        self._where = where
        self._tls = tls

    async def is_right(self, claim: Claim) -> bool:
        """Return whether a password is its user's; raises `OSError` if the store can't say."""
        proof = claim.proof
        if not isinstance(proof, Password):
            return False
        host, port = self._where()
        async with asyncio.timeout(PATIENCE):  # TimeoutError is an OSError
            reader, writer = await asyncio.open_connection(host, port, ssl=self._tls)
            try:
                # RFC 4616 §2: [authzid] NUL authcid NUL passwd
                message = f"{claim.identity}\0{claim.login}\0{proof.password}".encode()
                # RFC 9051 §6.2.2: an initial response.
                writer.write(b"a AUTHENTICATE PLAIN " + base64.b64encode(message) + b"\r\n")
                while (line := await reader.readline()).startswith(b"* "):
                    pass
            finally:
                writer.close()
        if not line.startswith((b"a OK", b"a NO [AUTHENTICATIONFAILED]", b"a NO [AUTHORIZATIONFAILED]")):
            raise ConnectionError(f"the store does not say whether a login is right: {line!r}")
        return line.startswith(b"a OK")
