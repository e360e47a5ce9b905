"""TLS contexts of Postroad's servers, and of the relay as a client, from the files that init made.

RFC 8314 §4.1, updated by RFC 8997: TLS 1.2 is the lowest version. Only its cipher suites with forward secrecy and
authenticated encryption are offered.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CA_FILE = "ca.pem"
CERTIFICATE_FILE = "cert.pem"  # the leaf, then the CA
KEY_FILE = "key.pem"
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; TLS 1.3 has no weaker ones


class TlsError(Exception):
    """The certificate or its key cannot be used; the message says why and what to do."""


def server_context(tls_dir: Path) -> ssl.SSLContext:
    """Return the context of a server, for STARTTLS and for implicit TLS; raises `TlsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # Renegotiation costs the server far more than the client, who could repeat it without end. TLS 1.3 has no
    # renegotiation.
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(tls_dir / CERTIFICATE_FILE, tls_dir / KEY_FILE)
    except OSError as error:  # as ssl.SSLError is
        raise TlsError(f"the certificate in {tls_dir} cannot be used: {error}; run init (postroad init)") from error
    return context


def client_context() -> ssl.SSLContext:
    """Return the context for delivering mail with opportunistic STARTTLS.

    The certificate is not verified. Without DANE or MTA-STS the name of the MX came over plain DNS, and the alternative
    is to send in the clear (RFC 7435 §3). RFC 3207 §4.1 leaves the choice to the client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
