"""The server's side of TLS, as Twisted wants it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from postroad.mail.address import login_of
from postroad.sasl.channel import (
    END_POINT,
    EXPORTER,
    EXPORTER_LABEL,
    EXPORTER_LENGTH,
    PLAINTEXT,
    UNIQUE,
    Channel,
    Encrypted,
)
from postroad.tls import CA_FILE, CERTIFICATE_FILE, CIPHERS, KEY_FILE, end_point, unusable

if TYPE_CHECKING:
    from pathlib import Path

    from twisted.internet.interfaces import IAddress
    from twisted.protocols.tls import TLSMemoryBIOProtocol
    from twisted.python.failure import Failure


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The certificate of `tls_dir`, by pyOpenSSL; `postroad.tls` has the versions and ciphers.

    The groups of the key exchange are OpenSSL's defaults: X25519, P-256, P-384 and others. A client of TLS 1.2 has to
    offer P-256, because the certificate's key is on that curve (RFC 8422 §5.1). `asks`: clients are asked for a
    certificate of the stack's CA. Raises `TlsError`.
    """

    def __init__(self, tls_dir: Path, *, asks: bool = False) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(CIPHERS.encode())
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection holds no buffers
        try:
            context.use_certificate_chain_file(str(tls_dir / CERTIFICATE_FILE))
            context.use_privatekey_file(str(tls_dir / KEY_FILE))
            context.check_privatekey()
            if asks:
                # A client who has no certificate goes on without; one of another CA ends the handshake.
                context.load_verify_locations(str(tls_dir / CA_FILE))
                context.load_client_ca(str(tls_dir / CA_FILE).encode())
                context.set_verify(SSL.VERIFY_PEER)
        except SSL.Error as error:
            raise unusable(tls_dir, error) from error
        # No session is resumed: a resumed one has no certificate of the client, and tls-unique is another message.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_alpn_select_callback(_choose)
        self._end_point = end_point(tls_dir)
        self._context = context
        self._speaks = b""

    def speaking(self, protocol: str) -> ServerTls:
        """Return the same for a service whose protocol has this name in the registry of ALPN (RFC 7301 §6)."""
        other = copy(self)
        other._speaks = protocol.encode("ascii")  # noqa: SLF001 - its own kind
        return other

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: ARG002, N802
        """Return a new server side of a TLS connection (IOpenSSLServerConnectionCreator)."""
        connection = _Connection(self._context, None)
        connection.speaks = self._speaks
        return connection

    def channel(self, transport: Any) -> Channel:
        """Return what SASL may know of a connection's TLS, once its handshake is over."""
        connection = transport.getHandle()
        if not isinstance(connection, SSL.Connection):
            return PLAINTEXT
        bindings = {} if self._end_point is None else {END_POINT: self._end_point}
        if connection.get_protocol_version() >= SSL.TLS1_3_VERSION:
            bindings[EXPORTER] = connection.export_keying_material(EXPORTER_LABEL, EXPORTER_LENGTH)
        elif (finished := connection.get_peer_finished()) is not None:
            bindings[UNIQUE] = finished  # RFC 5929 §3.1: the first one, which is the client's: no session is resumed
        return Encrypted(bindings, _logins(connection.get_peer_certificate(as_cryptography=True)))


class _Connection(SSL.Connection):
    """A connection that knows its service's protocol; Twisted takes pyOpenSSL's own place for such things."""

    speaks = b""


def _choose(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    """Choose the protocol of a service among those that a client offers; raises `SSL.Error` if it is not there.

    RFC 7301 §3.2: then the alert is no_application_protocol. A browser cannot be led to a mail port so.
    """
    speaks = connection.speaks if isinstance(connection, _Connection) else b""
    if speaks not in offered:
        raise SSL.Error([("SSL routines", "", "no application protocol")])
    return speaks


def _logins(certificate: x509.Certificate | None) -> tuple[str, ...]:
    """Return the login names of a client's certificate, which TLS has verified."""
    if certificate is None:
        return ()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    logins = map(login_of, names.get_values_for_type(x509.RFC822Name))
    return tuple(login for login in logins if login is not None)


class TlsFactory(TLSMemoryBIOFactory):
    """Puts TLS under the connections of one port; Twisted's own would wrap the None of a refusal, and hang."""

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted's name
        """Return the protocol of TLS around that of the connection, or None if the connection is refused."""
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)


def handshake_error(reason: Failure) -> Exception | None:
    """Return the error of TLS that ended a connection; None if TLS was not the reason."""
    return reason.value if isinstance(reason.value, SSL.Error) else None
