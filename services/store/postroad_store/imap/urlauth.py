"""The tokens of authorized URLs (RFC 4467 §2.4.1, §5, §6): INTERNAL is HMAC-SHA-256 with the mailbox's key.

A token begins with the number of its algorithm, so that another one can be told apart later (RFC 4467 §2.4.1).
"""

from __future__ import annotations

import hashlib
import hmac

MECHANISM = "INTERNAL"
_ALGORITHM = "01"


def token_of(rump: str, key: bytes) -> str:
    """Return the token for a URL that ends with its access identifier."""
    return _ALGORITHM + hmac.new(key, rump.encode("ascii"), hashlib.sha256).hexdigest()


def is_valid(rump: str, key: bytes, token: str) -> bool:
    """Return True if the token is the URL's; it takes as long whether or not it is."""
    return hmac.compare_digest(token_of(rump, key), token)
