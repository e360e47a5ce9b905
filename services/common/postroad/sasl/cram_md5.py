"""CRAM-MD5 (RFC 2195): the client proves that it knows the password by a keyed digest of the server's challenge."""

from __future__ import annotations

import re

from postroad.sasl.digest import Digest, cram_md5
from postroad.sasl.mechanism import Claim, Exchange, MalformedError, UnaskedError, text_of
from postroad.sasl.offer import Mechanism, plain_secrets

# RFC 2195 §2: user name, space, and a digest of 16 octets in hexadecimal, lower case (capitals are tolerated)
_RESPONSE = re.compile(r"(.*) ([0-9a-fA-F]{32})\Z", re.DOTALL)


class CramMd5(Exchange):
    """One exchange; `challenge` has the form of a message ID, and no other exchange has the same."""

    __slots__ = ("_challenge", "_challenged")

    def __init__(self, challenge: str) -> None:
        self._challenge = challenge.encode()
        self._challenged = False

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take the user name with the proof; the challenge asks for them."""
        if response is None:
            self._challenged = True
            return self._challenge
        # RFC 4954 §4, RFC 5034 §4: no initial response in a mechanism in which the server speaks first
        if not self._challenged:
            raise UnaskedError("CRAM-MD5 takes no initial response")
        match = _RESPONSE.match(text_of(response))
        if match is None:
            raise MalformedError("Response is not as CRAM-MD5 wants it")
        return Claim("CRAM-MD5", match[1], Digest(cram_md5, self._challenge, match[2]))


CRAM_MD5 = Mechanism("CRAM-MD5", "RFC 2195", lambda context: CramMd5(context.unique), plain_secrets)
UNCHECKED_CRAM_MD5 = Mechanism("CRAM-MD5", "RFC 2195", lambda context: CramMd5(context.unique))
