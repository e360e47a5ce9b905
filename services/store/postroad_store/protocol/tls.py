"""The server's side of TLS, as Twisted wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from postroad.tls import CERTIFICATE_FILE, CIPHERS, KEY_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from twisted.internet.interfaces import IAddress
    from twisted.protocols.tls import TLSMemoryBIOProtocol
    from twisted.python.failure import Failure


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The certificate of `tls_dir`, by pyOpenSSL; `postroad.tls` has the versions and ciphers.

    The groups of the key exchange are OpenSSL's defaults: X25519, P-256, P-384 and others. A client of TLS 1.2 has to
    offer P-256, because the certificate's key is on that curve (RFC 8422 §5.1).
    """

    def __init__(self, tls_dir: Path) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(CIPHERS.encode())
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection holds no buffers
        context.use_certificate_chain_file(str(tls_dir / CERTIFICATE_FILE))
        context.use_privatekey_file(str(tls_dir / KEY_FILE))
        context.check_privatekey()
        self._context = context

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: ARG002, N802
        """Return a new server side of a TLS connection (IOpenSSLServerConnectionCreator)."""
        return SSL.Connection(self._context, None)


class TlsFactory(TLSMemoryBIOFactory):
    """Puts TLS under the connections of one port; Twisted's own would wrap the None of a refusal, and hang."""

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted's name
        """Return the protocol of TLS around that of the connection, or None if the connection is refused."""
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)


def handshake_error(reason: Failure) -> Exception | None:
    """Return the error of TLS that ended a connection; None if TLS was not the reason."""
    return reason.value if isinstance(reason.value, SSL.Error) else None
