"""The messages that travel the road in the tests: CPython's own, and ones made to be awkward.

CPython keeps the messages of its `test.test_email` beside its standard library: real mail, collected over twenty years
for having broken a parser. They are taken from the running Python; nothing of them is copied here.
"""

from __future__ import annotations

import base64
import random
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_RETURN_PATH = re.compile(rb"\AReturn-Path:[^\r\n]*\r\n", re.IGNORECASE)
DATE = "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the table: what is sent, and how."""

    name: str
    content: bytes
    parameters: str = ""  # of MAIL
    recipient: str = ""  # an alias of the reader, where the address itself is what is tested
    refused: tuple[int, ...] = ()  # the codes that may answer the final dot; empty: 250, and it arrives

    @property
    def expected(self) -> bytes:
        """What must come out behind the trace fields.

        SMTP carries whole lines, so a last line without an end gets one. Final delivery takes away a Return-Path that
        was sent along, before it adds its own (RFC 5321 §4.4), as there must be one at the most (RFC 5322 §3.6).
        """
        whole = self.content if not self.content or self.content.endswith(b"\r\n") else self.content + b"\r\n"
        return _RETURN_PATH.sub(b"", whole)


def cpython_folder() -> Path | None:
    """Return the folder of CPython's messages, or None where this Python comes without its tests."""
    try:
        spec = find_spec("test.test_email")
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "data"
    return folder if folder.is_dir() else None


@cache
def cpython_messages() -> tuple[Message, ...]:
    """Return CPython's messages, with CRLF line ends as a client would send them."""
    folder = cpython_folder()
    if folder is None:
        return ()
    return tuple(
        Message(f"cpython-{file.stem}", crlf(file.read_bytes()), parameters=body_parameter(file.read_bytes()))
        for file in sorted(folder.glob("msg_*.txt"))
    )


def crlf(text: bytes) -> bytes:
    """Return the text with CRLF for every line end."""
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def body_parameter(content: bytes) -> str:
    """Return the BODY parameter that a client gives with the content (RFC 6152)."""
    return "" if content.isascii() else " BODY=8BITMIME"


def simple(subject: str, body: bytes = b"Hello.\r\n", *, message_id: str | None = None, fields: str = "") -> bytes:
    """Return a plain message."""
    identity = f"Message-ID: <{message_id}>\r\n" if message_id else ""
    head = f"From: sender@alpha.test\r\nSubject: {subject}\r\n{DATE}{identity}{fields}\r\n"
    return head.encode() + body


def _large() -> bytes:
    """Return a message with an attachment of 20 MB, in base64 as a client sends it."""
    octets = random.Random(20).randbytes(20_000_000)
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    head = simple("Large", b"", fields="MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n")
    return (
        head
        + b"--b\r\n\r\nSee the attachment.\r\n--b\r\nContent-Type: application/octet-stream\r\n"
        + b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n"
        + encoded
        + b"--b--\r\n"
    )


def _every_octet() -> bytes:
    """Return lines that hold every octet but CR, LF and NUL."""
    octets = bytes(value for value in range(1, 256) if value not in b"\r\n")
    return octets + b"\r\n" + octets[::-1] + b"\r\n"


@cache
def generated_messages() -> tuple[Message, ...]:
    """Return the messages made for their edges; each name says which."""
    eight_bit = " BODY=8BITMIME"
    utf8 = " BODY=8BITMIME SMTPUTF8"
    utf8_head = "From: Jürgen <jürgen@bücher.test>\r\nTo: почта@fresh.test\r\nSubject: Grüße, 世界\r\n" + DATE
    return (
        Message("plain", simple("Plain")),
        Message("no-date-no-message-id", b"From: a@alpha.test\r\nSubject: bare\r\n\r\nBody.\r\n"),
        Message("message-id-kept", simple("Kept", message_id="kept.1@client.example")),
        Message(
            "odd-case-fields",
            b"fRoM: a@alpha.test\r\nDATE: Mon, 23 Nov 2026 12:00:00 +0000\r\nmEsSaGe-iD:<x@y>\r\n\r\n",
        ),
        Message("space-before-colon", b"From : a@alpha.test\r\nSubject : old (RFC 822)\r\n\r\nBody.\r\n"),
        Message("empty-body", simple("Empty body", b"")),
        Message("header-only", b"Subject: no empty line\r\n" + DATE.encode()),
        Message("body-only", b"\r\nNo header section at all.\r\n"),
        Message("nothing", b""),
        Message("one-empty-line", b"\r\n"),
        Message("no-final-newline", simple("No final newline", b"the last line has no end")),
        Message("only-empty-lines", simple("Empty lines", b"\r\n" * 200)),
        Message("trailing-space", simple("Trailing space", b"signature \r\n-- \r\n\t\r\n \r\n")),
        Message("lone-dot", simple("Lone dot", b"before\r\n.\r\nafter\r\n")),
        Message("dots", simple("Dots", b".\r\n..\r\n...\r\n.x\r\n..x\r\nx.\r\n.\r\n")),
        Message("first-line-dot", b".\r\n"),
        Message("dot-in-header", b".odd: field\r\nSubject: dot\r\n\r\n.\r\n"),
        # Four phases of CR LF dot dot, so that each edge of a block falls between each pair of them in one message.
        *(Message(f"dots-at-blocks-{n}", simple("x" * n, b".\r\n" * 40_000)) for n in range(1, 5)),
        Message(
            "smuggle-lookalikes",
            simple("Lookalikes", b"x\r\n..\r\nQUIT\r\nMAIL FROM:<>\r\n354 go\r\n+OK\r\n* 1 EXISTS\r\n"),
        ),
        Message("line-of-998", simple("Long line", b"x" * 998 + b"\r\n" + b"." * 998 + b"\r\n" + b"y" * 998 + b"\r\n")),
        Message("line-of-998-in-header", simple("Long field", fields="X-Long: " + "z" * 990 + "\r\n")),
        Message("folded-field", simple("Folded", fields="X-Folded: a\r\n\tb\r\n  c\r\nX-Empty:\r\n")),
        Message("from-line", b"From alice@alpha.test Mon Nov 23 12:00:00 2026\r\n" + simple("Mbox")),
        Message("from-in-body", simple("From", b"From here on\r\n>From there\r\n")),
        Message("return-path-sent", b"Return-Path: <other@elsewhere.example>\r\n" + simple("Return-Path")),
        Message(
            "received-sent", b"Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n" * 10 + simple("Received")
        ),
        Message("bcc-kept", simple("Bcc", fields="Bcc: secret@beta.test\r\n")),
        Message("eight-bit", simple("8-bit", "Grüße, 世界\r\n".encode() + b"\xff\xfe\x80\r\n"), eight_bit),
        Message("every-octet", simple("Every octet", _every_octet()), eight_bit),
        Message("eight-bit-undeclared", simple("8-bit, not declared", b"Gr\xfc\xdfe\r\n")),
        Message("utf8-header", (utf8_head + "\r\nπ\r\n").encode(), utf8),
        Message("utf8-recipient", simple("UTF-8 recipient"), utf8, recipient="почта"),
        Message("quoted-recipient", simple("Quoted recipient"), recipient="a b"),
        Message("many-fields", simple("Many fields", fields="X-Field: value\r\n" * 2000)),
        Message(
            "nested",
            simple("Nested", _nested(60), fields="MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n"),
        ),
        Message(
            "unclosed-multipart",
            simple("Unclosed", b"--b\r\n\r\npart\r\n", fields="Content-Type: multipart/mixed; boundary=b\r\n"),
        ),
        Message("over-64-KiB", simple("Block", b"0123456789abcde\r\n" * 3_900)),
        Message("over-512-KiB", simple("Spilled", b"0123456789abcde\r\n" * 40_000)),
        Message("large", _large(), f" SIZE={28_000_000}"),
        Message("ten-thousand-fields", simple("Fields", fields="X-Field: value\r\n" * 10_000), refused=(550, 552, 554)),
        Message("line-too-long", simple("Too long", b"x" * 100_000 + b"\r\n"), refused=(500, 550, 554)),
        Message("line-of-999", simple("One too long", b"x" * 999 + b"\r\n"), refused=(500, 550, 554)),
        Message("bare-lf", simple("Bare LF", b"a\nb\r\n"), refused=(550,)),
        Message("bare-cr", simple("Bare CR", b"a\rb\r\n"), refused=(550,)),
        Message("nul", simple("NUL", b"a\0b\r\n"), refused=(550,)),
        Message("bare-lf-in-header", b"Subject: a\nX: b\r\n\r\n", refused=(550,)),
        Message("cr-cr-lf", simple("CR CR LF", b"a\r\r\nb\r\n"), refused=(550,)),
        Message(
            "loop", b"Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n" * 60 + simple("Loop"), refused=(554,)
        ),
    )


def _nested(depth: int) -> bytes:
    """Return multiparts in multiparts."""
    text = b"deep\r\n"
    for level in range(depth, 0, -1):
        head = f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n".encode()
        inner = head + text if level < depth else b"\r\n" + text
        text = f"--b{level - 1}\r\n".encode() + inner + f"--b{level - 1}--\r\n".encode()
    return text


def messages() -> tuple[Message, ...]:
    """Return the whole table."""
    return cpython_messages() + generated_messages()
