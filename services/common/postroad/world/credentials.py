"""Passwords: how the world file keeps them, and how one that a client sends is checked.

A secret of the world is the password itself, or `$scrypt$ln=14,r=8,p=1$salt$hash` (RFC 7914; salt and hash in
base64 without padding), as `postroad password` prints it and as passlib and others write it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections import OrderedDict
from dataclasses import dataclass

SCRYPT_PREFIX = "$scrypt$"
MAX_MEMORY = 64 * 1024 * 1024  # octets that checking one password may take
MAX_PARALLELIZATION = 16  # p multiplies the time
MAX_PASSWORD = 1024  # octets; RFC 4616 §2 sets no bound, and a stranger must not choose how much is hashed

_SCRYPT = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)\Z")


class SecretError(ValueError):
    """The secret is none that a password could be checked against; the message says why."""


@dataclass(frozen=True, slots=True)
class ScryptHash:
    """A hash with its parameters (RFC 7914 §2): N = 2**log_n, block size r, parallelization p."""

    log_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, secret: str) -> ScryptHash:
        """Return the hash that the text is; raises `SecretError`."""
        match = _SCRYPT.match(secret)
        if match is None:
            raise SecretError("a scrypt hash is $scrypt$ln=14,r=8,p=1$salt$hash, salt and hash in base64")
        log_n, r, p = int(match[1]), int(match[2]), int(match[3])
        try:
            salt, digest = _unpadded(match[4]), _unpadded(match[5])
        except binascii.Error:
            raise SecretError("the salt or the hash of the scrypt hash is not base64") from None
        if min(log_n, r, p) < 1 or p > MAX_PARALLELIZATION:
            raise SecretError(f"ln and r of a scrypt hash are at least 1, and p is 1 to {MAX_PARALLELIZATION}")
        if 128 * r * ((1 << log_n) + p) > MAX_MEMORY:  # RFC 7914 §2: 128 * r * N octets for V, 128 * r * p for B
            raise SecretError(f"this scrypt hash takes over {MAX_MEMORY >> 20} MiB to check: choose a smaller ln or r")
        if len(digest) < 16:
            raise SecretError("the hash of the scrypt hash is shorter than 16 octets")
        return cls(log_n, r, p, salt, digest)

    def matches(self, password: str) -> bool:
        """Whether the password has this hash."""
        derived = hashlib.scrypt(
            password.encode(),
            salt=self.salt,
            n=1 << self.log_n,
            r=self.r,
            p=self.p,
            maxmem=2 * MAX_MEMORY,
            dklen=len(self.digest),
        )
        return hmac.compare_digest(derived, self.digest)

    def __str__(self) -> str:
        """Give the text that stands in the world file."""
        return f"{SCRYPT_PREFIX}ln={self.log_n},r={self.r},p={self.p}${_bare(self.salt)}${_bare(self.digest)}"


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _bare(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii").rstrip("=")


def check_secret(secret: str) -> None:
    """Raise `SecretError` where no client could ever log in with this secret."""
    if secret.startswith(SCRYPT_PREFIX):
        ScryptHash.parse(secret)
    elif not secret:
        raise SecretError("the password is empty")  # RFC 4616 §2: passwd = 1*SAFE
    elif "\0" in secret:
        raise SecretError("the password has a NUL in it")  # RFC 4616 §2: SAFE is any character except NUL
    elif len(secret.encode()) > MAX_PASSWORD:
        raise SecretError(f"the password is over {MAX_PASSWORD} octets")


def hash_password(password: str, *, salt: bytes | None = None) -> str:
    """Return the scrypt hash of the password for the world file, with a random salt unless one is given."""
    salt = os.urandom(16) if salt is None else salt
    digest = hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1, maxmem=2 * MAX_MEMORY, dklen=32)
    return str(ScryptHash(14, 8, 1, salt, digest))


class _Proven:
    """Which (secret, password) pairs were found right, so that a session's login costs scrypt only once.

    Keyed by a MAC under a key of this process, so that neither passwords nor fast hashes of them that are of
    use elsewhere stay in memory. Wrong passwords are not remembered: guessing stays slow.
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
    """Whether `verify` answers at once; else it takes tens of milliseconds and belongs in a thread."""
    return not secret.startswith(SCRYPT_PREFIX) or _proven.knows(secret, password)


def verify(secret: str, password: str) -> bool:
    """Whether the password is the one that the secret, plain or a scrypt hash, stands for.

    Plain secrets are compared in constant time. A right password's scrypt is worked out once a process.
    """
    if len(password) > MAX_PASSWORD:
        return False
    try:
        if not secret.startswith(SCRYPT_PREFIX):
            return hmac.compare_digest(secret.encode(), password.encode())
        if _proven.knows(secret, password):
            return True
        if not ScryptHash.parse(secret).matches(password):
            return False
    except (SecretError, UnicodeEncodeError):  # a lone surrogate has no octets
        return False
    _proven.add(secret, password)
    return True
