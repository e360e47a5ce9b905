"""Binary parts, made fit for IMAP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.mime.decoding import decoder, encoding_of
from postroad.mime.structure import parse, unpack
from postroad.mime.transportable import transportable

BINARY = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
BASE64 = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"From: a\r\n\r\nplain\r\n", b"From: a\r\n\r\nplain\r\n"),
        (b"From: a\n\nbare\n", b"From: a\r\n\r\nbare\r\n"),
        (BINARY + b"a\0b\nc\rd", BASE64 + b"YQBiCmMNZA=="),
        (BINARY + b"a\nb", BASE64 + b"YQpi"),
        (BINARY + b"a\rb\r\n", BASE64 + b"YQ1iDQo="),
        (BINARY + b"text\r\n", BINARY + b"text\r\n"),  # nothing needs it: it stays as it is
        (BINARY + b"\0" * 60, BASE64 + b"A" * 76 + b"\r\nAAAA"),
        (b"From: a\r\n\r\na\0b", b"From: a\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi"),
        (b"\r\na\0b", b"Content-Transfer-Encoding: base64\r\n\r\nYQBi"),
        (
            b"Content-Transfer-Encoding:\n 8bit\nX: y\n\na\0",
            b"X: y\r\nContent-Transfer-Encoding: base64\r\n\r\nYQA=",
        ),
        (b"Content-Transfer-Encoding: 8bit\r\n\r\n\0", b"Content-Transfer-Encoding: base64\r\n\r\nAA=="),
        (b"From: a\0b\r\n\r\nx", None),
        (b"Content-Transfer-Encoding: base64\r\n\r\nAA\0AA", None),
        (
            b"Content-Type: multipart/mixed; boundary=x\n\npre\n--x\n\none\n--x\n" + BINARY + b"\0\n\0\r\n--x\n"
            b"Content-Type: message/rfc822\n\nSubject: inner\n\n\0\n--x--\nepi\n",
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n--x\r\n\r\none\r\n--x\r\n" + BASE64 + b"AAoA\r\n"
            b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            b"AA==\r\n--x--\r\nepi\r\n",
        ),
        (b"Content-Type: multipart/mixed; boundary=x\n\npre\0\n--x\n\none\n--x--\n", None),
    ],
)
def test_messages(content: bytes, expected: bytes | None) -> None:
    assert transportable(content) == expected


@given(st.binary(min_size=1))
def test_no_data_is_lost(octets: bytes) -> None:
    message = transportable(BINARY + octets)
    assert message is not None
    parsed = parse(message)
    root = unpack(parsed.parts, parsed.header_size, len(message))
    undo = decoder(encoding_of(message[: root.body])[0], is_text=False)
    assert undo is not None
    assert undo.feed(message[root.body : root.end]) + undo.finish() == octets
