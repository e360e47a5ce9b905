"""TLS contexts of Postroad's servers, and of the relay as a client, from the files that init made.

RFC 8314 §4.1, updated by RFC 8997: TLS 1.2 is the lowest version. Only its cipher suites with forward secrecy and
authenticated encryption are offered.
"""

from __future__ import annotations

import hashlib
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


def unusable(tls_dir: Path, why: Exception) -> TlsError:
    """Return the error of a folder whose files cannot be used."""
    return TlsError(f"the certificates in {tls_dir} cannot be used: {why}; run init (postroad init)")


def server_context(tls_dir: Path, *, asks: bool = False) -> ssl.SSLContext:
    """Return the context of a server, for STARTTLS and for implicit TLS; raises `TlsError`.

    `asks`: it asks clients for a certificate of the stack's CA. One who has none goes on without; a certificate of
    another CA ends the handshake (RFC 8446 §4.4.2.4 leaves that choice).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # Renegotiation costs the server far more than the client, who could repeat it without end. TLS 1.3 has no
    # renegotiation.
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(tls_dir / CERTIFICATE_FILE, tls_dir / KEY_FILE)
        if asks:
            context.load_verify_locations(tls_dir / CA_FILE)
            context.verify_mode = ssl.CERT_OPTIONAL
    except OSError as error:  # as ssl.SSLError is
        raise unusable(tls_dir, error) from error
    return context


# RFC 5929 §4.1: the hash of the certificate is that of its signature; for MD5 and SHA-1 it is SHA-256. The end of each
# object identifier (RFC 4055 §5, RFC 5758 §3.2), in DER.
_HASHES = {
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a864886f70d010105"): "sha256",
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
}


def end_point(tls_dir: Path) -> bytes | None:
    """Return the channel binding tls-server-end-point (RFC 5929 §4), None if it is not defined; raises `TlsError`."""
    try:
        pem = (tls_dir / CERTIFICATE_FILE).read_text(encoding="ascii")
        start = pem.index(ssl.PEM_HEADER)
        leaf = ssl.PEM_cert_to_DER_cert(pem[start : pem.index(ssl.PEM_FOOTER, start) + len(ssl.PEM_FOOTER)])
    except (OSError, ValueError) as error:
        raise unusable(tls_dir, error) from error
    # RFC 5280 §4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, ...
    _, certificate, _ = _element(leaf)
    _, _, rest = _element(certificate)
    _, algorithm, _ = _element(rest)
    _, identifier, _ = _element(algorithm)
    name = _HASHES.get(identifier)
    return None if name is None else hashlib.new(name, leaf).digest()


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, contents, and what comes after the first element of DER (ITU-T X.690, 8.1)."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]


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
