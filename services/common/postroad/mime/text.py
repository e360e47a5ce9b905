"""The text of a message as SEARCH sees it: decoded to Unicode, prepared for comparison, as UTF-8 (RFC 3501 §6.4.4).

Header fields are unfolded and their encoded-words decoded (RFC 2047). Text and message parts are decoded from their
transfer encoding and charset. Other parts (images, archives) are not searched. The header sections of parts and of
embedded messages are searched with the message's own: by TEXT, but not by BODY, which "doesn't match any header fields"
(RFC 9051 §6.4.4).

Text is compared by the collation i;unicode-casemap, as I18NLEVEL=1 wants it (RFC 5255 §4.6). A charset that is unknown,
or that the text is not valid in, does not make a text binary here: it is read as UTF-8 or, if it is not, as Latin-1.

Most messages are plain: one part of ASCII text. The lower-case message itself serves as their text, and nothing more is
stored. For other messages the text is stored with the message, unless it is long: then each search makes it anew, in a
thread.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from postroad.mime.charsets import codec_of
from postroad.mime.collation import casemap
from postroad.mime.fields import fields

if TYPE_CHECKING:
    from postroad.mime.structure import Leaf, Parsed

MAX_PLAIN = 1 << 20  # octets of a message that may be its own text: the store has its body in one piece
MAX_KEPT = 256 * 1024  # octets of text parts, as sent, of which the text is kept

# Charsets in which 7-bit octets are ASCII, so that a 7-bit text needs no decoding.
_ASCII_CHARSET = re.compile(rb"(?:us-ascii|ascii|utf-?8|iso-8859-\d+|windows-125\d|koi8-[ru])\Z", re.IGNORECASE)
_IDENTITY = frozenset({b"7bit", b"8bit", b"binary"})  # RFC 2045 §6.2
_KNOWN = _IDENTITY | {b"base64", b"quoted-printable"}
# RFC 2047 §2: encoded-word = "=?" charset "?" encoding "?" encoded-text "?="; RFC 2231 §5: charset ["*" language]
_WORD = re.compile(rb"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN = re.compile(rb"(\?=)[ \t]+(?==\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)")
NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def is_plain(content: bytes, parsed: Parsed) -> bool:
    """Return True if the lower-case message itself is the text to search."""
    if len(content) > MAX_PLAIN or parsed.parts or not content.isascii():
        return False
    leaf = parsed.leaves[0]
    return (
        leaf.main == b"text"
        and leaf.encoding in _IDENTITY
        and (leaf.charset is None or _ASCII_CHARSET.match(leaf.charset) is not None)
        and content.find(b"=?", 0, parsed.header_size) < 0
    )


def kept_text(content: bytes, parsed: Parsed) -> tuple[bytes, bytes] | None:
    """Return the (header, body) text to store with a message that is not plain, or None if it is long."""
    size = parsed.header_size + sum(leaf.end - leaf.body for leaf in parsed.leaves if is_text(leaf))
    return text(content, parsed) if size <= MAX_KEPT else None


def text(content: bytes, parsed: Parsed) -> tuple[bytes, bytes]:
    """Return the (header, body) text of any message."""
    texts = [
        fold(decode(undo(content[leaf.body : leaf.end], leaf.encoding), leaf.charset))
        for leaf in parsed.leaves
        if is_text(leaf)
    ]
    return headers_text(content, parsed), b"\n".join(texts)


def headers_text(content: bytes, parsed: Parsed) -> bytes:
    """Return the text of the message's header section, then those of its parts, each behind an empty line."""
    sections = [header_text(fields(content[start:body])) for start, body in parsed.sections]
    return b"\n".join([header_text(parsed.fields), *sections])


def is_text(leaf: Leaf) -> bool:
    """Return True if SEARCH reads the part: it is text, and not an image or an archive."""
    # RFC 2045 §6.4: an entity with an unknown Content-Transfer-Encoding counts as application/octet-stream.
    return leaf.main in {b"text", b"message"} and leaf.encoding in _KNOWN


def header_text(section: list[tuple[bytes, bytes]]) -> bytes:
    """Return the text of a header section's fields: lines that read `name: value`, LF ended."""
    return b"".join([b"%b: %b\n" % (fold(decode(name, None)), fold(decode_words(value))) for name, value in section])


def fold(value: str) -> bytes:
    """Return the octets of which those of one text are within those of another if i;unicode-casemap finds it there.

    RFC 5255 §4.2: these are compared by RFC 5051. Its capitals are small letters here and the other way round, so that
    ASCII is folded by lower-casing its octets.
    """
    if value.isascii():
        return value.lower().encode("ascii")
    return casemap(value).swapcase()


def decode(octets: bytes, charset: bytes | None) -> str:
    """Return octets as Unicode: in the charset named, else UTF-8, else Latin-1; undecodable octets are replaced."""
    if octets.isascii() and (charset is None or _ASCII_CHARSET.match(charset)):
        return octets.decode("ascii")
    codec = codec_of(charset) if charset else None
    if codec == "utf-7":  # of all codecs that we know, only this one gives halves of surrogate pairs
        return octets.decode(codec, "replace").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if codec is not None and codec != "ascii":
        return octets.decode(codec, "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def undo(octets: bytes, encoding: bytes) -> bytes:
    """Undo a Content-Transfer-Encoding as far as possible."""
    if encoding == b"base64":
        return _base64(octets)
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(octets)
    return octets


def _base64(octets: bytes) -> bytes:
    # RFC 2045 §6.8: "Any characters outside of the base64 alphabet are to be ignored". One at the end is half an octet.
    clean = octets.translate(None, NOT_BASE64)  # many times as fast as an expression
    odd = len(clean) % 4
    if odd == 1:
        return binascii.a2b_base64(clean[:-1])
    return binascii.a2b_base64(clean + b"=" * (-odd % 4))


def decode_words(value: bytes) -> str:
    """Return a field's value with its encoded-words decoded (RFC 2047 §6)."""
    if b"=?" not in value:
        return decode(value, None)
    # RFC 2047 §6.2: white space between adjacent encoded-words is not shown.
    value = _BETWEEN.sub(rb"\1", value)
    shown: list[str] = []
    pending, charset = b"", b""  # adjacent words of one charset: a character may be split between them
    position = 0
    for match in _WORD.finditer(value):
        if match.start() > position or match[1].lower() != charset:
            shown.append(decode(pending, charset))
            shown.append(decode(value[position : match.start()], None))
            pending, charset = b"", match[1].lower()
        encoded = match[3]
        pending += _base64(encoded) if match[2] in b"bB" else binascii.a2b_qp(encoded, header=True)
        position = match.end()
    shown.append(decode(pending, charset))
    shown.append(decode(value[position:], None))
    return "".join(shown)
