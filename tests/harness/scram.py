"""A client of SCRAM (RFC 5802), for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


class ScramClient:
    """One exchange; `header` is the gs2-header, `binding` the channel binding that goes with it."""

    def __init__(
        self, mechanism: str, user: str, password: str, *, nonce: str, header: str = "n,,", binding: bytes = b""
    ) -> None:
        self.hash = HASHES[mechanism.removesuffix("-PLUS")]
        self.password = password
        self.nonce = nonce
        self.header, self.binding = header, binding
        self.bare = f"n={user},r={nonce}"

    @property
    def first(self) -> bytes:
        return (self.header + self.bare).encode()

    def final(self, server_first: bytes) -> bytes:
        """Return the final message, and remember what the server has to prove."""
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        assert fields["r"].startswith(self.nonce)
        salt, iterations = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self.hash)
        stored_key = hashlib.new(self.hash, client_key).digest()
        channel = base64.b64encode(self.header.encode() + self.binding).decode()
        without_proof = f"c={channel},r={fields['r']}"
        message = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        signature = hmac.digest(stored_key, message, self.hash)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self.verifier = b"v=" + base64.b64encode(
            hmac.digest(hmac.digest(salted, b"Server Key", self.hash), message, self.hash)
        )
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()
