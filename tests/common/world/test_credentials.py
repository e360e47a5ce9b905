"""Passwords, plain and hashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.world import credentials
from postroad.world.credentials import is_quick, verify
from postroad.world.secret import ScryptHash, check_secret, form_of, hash_password, scram_hash

if TYPE_CHECKING:
    import pytest


def small_hash(password: str) -> str:
    import hashlib

    digest = hashlib.scrypt(password.encode(), salt=b"saltsalt", n=16, r=1, p=1, dklen=32)
    return str(ScryptHash(4, 1, 1, b"saltsalt", digest))


def test_plain() -> None:
    assert verify("wonderland", "wonderland")
    assert not verify("wonderland", "Wonderland")
    assert not verify("wonderland", "")
    assert verify("pässwörd", "pässwörd")
    assert is_quick("wonderland", "guess")


def test_rfc7914_vector() -> None:
    # RFC 7914 §12: scrypt (P="pleaseletmein", S="SodiumChloride", N=16384, r=8, p=1, dkLen=64) =
    digest = bytes.fromhex(
        "7023bdcb3afd7348461c06cd81fd38eb fda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9 e61e85dc0d651e40dfcf017b45575887"
    )
    secret = str(ScryptHash(14, 8, 1, b"SodiumChloride", digest))
    assert secret.startswith("$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9")
    assert verify(secret, "pleaseletmein")
    assert not verify(secret, "pleaseletmeout")


def test_hash_and_verify() -> None:
    secret = hash_password("grüße")
    assert secret != hash_password("grüße")
    check_secret(secret)
    assert not is_quick(secret, "grüße")
    assert verify(secret, "grüße")
    assert is_quick(secret, "grüße")
    assert not is_quick(secret, "grüsse")
    assert not verify(secret, "grüsse")


def test_only_right_passwords_are_remembered_and_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_proven", credentials._Proven(limit=2))
    secrets = {password: small_hash(password) for password in ("a", "b", "c")}
    assert verify(secrets["a"], "a")
    assert verify(secrets["b"], "b")
    assert verify(secrets["a"], "a")  # used again, so b is the oldest
    assert verify(secrets["c"], "c")
    assert not verify(secrets["c"], "x")
    quick = [password for password, secret in secrets.items() if is_quick(secret, password)]
    assert quick == ["a", "c"]
    assert not is_quick(secrets["c"], "x")


def test_what_is_no_password() -> None:
    assert not verify("x" * 2000, "x" * 2000)
    assert not verify("\ud800", "\ud800")
    assert not verify("$scrypt$nonsense", "nonsense")
    assert not verify(small_hash("x"), "\ud800")


def test_the_keys_of_scram() -> None:
    secret = scram_hash("grüße")
    check_secret(secret)
    assert form_of(secret) == "sha256"
    assert form_of(scram_hash("x", "sha1")) == "sha1"
    assert (form_of("x"), form_of(small_hash("x"))) == ("plain", "scrypt")
    assert not is_quick(secret, "grüße")
    assert verify(secret, "grüße")
    assert is_quick(secret, "grüße")
    assert not verify(secret, "grüsse")
    assert not verify(secret, "\u06271")


def test_passwords_are_right_as_they_came_and_prepared() -> None:
    assert verify("\u2168", "IX") is False  # typed as ASCII: it is nothing to prepare
    assert verify("IX", "\u2168")
    assert verify("p\u00a0w", "p\u00a0w")
    assert verify("p w", "p\u00a0w")
    assert not verify("p w", "\u06271")
    assert verify(small_hash("IX"), "I\u00adX")
