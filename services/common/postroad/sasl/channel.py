"""The channel that an exchange runs in: what TLS, if there is any, knows of it.

Channel bindings (RFC 5056) are octets that both ends of one TLS connection know, and nobody between them:

- `tls-exporter` (RFC 9266): keying material of TLS 1.3
- `tls-unique` (RFC 5929 §3): the first Finished message of the handshake, of TLS 1.2
- `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPORTER, UNIQUE, END_POINT = "tls-exporter", "tls-unique", "tls-server-end-point"
EXPORTER_LABEL, EXPORTER_LENGTH = b"EXPORTER-Channel-Binding", 32  # RFC 9266 §2


class Channel:
    """A channel in plaintext."""

    __slots__ = ()

    @property
    def secure(self) -> bool:
        """Whether TLS is in use."""
        return False

    @property
    def logins(self) -> tuple[str, ...]:
        """The login names of the client's certificate, which TLS has verified."""
        return ()

    @property
    def binds(self) -> bool:
        """Whether the binding that clients take by default can be had (RFC 9266 §3, RFC 5802 §6.1)."""
        return False

    def binding(self, kind: str) -> bytes | None:  # noqa: ARG002 - there is none
        """Return the channel binding of this type, None if it can't be had."""
        return None


PLAINTEXT = Channel()


class Encrypted(Channel):
    """A channel inside TLS. `bindings` are those that can be had, by their types."""

    __slots__ = ("_bindings", "_logins")

    def __init__(self, bindings: Mapping[str, bytes], logins: tuple[str, ...] = ()) -> None:
        self._bindings = bindings
        self._logins = logins

    @property
    def secure(self) -> bool:
        """Whether TLS is in use."""
        return True

    @property
    def logins(self) -> tuple[str, ...]:
        """The login names of the client's certificate."""
        return self._logins

    @property
    def binds(self) -> bool:
        """Whether the binding that clients take by default can be had."""
        return EXPORTER in self._bindings or UNIQUE in self._bindings

    def binding(self, kind: str) -> bytes | None:
        """Return the channel binding of this type."""
        return self._bindings.get(kind)
