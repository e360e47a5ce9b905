"""Messages that arrive, as the commit that stores them wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from postroad.mime.links import links
from postroad.mime.structure import parse
from postroad.mime.text import is_plain, kept_text
from postroad_store.mail.database.commits.append import Incoming

if TYPE_CHECKING:
    from postroad_store.mail.model.arrival import Arrival


def incoming(arrival: Arrival) -> Incoming:
    """Parse a message, for the columns that are stored besides its content."""
    content = arrival.content
    parsed = parse(content)
    plain = is_plain(content, parsed)
    text = None if plain else kept_text(content, parsed)
    return Incoming(
        arrival.mailboxes,
        content,
        arrival.internal_date,
        arrival.flags,
        parsed,
        plain,
        checksum_of(content),
        text,
        links(parsed.fields),
    )


def checksum_of(content: bytes) -> int:
    """Return the CRC-32 by which damage is seen: a few microseconds a message, where a hash would take ten."""
    return crc32(content)
