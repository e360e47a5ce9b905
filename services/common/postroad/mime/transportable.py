"""Messages with binary parts, made fit for IMAP's literals (RFC 3516 §4.4, RFC 3501 §9 CHAR8).

A client may append octets that hold NULs and lines of any kind (`~{n}`). BODY[] could not send them, and a store that
makes line ends CRLF would change them. So such a part is kept in base64, and BODYSTRUCTURE says so. No data is lost:
BINARY gives the part back. All other parts stay as they are, because a signature may cover them (RFC 3516 §6).
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from postroad.mail.crlf import with_crlf
from postroad.mime.decoding import IDENTITY, encoding_of
from postroad.mime.part import Kind
from postroad.mime.structure import parse, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.mime.part import Part

LINE = 57  # octets that make a line of 76 characters (RFC 2045 §6.8)

_MECHANISM = re.compile(rb"^content-transfer-encoding[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.MULTILINE | re.IGNORECASE)
_BASE64 = b"Content-Transfer-Encoding: base64\r\n"


def transportable(content: bytes) -> bytes | None:
    """Return the message with CRLF as its only line end, and binary parts in base64; None if a NUL is elsewhere."""
    parsed = parse(content)
    root = unpack(parsed.parts, parsed.header_size, len(content))
    pieces: list[bytes] = []
    at = 0
    for part in _binary(content, root):
        pieces += (with_crlf(content[at : part.start]), _header(with_crlf(content[part.start : part.body])))
        pieces += _encoded(content, part)
        at = part.end
    pieces.append(with_crlf(content[at:]))
    whole = b"".join(pieces)
    return None if b"\0" in whole else whole


def _binary(content: bytes, root: Part) -> Iterator[Part]:
    """Yield the parts that must be encoded, in order."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        waiting += reversed(part.children)
        if part.kind is Kind.LEAF and _is_binary(content, part):
            yield part


def _is_binary(content: bytes, part: Part) -> bool:
    encoding, _ = encoding_of(content[part.start : part.body])
    if encoding not in IDENTITY:
        return False
    body = content[part.body : part.end]
    # RFC 2045 §2.9: in binary data, CR and LF may stand alone; elsewhere they are line ends of another kind.
    return b"\0" in body or (
        encoding == b"binary" and not body.count(b"\n") == body.count(b"\r") == body.count(b"\r\n")
    )


def _header(header: bytes) -> bytes:
    """Return the header section of a part that is now in base64."""
    return _MECHANISM.sub(b"", header).removesuffix(b"\r\n") + _BASE64 + b"\r\n"


def _encoded(content: bytes, part: Part) -> list[bytes]:
    view = memoryview(content)
    lines = [
        binascii.b2a_base64(view[at : min(at + LINE, part.end)], newline=False)
        for at in range(part.body, part.end, LINE)
    ]
    return [b"\r\n".join(lines)]
