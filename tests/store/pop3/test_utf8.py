"""Which messages need the mode UTF8 (RFC 6856 §2.1)."""

from __future__ import annotations

import pytest

from postroad_store.pop3.utf8 import needs_utf8


@pytest.mark.parametrize(
    ("content", "needed"),
    [
        (b"", False),
        (b"Subject: x\r\n\r\nbody", False),
        ("Subject: é\r\n\r\nbody".encode(), True),
        ("Subject: é".encode(), True),  # the beginning of a header section
        (b"Subject: \xe9\r\n\r\nbody", False),  # nobody's characters
        ("Subject: é \udcff\r\n\r\n".encode("utf-8", "surrogateescape"), False),
        ("Subject: x\r\n\r\né".encode(), False),  # a body of eight bits
        ("Subject: x\n\né\r\n\r\n".encode(), False),
        ("\nSubject: é\n\n".encode(), False),  # all of it is the body
        ("\r\nSubject: é\r\n\r\n".encode(), False),
    ],
)
def test_a_header_section_in_utf_8_needs_it(content: bytes, needed: bool) -> None:
    assert needs_utf8(content) is needed
