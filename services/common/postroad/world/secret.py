"""Secrets: how the world file keeps passwords.

A secret is the password itself, or a hash that `postroad password` prints:

- `$scrypt$ln=14,r=8,p=1$salt$hash` (RFC 7914; salt and hash in base64 without padding), as passlib and others write it
- `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey` (`sasl.scram_hash`), by which SCRAM works too, and SCRAM-SHA-1 likewise

Only an account whose secret is plain can log in by CRAM-MD5, APOP and every SCRAM.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re

from postroad.sasl.scram_hash import SALT, Salted, ScramError, ScramHash
from postroad.value import value

SCRYPT_PREFIX = "$scrypt$"
SCRAM_PREFIX = "SCRAM-SHA-"
MAX_MEMORY = 64 * 1024 * 1024  # octets per check of a password
MAX_PARALLELIZATION = 16  # p multiplies the time
MAX_PASSWORD = 1024  # octets; RFC 4616 §2 sets no bound, but a stranger must not choose how many octets are hashed

_SCRYPT = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)\Z")


class SecretError(ValueError):
    """No password can be checked against the secret; the message says why."""


@value
class ScryptHash:
    """A hash with its parameters (RFC 7914 §2): N = 2**log_n, block size r, parallelization p."""

    log_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, secret: str) -> ScryptHash:
        """Read a hash; raises `SecretError`."""
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
        """Give the text that the world file has."""
        return f"{SCRYPT_PREFIX}ln={self.log_n},r={self.r},p={self.p}${_bare(self.salt)}${_bare(self.digest)}"


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _bare(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii").rstrip("=")


def is_scram(secret: str) -> bool:
    """Whether a secret is a hash of SCRAM."""
    return secret.startswith(SCRAM_PREFIX)


def is_plain(secret: str) -> bool:
    """Whether a secret is the password itself."""
    return not secret.startswith((SCRYPT_PREFIX, SCRAM_PREFIX))


def form_of(secret: str) -> str:
    """Return "plain", "scrypt", or the algorithm of a hash of SCRAM: "sha1", "sha256"."""
    if is_scram(secret):
        return ScramHash.parse(secret).algorithm
    return "plain" if is_plain(secret) else "scrypt"


def check_secret(secret: str) -> None:
    """Raise `SecretError` if no client could ever log in with this secret."""
    if secret.startswith(SCRYPT_PREFIX):
        ScryptHash.parse(secret)
    elif is_scram(secret):
        try:
            ScramHash.parse(secret)
        except ScramError as error:
            raise SecretError(str(error)) from None
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


def scram_hash(password: str, algorithm: str = "sha256") -> str:
    """Return the hash of SCRAM for the world file, with a random salt; raises `PrepareError`."""
    return str(ScramHash.derive(password, algorithm, Salted(os.urandom(SALT))))
