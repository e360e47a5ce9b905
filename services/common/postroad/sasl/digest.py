"""A digest as a proof: what CRAM-MD5 and APOP send, so that the password itself does not cross the network.

To check it the server needs the password itself: an account with a hashed secret cannot be proved so.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from dataclasses import field
from typing import TYPE_CHECKING

from postroad.sasl.saslprep import PrepareError, saslprep
from postroad.value import value
from postroad.world.secret import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.world.world import Account


def cram_md5(challenge: bytes, password: bytes) -> str:
    """Return the digest of CRAM-MD5 (RFC 2195 §2): the keyed MD5 of RFC 2104, the password being the key."""
    return hmac.new(password, challenge, "md5").hexdigest()


def apop(timestamp: bytes, password: bytes) -> str:
    """Return the digest of APOP (RFC 1939 §7): the MD5 of the timestamp, angle brackets and all, and the password."""
    return hashlib.md5(timestamp + password, usedforsecurity=False).hexdigest()


@value
class Digest:
    """A digest of challenge and password, in hexadecimal."""

    algorithm: Callable[[bytes, bytes], str]
    challenge: bytes
    digest: str = field(repr=False)

    def is_quick(self, _account: Account) -> bool:
        """Return True: an MD5 takes no time."""
        return True

    def proves(self, account: Account) -> bool:
        """Whether the digest is that of the account's password.

        RFC 6856 §2.2 wants the password prepared for APOP; many clients take it as it was typed, so both will do.
        """
        if not account.secret or not is_plain(account.secret):
            return False
        passwords = {account.secret}
        with contextlib.suppress(PrepareError):
            passwords.add(saslprep(account.secret))
        right = [self.algorithm(self.challenge, password.encode()) for password in sorted(passwords)]
        return any(hmac.compare_digest(digest.encode(), self.digest.lower().encode()) for digest in right)
