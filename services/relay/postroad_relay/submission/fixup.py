"""What the relay reads in a header section, and what submission adds to it (RFC 6409 §8). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postroad.mail.dates import date_time
from postroad.mail.trace_fields import RECEIVED_LIMIT

# RFC 5322 §2.2: a field name, then a colon; obs-optional (§4.5.8) allows WSP between them.
_FIELDS = re.compile(rb"^(received|date|message-id)[ \t]*:[ \t]*((?:<[^>\r\n]*>)?)", re.IGNORECASE | re.MULTILINE)
_FOLDED_ID = re.compile(rb"^message-id[ \t]*:[ \t\r\n]*(<[^>\r\n]*>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Header:
    """What matters of a header section."""

    received: int  # how many Received fields
    has_date: bool
    message_id: str | None  # with its angle brackets
    has_message_id: bool
    is_ascii: bool

    @property
    def loops(self) -> bool:
        """Whether the message has passed so many hosts that it must be going round (RFC 5321 §6.3)."""
        return self.received >= RECEIVED_LIMIT


def read_header(section: bytes) -> Header:
    """Read a header section."""
    received, has_date, has_id, ident = 0, False, False, b""
    for name, value in _FIELDS.findall(section):
        match name.lower():
            case b"received":
                received += 1
            case b"date":
                has_date = True
            case _:
                has_id, ident = True, ident or value
    if has_id and not ident and (folded := _FOLDED_ID.search(section)) is not None:
        ident = folded[1]
    message_id = ident.decode("utf-8", "replace") if ident else None
    return Header(received, has_date, message_id, has_id, section.isascii())


@dataclass(frozen=True, slots=True)
class FixUp:
    """Fields for the top of a submitted message, and the Message-ID that it has with them."""

    fields: bytes
    message_id: str | None


def fix_up(header: Header, *, now: float, new_id: str) -> FixUp:
    """Add Date and Message-ID where they are missing, and nothing else; `new_id` is a Message-ID to use.

    RFC 6409 §8.2: "The MSA MAY add a 'Date' field"; §8.3: it SHOULD add Message-ID. From and Sender stay as the
    user wrote them (§8.1 is a MAY).
    """
    fields = b""
    message_id = header.message_id
    if not header.has_date:
        fields += f"Date: {date_time(now)}\r\n".encode()
    if not header.has_message_id:
        message_id = new_id
        fields += f"Message-ID: {new_id}\r\n".encode()
    return FixUp(fields, message_id)
