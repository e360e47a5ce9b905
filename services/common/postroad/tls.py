"""TLS: the contexts of Postroad's servers, and of the relay as a client, on the files that init made.

Versions follow RFC 8314 §4.1 as RFC 8997 has updated it: TLS 1.2 is the least; and of its cipher suites only those
with forward secrecy and authenticated encryption.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CA_FILE = "ca.pem"
CERTIFICATE_FILE = "cert.pem"  # the leaf, then the CA
KEY_FILE = "key.pem"
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of 1.3 are all good


class TlsError(Exception):
    """The certificate or its key cannot be used; the message says why and what to do."""


def server_context(tls_dir: Path) -> ssl.SSLContext:
    """Return the context that a server offers STARTTLS and TLS with; raises `TlsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # A client that renegotiates without end costs the server far more than itself; TLS 1.3 has done away with it.
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(tls_dir / CERTIFICATE_FILE, tls_dir / KEY_FILE)
    except OSError as error:  # as ssl.SSLError is
        raise TlsError(
            f"no certificate can be had from {tls_dir}: {error}; run init (python -m postroad_stack.init)"
        ) from error
    return context


def client_context() -> ssl.SSLContext:
    """Return the context for delivering mail with opportunistic STARTTLS.

    The certificate is not verified: without DANE or MTA-STS the MX's name came over plain DNS, and the other
    choice is to send in the clear (RFC 7435 §3; RFC 3207 §4.1 leaves it to the client).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
