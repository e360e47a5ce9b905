"""SASL and TLS: what each of the two TLS stacks gives, with real handshakes in memory; certificates of clients."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import ssl
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest
from OpenSSL import SSL

from postroad.mail.address import login_of
from postroad.sasl.channel import END_POINT, EXPORTER, PLAINTEXT, UNIQUE, Channel
from postroad.smtp.server.channel import channel_of
from postroad.tls import CERTIFICATE_FILE, TlsError, end_point, server_context
from postroad_stack.certificates import client_certificate, ensure
from postroad_store.protocol.tls import ServerTls

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)
BINDINGS = (EXPORTER, UNIQUE, END_POINT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "tls", "other"):
        (folder / name).mkdir()
    ensure(folder / "ca", folder / "tls", ["mx.test"], [IPv4Address("127.0.0.1")], NOW)
    (folder / "alice.pem").write_bytes(client_certificate(folder / "ca", "alice@alpha.test", NOW))
    ensure(folder / "other", folder / "other", ["mx.test"], [], NOW)
    (folder / "foreign.pem").write_bytes(client_certificate(folder / "other", "alice@alpha.test", NOW))
    return folder


def client(folder: Path, version: ssl.TLSVersion, certificate: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    context.minimum_version = context.maximum_version = version
    if certificate is not None:
        context.load_cert_chain(folder / certificate)
    return context


class Pipe:
    """A client of Python's `ssl` in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="mx.test")

    def turn(self) -> bytes:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()


def by_ssl(folder: Path, context: ssl.SSLContext, *, asks: bool = True) -> tuple[Channel, Pipe]:
    pipe = Pipe(context)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context(folder / "tls", asks=asks).wrap_bio(incoming, outgoing, server_side=True)
    for _ in range(4):
        incoming.write(pipe.turn())
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
        pipe.incoming.write(outgoing.read())
    return channel_of(server, end_point(folder / "tls")), pipe


class Transport:
    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def getHandle(self) -> Any:  # noqa: N802
        return self._handle


def by_openssl(folder: Path, context: ssl.SSLContext, *, asks: bool = True) -> tuple[Channel, Pipe]:
    pipe = Pipe(context)
    tls = ServerTls(folder / "tls", asks=asks)
    server = tls.serverConnectionForTLS(None)  # type: ignore[arg-type]
    server.set_accept_state()
    for _ in range(4):
        octets = pipe.turn()
        if octets:
            server.bio_write(octets)
        with contextlib.suppress(SSL.WantReadError):
            server.do_handshake()
        with contextlib.suppress(SSL.WantReadError):
            pipe.incoming.write(server.bio_read(65536))
    return tls.channel(Transport(server)), pipe


SIDES = pytest.mark.parametrize("side", [by_ssl, by_openssl], ids=["ssl", "openssl"])
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_bindings_of_the_store(folder: Path, version: ssl.TLSVersion) -> None:
    channel, pipe = by_openssl(folder, client(folder, version, None))
    assert channel.secure
    assert channel.binds
    assert channel.logins == ()
    assert channel.binding(END_POINT) == end_point(folder / "tls")
    if version is ssl.TLSVersion.TLSv1_2:
        assert channel.binding(UNIQUE) == pipe.tls.get_channel_binding("tls-unique")
        assert channel.binding(EXPORTER) is None
    else:
        assert len(channel.binding(EXPORTER) or b"") == 32
        assert channel.binding(UNIQUE) is None


@VERSIONS
def test_bindings_of_the_relay(folder: Path, version: ssl.TLSVersion) -> None:
    channel, pipe = by_ssl(folder, client(folder, version, None))
    assert channel.secure
    if version is ssl.TLSVersion.TLSv1_2:
        assert channel.binds
        assert channel.binding(UNIQUE) == pipe.tls.get_channel_binding("tls-unique")
        assert channel.binding(END_POINT) == end_point(folder / "tls")
    else:
        assert not channel.binds
        assert [channel.binding(kind) for kind in BINDINGS] == [None] * 3


@SIDES
@VERSIONS
def test_a_certificate_of_the_stack(folder: Path, side: Any, version: ssl.TLSVersion) -> None:
    channel, _ = side(folder, client(folder, version, "alice.pem"))
    assert channel.logins == ("alice@alpha.test",)
    channel, _ = side(folder, client(folder, version, "alice.pem"), asks=False)
    assert channel.logins == ()


@SIDES
@pytest.mark.parametrize("certificate", ["foreign.pem", "tls/cert.pem"])  # that of a server is for no client
def test_other_certificates_end_the_handshake(folder: Path, side: Any, certificate: str, tmp_path: Path) -> None:
    if certificate.startswith("tls"):
        both = tmp_path / "both.pem"
        both.write_bytes((folder / certificate).read_bytes() + (folder / "tls" / "key.pem").read_bytes())
        certificate = str(both)
    with pytest.raises((ssl.SSLError, SSL.Error)):
        side(folder, client(folder, ssl.TLSVersion.TLSv1_2, certificate))


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
@pytest.mark.parametrize("make", [server_context, ServerTls])
def test_files_that_are_damaged_are_told_with_what_to_do(folder: Path, tmp_path: Path, name: str, make: Any) -> None:
    damaged = shutil.copytree(folder / "tls", tmp_path / "tls")
    (damaged / name).write_bytes(b"rubbish")
    with pytest.raises(TlsError, match=f"the certificates in {damaged} cannot be used: .*; run init"):
        make(damaged, asks=True)


def test_plaintext(folder: Path) -> None:
    assert channel_of(None, None) is PLAINTEXT
    assert ServerTls(folder / "tls").channel(Transport(7)) is PLAINTEXT


def test_the_end_point_is_the_hash_of_the_certificate(folder: Path, tmp_path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    keys: list[tuple[Any, Any, str | None]] = [
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), "sha384"),
        (rsa.generate_private_key(65537, 2048), hashes.SHA256(), "sha256"),
        (rsa.generate_private_key(65537, 2048), hashes.SHA512(), "sha512"),
        (ed25519.Ed25519PrivateKey.generate(), None, None),  # RFC 5929 §4.1: not defined
    ]
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.test")])
    for key, algorithm, expected in keys:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(NOW)
            .not_valid_after(NOW + dt.timedelta(days=1))
            .sign(key, algorithm)
        )
        (tmp_path / CERTIFICATE_FILE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        wanted = None if expected is None else certificate.fingerprint(algorithm)
        assert end_point(tmp_path) == wanted
    (tmp_path / CERTIFICATE_FILE).write_text("nothing")
    with pytest.raises(TlsError, match="run init"):
        end_point(tmp_path)


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("Alice@Alpha.TEST", "alice@alpha.test"),
        ("alice", None),
        ("alice@[127.0.0.1]", None),
        ("alice@münchen.test", "alice@xn--mnchen-3ya.test"),
    ],
)
def test_login_of(text: str, login: str | None) -> None:
    assert login_of(text) == login
