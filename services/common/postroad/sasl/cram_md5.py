"""CRAM-MD5 (RFC 2195), for a door that takes any name at its word: the client's proof is not looked at.

The proof is an HMAC over challenge and password, and to look at it the server would have to know the password.
"""

from __future__ import annotations

import re

from postroad.sasl.mechanism import Credentials, MalformedError, text_of

# RFC 2195 §2: user name, space, and a digest of 16 octets in hexadecimal, lower case (capitals are tolerated)
_RESPONSE = re.compile(r"(.*) [0-9a-fA-F]{32}\Z", re.DOTALL)


class CramMd5:
    """One exchange; `challenge` has the form of a message ID, and no other exchange has the same."""

    __slots__ = ("_challenge",)

    def __init__(self, challenge: str) -> None:
        self._challenge = challenge

    def step(self, response: bytes | None) -> bytes | Credentials:
        """Take the user name with the proof; the challenge asks for them."""
        if response is None:
            return self._challenge.encode()
        match = _RESPONSE.match(text_of(response))
        if match is None:
            raise MalformedError("Response is not as CRAM-MD5 wants it")
        return Credentials(match[1], "")
