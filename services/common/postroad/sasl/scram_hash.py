"""What a server keeps of a password for SCRAM (RFC 5802 §3): it can check a client's proof, and can't log in with it.

The text form is that of RFC 5803 §2, which PostgreSQL has too:
`SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the octets in BASE64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import field

from postroad.sasl.saslprep import PrepareError, saslprep
from postroad.value import value

ALGORITHMS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}  # RFC 5802 §4, RFC 7677 §3: hashlib's names
ITERATIONS = 4096  # RFC 7677 §4: at least 4,096
MAX_ITERATIONS = 1_000_000  # half a second
SALT = 16  # octets
_HASH = re.compile(r"(SCRAM-SHA-1|SCRAM-SHA-256)\$(\d{1,8}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)\Z")


class ScramError(ValueError):
    """The text is no hash of SCRAM; the message says why."""


@value
class Salted:
    """What the server tells the client before it proves anything."""

    salt: bytes
    iterations: int = ITERATIONS


@value
class ScramHash:
    """The keys of RFC 5802 §3, with what they were made with; `algorithm` is that of hashlib."""

    algorithm: str
    salted: Salted
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> ScramHash:
        """Read a hash; raises `ScramError`."""
        match = _HASH.match(text)
        if match is None:
            raise ScramError("a SCRAM hash is SCRAM-SHA-256$4096:salt$StoredKey:ServerKey, the last three in base64")
        try:
            salt, stored_key, server_key = (base64.b64decode(part, validate=True) for part in match.groups()[2:])
        except ValueError:
            raise ScramError("the salt or a key of the SCRAM hash is not base64") from None
        algorithm, iterations = ALGORITHMS[match[1]], int(match[2])
        if not ITERATIONS <= iterations <= MAX_ITERATIONS:
            raise ScramError(f"the iterations of a SCRAM hash are {ITERATIONS} to {MAX_ITERATIONS}")
        if not len(stored_key) == len(server_key) == hashlib.new(algorithm).digest_size:
            raise ScramError(f"the keys of {match[1]} have {hashlib.new(algorithm).digest_size} octets each")
        return cls(algorithm, Salted(salt, iterations), stored_key, server_key)

    @classmethod
    def derive(cls, password: str, algorithm: str, salted: Salted) -> ScramHash:
        """Work out the keys of a password; raises `PrepareError` for one that SASLprep refuses."""
        # RFC 5802 §3: SaltedPassword := Hi(Normalize(password), salt, i)
        key = hashlib.pbkdf2_hmac(algorithm, saslprep(password).encode(), salted.salt, salted.iterations)
        client_key = hmac.digest(key, b"Client Key", algorithm)
        stored_key = hashlib.new(algorithm, client_key).digest()
        return cls(algorithm, salted, stored_key, hmac.digest(key, b"Server Key", algorithm))

    def matches(self, password: str) -> bool:
        """Whether the password has this hash."""
        try:
            other = ScramHash.derive(password, self.algorithm, self.salted)
        except PrepareError:
            return False
        return hmac.compare_digest(other.stored_key, self.stored_key)

    def is_proved_by(self, proof: bytes, message: bytes) -> bool:
        """Whether the ClientProof for the AuthMessage is one of who knows the password (RFC 5802 §3)."""
        signature = hmac.digest(self.stored_key, message, self.algorithm)
        if len(proof) != len(signature):
            return False
        client_key = bytes(ours ^ theirs for ours, theirs in zip(signature, proof, strict=True))
        return hmac.compare_digest(hashlib.new(self.algorithm, client_key).digest(), self.stored_key)

    def signature(self, message: bytes) -> bytes:
        """Return the ServerSignature, by which the client knows that we have its keys (RFC 5802 §3)."""
        return hmac.digest(self.server_key, message, self.algorithm)

    def __str__(self) -> str:
        """Give the text that the world file has."""
        name = next(name for name, algorithm in ALGORITHMS.items() if algorithm == self.algorithm)
        salt, stored, server = (
            base64.b64encode(octets).decode("ascii") for octets in (self.salted.salt, self.stored_key, self.server_key)
        )
        return f"{name}${self.salted.iterations}:{salt}${stored}:{server}"
