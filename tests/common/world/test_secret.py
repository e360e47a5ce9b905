"""What the world file may have as a secret."""

from __future__ import annotations

import pytest

from postroad.world.secret import SecretError, check_secret


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("ä" * 600, "over 1024 octets"),
        ("$scrypt$ln=4,r=1$c2Fs$c2Fs", "a scrypt hash is"),
        ("$scrypt$ln=4,r=1,p=1$c2Fs$c2Fsd", "not base64"),
        ("$scrypt$ln=0,r=1,p=1$c2Fs$c2Fs", "at least 1"),
        ("$scrypt$ln=4,r=0,p=1$c2Fs$c2Fs", "at least 1"),
        ("$scrypt$ln=4,r=1,p=17$c2Fs$c2Fs", "p is 1 to 16"),
        ("$scrypt$ln=20,r=8,p=1$c2Fs$c2Fs", "over 64 MiB"),
        ("$scrypt$ln=4,r=1,p=1$c2Fs$c2Fs", "shorter than 16 octets"),
    ],
)
def test_secrets_that_are_refused(secret: str, reason: str) -> None:
    with pytest.raises(SecretError, match=reason):
        check_secret(secret)
