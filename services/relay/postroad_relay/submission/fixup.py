"""The fields that submission adds to a header section (RFC 6409 §8). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mail.dates import date_time
from postroad.value import value

if TYPE_CHECKING:
    from postroad.mail.header import Header


@value
class FixUp:
    """Fields for the top of a submitted message, and its Message-ID, old or new."""

    fields: bytes
    message_id: str | None


def fix_up(header: Header, *, now: float, new_id: str) -> FixUp:
    """Add Date and Message-ID where they are missing, and nothing else; `new_id` is a Message-ID to use.

    RFC 6409 §8.2: "The MSA MAY add a 'Date' field". RFC 6409 §8.3: it SHOULD add Message-ID. From and Sender stay as
    the user wrote them (RFC 6409 §8.1 is a MAY).
    """
    fields = b""
    message_id = header.message_id
    if not header.has_date:
        fields = f"Date: {date_time(now)}\r\n".encode()
    if not header.has_message_id:
        message_id = new_id
        fields += f"Message-ID: {new_id}\r\n".encode()
    return FixUp(fields, message_id)
