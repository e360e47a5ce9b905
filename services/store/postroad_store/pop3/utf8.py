"""Which messages need the mode UTF8 (RFC 6856 §2.1): those whose header section is UTF-8 and not ASCII. Pure.

Octets that are no UTF-8 are nobody's characters: such a message is sent as it was stored, as it always was. So is one
with a body of eight bits, which POP3 clients have taken since 8BITMIME.
"""

from __future__ import annotations

from postroad.mime.fields import header_end


def needs_utf8(content: bytes) -> bool:
    """Whether the message, or its beginning, can't be sent to a client that has not asked for UTF-8."""
    header = content[: header_end(content, 0, len(content))]
    if header.isascii():
        return False
    try:
        header.decode()
    except UnicodeDecodeError:
        return False
    return True
