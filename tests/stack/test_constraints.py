"""What the CA may sign, as OpenSSL, GnuTLS and NSS see it, and what becomes of it when the world grows."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_network
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from postroad_stack import certificates
from postroad_stack.certificates import Issued, ensure
from postroad_stack.constraints import MOST_DOMAINS, name_constraints
from tests.harness.needs import require_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ("localhost", "store", "mx.postroad.test", "postroad.test", "*.postroad.test", "real.org", "*.real.org")
LOOPBACK = (IPv4Address("127.0.0.1"), IPv4Address("172.31.25.143"))
NOW = datetime.now(UTC)


def constraints_of(folder: Path) -> x509.Extension[x509.NameConstraints]:
    certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    return certificate.extensions.get_extension_for_class(x509.NameConstraints)


def values(names: list[x509.GeneralName] | None) -> list[str]:
    return [str(name.value) for name in names or ()]


def test_the_ca_may_sign_the_world_and_what_is_nobody_s(tmp_path: Path) -> None:
    assert ensure(tmp_path, tmp_path, NAMES, [*LOOPBACK, IPv4Address("192.0.2.1")], NOW) == Issued(ca=True, leaf=True)
    extension = constraints_of(tmp_path)
    assert extension.critical  # RFC 5280 §4.2.1.10
    assert values(extension.value.permitted_subtrees) == [
        *("example", "localhost", "test", "real.org", "store"),
        *(
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "::1/128",
            "fc00::/7",
            "192.0.2.1/32",
        ),
    ]
    # The container, and not the top-level domain of its name.
    assert values(extension.value.excluded_subtrees) == [".store"]


@pytest.mark.parametrize(
    ("names", "address", "outgrown"),
    [
        (("new.test", "*.new.test", "a.b.example"), "127.0.0.9", False),
        (("mx.real.org", "a.real.org", "*.a.real.org"), "192.168.1.1", False),
        (("other.org", "*.other.org"), "127.0.0.1", True),
        (("org",), "127.0.0.1", True),
        (("shop.store", "*.shop.store"), "127.0.0.1", True),
        (("localhost",), "8.8.8.8", True),
    ],
)
def test_a_world_that_outgrows_its_ca_gets_a_new_one(
    tmp_path: Path, names: tuple[str, ...], address: str, outgrown: bool
) -> None:
    ensure(tmp_path, tmp_path, NAMES, LOOPBACK, NOW)
    ca = (tmp_path / "ca.pem").read_bytes()
    addresses = [*LOOPBACK, IPv4Address(address)]
    assert ensure(tmp_path, tmp_path, [*NAMES, *names], addresses, NOW) == Issued(outgrown, True, outgrown)
    assert ((tmp_path / "ca.pem").read_bytes() != ca) is outgrown
    assert verified_by_openssl(tmp_path / "ca.pem", tmp_path / "cert.pem")
    assert ensure(tmp_path, tmp_path, [*NAMES, *names], addresses, NOW) == Issued(ca=False, leaf=False)
    # What leaves the world does not change the CA.
    assert ensure(tmp_path, tmp_path, NAMES, LOOPBACK, NOW) == Issued(ca=False, leaf=True)


def test_a_world_of_very_many_real_domains_has_no_constraints(tmp_path: Path) -> None:
    names = [f"{number}.org" for number in range(MOST_DOMAINS + 1)]
    assert ensure(tmp_path, tmp_path, names[1:], LOOPBACK, NOW).constrained
    assert ensure(tmp_path, tmp_path, names, LOOPBACK, NOW) == Issued(True, True, True, False)
    assert ensure(tmp_path, tmp_path, names, LOOPBACK, NOW) == Issued(ca=False, leaf=False, constrained=False)
    # Domains below reserved names, and domains within domains, don't count.
    many = [f"{number}.test" for number in range(500)] + [f"{number}.real.org" for number in range(500)]
    wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in [*many, "real.org"]])
    assert name_constraints(wanted) is not None


def test_a_ca_without_constraints_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(certificates, "name_constraints", lambda _wanted: None)
        ensure(tmp_path, tmp_path, NAMES, LOOPBACK, NOW)
    assert ensure(tmp_path, tmp_path, [*NAMES, "other.org"], LOOPBACK, NOW) == Issued(False, True, False, False)


def test_a_crash_between_new_key_and_new_certificate_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(tmp_path, tmp_path, NAMES, LOOPBACK, NOW)
    write = certificates._write

    def crash(path: Path, octets: bytes, mode: int) -> None:
        if path.name == "ca.pem":
            raise OSError(5, "Input/output error")
        write(path, octets, mode)

    with monkeypatch.context() as patched:
        patched.setattr(certificates, "_write", crash)
        with pytest.raises(OSError, match="Input/output"):
            ensure(tmp_path, tmp_path, [*NAMES, "other.org"], LOOPBACK, NOW)
    assert ensure(tmp_path, tmp_path, [*NAMES, "other.org"], LOOPBACK, NOW) == Issued(ca=True, leaf=True)


# As verifiers see it


def verified_by_openssl(ca: Path, leaf: Path) -> bool:
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(ca), str(leaf)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def verified_by_gnutls(ca: Path, leaf: Path) -> bool:
    chain = leaf.with_suffix(".chain")
    chain.write_bytes(leaf.read_bytes() + ca.read_bytes())
    command = ["certtool", "--verify", "--load-ca-certificate", str(ca), "--infile", str(chain)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def verified_by_nss(ca: Path, leaf: Path) -> bool:
    database = leaf.parent / f"nss-{leaf.stem}"
    database.mkdir()
    command = ["certutil", "-d", f"sql:{database}"]
    for arguments in (
        ["-N", "--empty-password"],
        ["-A", "-n", "ca", "-t", "C,,", "-a", "-i", str(ca)],
        ["-A", "-n", "leaf", "-t", ",,", "-a", "-i", str(leaf)],
    ):
        subprocess.run([*command, *arguments], check=True, capture_output=True)
    return subprocess.run([*command, "-V", "-n", "leaf", "-u", "V"], check=False, capture_output=True).returncode == 0


def forge(folder: Path, name: x509.GeneralName) -> Path:
    """Sign a name as a thief of the CA's key would."""
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    stolen = folder / "stolen"
    stolen.mkdir()
    # With a DNS name too: for want of one, GnuTLS takes the common name for a host.
    wanted = x509.SubjectAlternativeName([name, x509.DNSName("localhost")])
    certificates._make_leaf(stolen, ca, ca_key, wanted, NOW - timedelta(hours=1))
    leaf = stolen / "leaf.pem"
    own, _ = x509.load_pem_x509_certificates((stolen / "cert.pem").read_bytes())
    leaf.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    return leaf


@pytest.mark.parametrize(
    ("program", "verified"),
    [("openssl", verified_by_openssl), ("certtool", verified_by_gnutls), ("certutil", verified_by_nss)],
)
@pytest.mark.parametrize(
    ("name", "good"),
    [
        (x509.DNSName("anything.test"), True),
        (x509.DNSName("imap.real.org"), True),
        (x509.DNSName("store"), True),
        (x509.IPAddress(IPv4Address("10.1.2.3")), True),
        (x509.DNSName("mail.google.com"), False),
        (x509.DNSName("unreal.org"), False),
        (x509.DNSName("*.org"), False),
        (x509.DNSName("www.shop.store"), False),
        (x509.IPAddress(IPv4Address("203.0.113.1")), False),
    ],
)
def test_verifiers_take_names_of_the_world_alone(
    tmp_path: Path, name: x509.GeneralName, good: bool, program: str, verified: Callable[[Path, Path], bool]
) -> None:
    require_program(program)
    ensure(tmp_path, tmp_path, NAMES, LOOPBACK, NOW)
    assert verified(tmp_path / "ca.pem", forge(tmp_path, name)) is good


def test_every_private_network_is_one() -> None:
    wanted = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("172.31.25.1"))])
    constraints = name_constraints(wanted)
    assert constraints is not None
    networks = [ip_network(text) for text in values(constraints.permitted_subtrees) if "/" in text]
    assert all(network.is_private for network in networks)
