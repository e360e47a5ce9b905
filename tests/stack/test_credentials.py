"""`postroad cert`, `postroad token` and `postroad password --scram`: what they make logs in."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from postroad.config import Settings
from postroad.control.token import KEY_FILE, read_token
from postroad.sasl.token import Grant, read
from postroad.world.credentials import verify
from postroad.world.secret import check_secret, form_of
from postroad_stack import cert, password, token
from postroad_stack.init import prepare
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    world = tmp_path / "world.toml"
    world.write_text(DEFAULT_WORLD)
    environ = {"POSTROAD_WORLD": str(world), "POSTROAD_DATA": str(tmp_path / "data")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Settings.from_environ(environ)


def test_a_certificate(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(settings)
    assert cert.main(["Alice@alpha.test"]) == 0
    path = tmp_path / "alice@alpha.test.pem"
    assert capsys.readouterr().out == "alice@alpha.test.pem\n"
    assert path.stat().st_mode & 0o777 == 0o600
    pem = path.read_bytes()
    assert b"PRIVATE KEY" in pem
    leaf, ca = x509.load_pem_x509_certificates(pem)
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["alice@alpha.test"]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert cert.main(["alice@alpha.test", "-o", str(tmp_path / "other.pem")]) == 0
    assert (tmp_path / "other.pem").exists()
    capsys.readouterr()
    assert cert.main(["alice@alpha.test", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("-----BEGIN PRIVATE KEY-----")


def test_no_certificate(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cert.main(["alice@alpha.test"]) == 1
    assert "run postroad init first" in capsys.readouterr().err
    prepare(settings)
    assert cert.main(["nobody@alpha.test"]) == 1
    assert "nobody@alpha.test is no account of the world" in capsys.readouterr().err
    settings.world.write_text(DEFAULT_WORLD.replace("alice = ", '"jürgen" = ').replace("alice@", "jürgen@"))
    assert cert.main(["jürgen@alpha.test"]) == 1
    assert "is not ASCII" in capsys.readouterr().err


def test_a_token(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(settings)
    key = read_token(settings.control_dir, KEY_FILE).encode()
    assert token.main(["ALICE@alpha.test", "--scope", "imap smtp", "--life", "60"]) == 0
    grant = read(key, capsys.readouterr().out.strip())
    assert grant is not None
    assert (grant.login, grant.scopes) == ("alice@alpha.test", frozenset({"imap", "smtp"}))
    assert token.main(["alice@alpha.test", "--life", "0"]) == 0
    expired = read(key, capsys.readouterr().out.strip())
    assert isinstance(expired, Grant)
    assert expired.status("imap", expired.expires or 0) == "invalid_token"


def test_no_token(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert token.main(["alice@alpha.test"]) == 1
    assert "there is no key for OAuth tokens" in capsys.readouterr().err
    prepare(settings)
    assert token.main(["nobody@alpha.test"]) == 1
    assert token.main(["alice@alpha.test", "--scope", "all"]) == 1
    assert "there is no scope 'all'" in capsys.readouterr().err


def test_the_keys_of_scram(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("wonderland\n"))
    assert password.main(["--scram"]) == 0
    secret = capsys.readouterr().out.strip()
    check_secret(secret)
    assert form_of(secret) == "sha256"
    assert verify(secret, "wonderland")
    assert not verify(secret, "Wonderland")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\u06271\n"))
    assert password.main(["--scram"]) == 1
