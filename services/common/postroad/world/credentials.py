"""Credentials: whether a password that a client sends is the right one.

The hash of a right password is computed once per process.
"""

from __future__ import annotations

import hmac
import os
from collections import OrderedDict

from postroad.sasl.saslprep import PrepareError, saslprep
from postroad.sasl.scram_hash import ScramHash
from postroad.world.secret import MAX_PASSWORD, ScryptHash, SecretError, is_plain, is_scram


class _Proven:
    """Remembers which (secret, password) pairs are right, so that later logins don't cost a hash.

    The key of a pair is a MAC under a key of this process, so that memory holds neither passwords nor fast hashes
    that would be of use elsewhere. Wrong passwords are not remembered, so guessing stays slow.
    """

    def __init__(self, limit: int = 1024) -> None:
        self._key = os.urandom(32)
        self._limit = limit
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def _mac(self, secret: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{len(secret)}:{secret}{password}".encode(), "sha256")

    def knows(self, secret: str, password: str) -> bool:
        mac = self._mac(secret, password)
        if mac not in self._seen:
            return False
        self._seen.move_to_end(mac)
        return True

    def add(self, secret: str, password: str) -> None:
        self._seen[self._mac(secret, password)] = None
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)


_proven = _Proven()


def is_quick(secret: str, password: str) -> bool:
    """Whether `verify` answers at once; otherwise it takes tens of milliseconds and belongs in a thread."""
    return is_plain(secret) or _proven.knows(secret, password)


def verify(secret: str, password: str) -> bool:
    """Return True if the password is right, as it came or prepared by SASLprep (RFC 4616 §2); `secret` has the forms.

    Plain secrets are compared in constant time.
    """
    if len(password) > MAX_PASSWORD:
        return False
    return _verify(secret, password) or (not password.isascii() and _verify_prepared(secret, password))


def _verify_prepared(secret: str, password: str) -> bool:
    try:
        prepared = saslprep(password)
        secret = saslprep(secret) if is_plain(secret) else secret
    except PrepareError:
        return False
    return _verify(secret, prepared)


def _verify(secret: str, password: str) -> bool:
    try:
        if is_plain(secret):
            return hmac.compare_digest(secret.encode(), password.encode())
        if _proven.knows(secret, password):
            return True
        hashed = ScramHash.parse(secret) if is_scram(secret) else ScryptHash.parse(secret)
        if not hashed.matches(password):
            return False
    except (SecretError, UnicodeEncodeError):  # a lone surrogate has no octets
        return False
    _proven.add(secret, password)
    return True
