"""What goes in by submission comes out by IMAP and by POP3 byte for byte, after trace fields in front."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import arrived, imap, pop3, retrieved
from tests.harness.needs import require
from tests.harness.smtp import submission
from tests.harness.stack import ALIASED, FRESH_DOMAIN
from tests.mail.corpus import cpython_messages, messages

if TYPE_CHECKING:
    from tests.harness.stack import Stack
    from tests.mail.corpus import Message

_FIELD = re.compile(rb"([!-9;-~]+):(?:[^\r\n]|\r\n[ \t])*\r\n")
_BEGINNING = re.compile(rb"(?:>*From [^\r\n]*\r\n)?[!-9;-~]+[ \t]*:|\r\n|\Z")
_DATE = re.compile(rb"^date[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:", re.IGNORECASE | re.MULTILINE)


def test_cpython_has_its_messages() -> None:
    require(len(cpython_messages()) > 40, "this Python comes without the messages of test.test_email")


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.name)
def test_byte_for_byte(stack: Stack, message: Message) -> None:
    writer = stack.fresh_user()
    reader = ALIASED[message.recipient] if message.recipient else stack.fresh_user()
    local_part = f'"{message.recipient}"' if " " in message.recipient else message.recipient
    recipient = f"{local_part}@{FRESH_DOMAIN}" if local_part else reader.address

    with submission(stack, writer) as session:
        session.envelope(writer.address, [recipient], message.parameters)
        reply = session.data(message.content)
    if message.refused:
        assert reply.code in message.refused
        with imap(stack, reader) as client:
            assert client.select_folder("INBOX")[b"EXISTS"] == 0
        return
    assert reply.code == 250, reply

    (by_imap,) = arrived(stack, reader)
    with pop3(stack, reader) as maildrop:
        count, octets = maildrop.stat()
        by_pop3 = retrieved(maildrop, 1)
    assert count == 1
    assert by_pop3 == by_imap
    assert octets == len(by_imap)
    assert by_imap.endswith(message.expected)
    check_trace_fields(by_imap[: len(by_imap) - len(message.expected)], message)


def check_trace_fields(front: bytes, message: Message) -> None:
    """Assert that only trace fields were put in front, and Date and Message-ID just where they were missing."""
    header_section = message.content.partition(b"\r\n\r\n")[0] if not message.content.startswith(b"\r\n") else b""
    if not _BEGINNING.match(message.content):
        # RFC 5322 §2.1: an empty line keeps the body out of the header section that the trace fields begin.
        assert front.endswith(b"\r\n\r\n")
        front, header_section = front[:-2], b""
    names = [field[1].lower() for field in _FIELD.finditer(front)]
    assert b"".join(field[0] for field in _FIELD.finditer(front)) == front, front
    # RFC 5321 §4.4: Return-Path is the very first, then the Received fields, the newest first.
    assert names[:3] == [b"return-path", b"received", b"received"]
    # RFC 6409 §8: an MSA adds them where they are missing.
    added = sorted(
        name for name, field in ((b"date", _DATE), (b"message-id", _MESSAGE_ID)) if not field.search(header_section)
    )
    assert sorted(names[3:]) == added
