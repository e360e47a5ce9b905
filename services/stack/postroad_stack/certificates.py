"""The private CA and the certificate of all services: made once, kept, and issued anew when the names change.

Keys are P-256 (RFC 5480). Both certificates follow the profile of RFC 5280 §4 to the letter, since strict verifiers
require it: critical BasicConstraints and KeyUsage, key identifiers on both, names in the SAN (RFC 6125 §6.4.4). The
CA may sign only what `constraints` has.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from postroad.tls import CA_FILE, CERTIFICATE_FILE, KEY_FILE, TlsError
from postroad.value import value
from postroad_stack.constraints import may_sign, name_constraints

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.x509 import Certificate

CA_KEY_FILE = "ca-key.pem"
CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)  # the longest that browsers and mail clients accept
RENEW_BEFORE = timedelta(days=30)
BACKDATED = timedelta(days=1)  # clocks of clients in other containers or machines may be behind

Address = IPv4Address | IPv6Address


@value
class Issued:
    """The result of `ensure`."""

    ca: bool  # a new CA: clients that trusted the old one have to fetch it
    leaf: bool
    outgrown: bool = False  # the CA is new because the old one may not sign a name of the world
    constrained: bool = True  # the CA may sign only names of the world


def ensure(ca_dir: Path, tls_dir: Path, names: Iterable[str], addresses: Iterable[Address], now: datetime) -> Issued:
    """Make missing files: in `ca_dir` a CA, in `tls_dir` a certificate of it for these names and addresses.

    Files that are still good are left alone. Every file appears whole, and after a crash between two files the next
    call makes the rest. The CA's key has a folder of its own that no service needs to see, because clients are asked to
    trust the CA. A CA that may not sign one of the names is replaced, since a client would refuse the certificate.
    Raises `TlsError` if a kept CA cannot be read, rather than replace it.
    """
    wanted = _subject_alternative_name(names, addresses)
    ca = _kept_ca(ca_dir, now)
    outgrown = ca is not None and not may_sign(ca[0], wanted)
    new = ca is None or outgrown
    if ca is None or outgrown:
        ca = _make_ca(ca_dir, wanted, now)
    certificate, key = ca
    if not (tls_dir / CA_FILE).exists() or (tls_dir / CA_FILE).read_bytes() != _pem(certificate):
        _write(tls_dir / CA_FILE, _pem(certificate), 0o644)
    constrained = any(isinstance(extension.value, x509.NameConstraints) for extension in certificate.extensions)
    if not new and _leaf_is_good(tls_dir, certificate, wanted, now):
        return Issued(ca=False, leaf=False, constrained=constrained)
    _make_leaf(tls_dir, certificate, key, wanted, now)
    return Issued(ca=new, leaf=True, outgrown=outgrown, constrained=constrained)


def client_certificate(ca_dir: Path, login: str, now: datetime) -> bytes:
    """Return a key and a certificate for the owner of an account, in PEM: TLS takes it, and EXTERNAL its address.

    Its name is an rfc822Name (RFC 5280 §4.2.1.6), which the CA's name constraints leave free. Raises `TlsError`.
    """
    ca = _kept_ca(ca_dir, now)
    if ca is None:
        raise TlsError(f"there is no CA in {ca_dir}: run postroad init first")
    if not login.isascii():  # RFC 8398: SmtpUTF8Mailbox, which no mail client makes use of
        raise TlsError(f"{login} is not ASCII, and a certificate can't name it")
    names = x509.SubjectAlternativeName([x509.RFC822Name(login)])
    key, certificate = _leaf(ca, login, names, ExtendedKeyUsageOID.CLIENT_AUTH, now)
    return _key_pem(key) + _pem(certificate) + _pem(ca[0])


def publish(ca_dir: Path, trust_dir: Path) -> None:
    """Copy the CA's certificate, and nothing else, to where clients of any user find it."""
    certificate, copy = (ca_dir / CA_FILE).read_bytes(), trust_dir / CA_FILE
    if not copy.exists() or copy.read_bytes() != certificate:
        _write(copy, certificate, 0o644)


def _subject_alternative_name(names: Iterable[str], addresses: Iterable[Address]) -> x509.SubjectAlternativeName:
    entries: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(set(names))]
    entries += [x509.IPAddress(address) for address in sorted(set(addresses), key=lambda ip: (ip.version, int(ip)))]
    return x509.SubjectAlternativeName(entries)


def _kept_ca(ca_dir: Path, now: datetime) -> tuple[Certificate, ec.EllipticCurvePrivateKey] | None:
    """Return the CA that is there, unless it has expired or soon will."""
    certificate_file, key_file = ca_dir / CA_FILE, ca_dir / CA_KEY_FILE
    # The key is written first, so a certificate without a key is a loss, and not the result of a crash.
    if not certificate_file.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
    except (ValueError, TypeError):  # TypeError: the key has a password
        why = f"{CA_FILE} or {CA_KEY_FILE} is damaged"
    else:
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key():
            return (certificate, key) if now < certificate.not_valid_after_utc - RENEW_BEFORE else None
        why = f"{CA_KEY_FILE} is not the key of {CA_FILE}"
    raise TlsError(
        f"the CA in {ca_dir} cannot be used: {why}. Put back the old files, or remove the folder (in containers the "
        "volume ca) to have a new CA made, which clients then have to fetch"
    )


def _leaf_is_good(tls_dir: Path, ca: Certificate, wanted: x509.SubjectAlternativeName, now: datetime) -> bool:
    try:
        leaf, _ = x509.load_pem_x509_certificates((tls_dir / CERTIFICATE_FILE).read_bytes())
        key = serialization.load_pem_private_key((tls_dir / KEY_FILE).read_bytes(), None)
        leaf.verify_directly_issued_by(ca)
        has = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        key.public_key() == leaf.public_key()
        and has == wanted
        and leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - RENEW_BEFORE
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Postroad"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now - BACKDATED + life)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    # RFC 5280 §4.2.1.3: a CA signs certificates and CRLs; an ECDSA server signs its handshakes
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _make_ca(
    ca_dir: Path, wanted: x509.SubjectAlternativeName, now: datetime
) -> tuple[Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # Two CAs with one name but different keys would confuse clients that keep both, so each has a name of its own.
    subject = _name(f"Postroad CA {os.urandom(4).hex()}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(subject, subject, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    constraints = name_constraints(wanted)
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    (ca_dir / CA_FILE).unlink(missing_ok=True)  # an old one would not match the new key, if we crashed in between
    _write(ca_dir / CA_KEY_FILE, _key_pem(key), 0o600)
    _write(ca_dir / CA_FILE, _pem(certificate), 0o644)
    return certificate, key


def _make_leaf(
    tls_dir: Path,
    ca: Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    names: x509.SubjectAlternativeName,
    now: datetime,
) -> None:
    key, certificate = _leaf((ca, ca_key), "Postroad services", names, ExtendedKeyUsageOID.SERVER_AUTH, now)
    _write(tls_dir / KEY_FILE, _key_pem(key), 0o600)
    _write(tls_dir / CERTIFICATE_FILE, _pem(certificate) + _pem(ca), 0o644)


def _leaf(
    issuing: tuple[Certificate, ec.EllipticCurvePrivateKey],
    common_name: str,
    names: x509.SubjectAlternativeName,
    usage: x509.ObjectIdentifier,
    now: datetime,
) -> tuple[ec.EllipticCurvePrivateKey, Certificate]:
    ca, ca_key = issuing
    key = ec.generate_private_key(ec.SECP256R1())
    ca_identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_identifier)
    life = min(LEAF_LIFE, ca.not_valid_after_utc - now + BACKDATED)  # no leaf outlives its CA
    certificate = (
        _builder(_name(common_name), ca.subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return key, certificate


def _pem(certificate: Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, octets: bytes, mode: int) -> None:
    """Replace a file as a whole: readers see the old one or the new one, also after a crash."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 - the name is mkstemp's
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - likewise
        raise
