"""Content-Transfer-Encodings undone piece by piece (RFC 2045 §6), for BINARY (RFC 3516).

A part of 50 MB must not be in memory twice, so a decoder takes pieces of any size and keeps a line's end at most. It
can be copied, which keeps a place in a part: a client that fetches a part in ranges has it decoded once, and not once
a range.

Broken encodings are read as far as they can be, as mail readers do. Padding ends base64 (RFC 2045 §6.8). An equals
sign that encodes nothing stands for itself in quoted-printable (RFC 2045 §6.7).
"""

from __future__ import annotations

import binascii
import re
from abc import ABC, abstractmethod
from copy import copy
from typing import TYPE_CHECKING

from postroad.mime.charsets import codec_of
from postroad.mime.fields import fields, media_type, transfer_encoding
from postroad.mime.text import NOT_BASE64

if TYPE_CHECKING:
    from typing import Self

MAX_LINE = 65536  # octets of a quoted-printable line that are kept until its end comes

IDENTITY = frozenset({b"7bit", b"8bit", b"binary"})  # RFC 2045 §6.2

_NEITHER = NOT_BASE64.replace(b"=", b"")
# What binascii.a2b_qp reads in another way than RFC 2045 §6.7 suggests: white space before a line's end, and an equals
# sign without two hexadecimal digits or a line's end after it.
_PLAIN_SPACE = (b" \r\n", b"\t\r\n", b" \n", b"\t\n")
_BROKEN = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")
_ESCAPE = re.compile(rb"=(?:([0-9A-Fa-f]{2})|\r?\n)")


class Decoder(ABC):
    """One encoding, at one place in a part."""

    __slots__ = ()

    @abstractmethod
    def feed(self, octets: bytes) -> bytes:
        """Take octets of the part, and return decoded ones."""

    @abstractmethod
    def finish(self) -> bytes:
        """Return the rest, at the end of the part."""

    def fork(self) -> Self:
        """Return another decoder at the same place."""
        return copy(self)


class _Identity(Decoder):
    __slots__ = ()

    def feed(self, octets: bytes) -> bytes:
        return octets

    def finish(self) -> bytes:
        return b""


class _Base64(Decoder):
    """Base64: 24 bits are four characters, and all but these characters is ignored (RFC 2045 §6.8)."""

    __slots__ = ("_ended", "_rest")

    def __init__(self) -> None:
        self._rest = b""  # fewer than four characters
        self._ended = False

    def feed(self, octets: bytes) -> bytes:
        if self._ended:
            return b""
        characters = self._rest + octets.translate(None, _NEITHER)  # many times as fast as an expression
        if b"=" in characters:
            characters, self._ended = _until_padding(characters)
            if self._ended:
                self._rest = b""
                return _base64(characters)
        whole = len(characters) - len(characters) % 4
        self._rest = characters[whole:]
        return binascii.a2b_base64(characters[:whole])

    def finish(self) -> bytes:
        return _base64(self._rest)


def _until_padding(characters: bytes) -> tuple[bytes, bool]:
    """Return the characters before padding, without equals signs that pad nothing, and whether there is padding."""
    kept: list[bytes] = []
    count = 0
    *pieces, last = characters.split(b"=")
    for piece in pieces:
        kept.append(piece)
        count += len(piece)
        if count % 4 >= 2:
            return b"".join(kept), True
    kept.append(last)
    return b"".join(kept), False


def _base64(characters: bytes) -> bytes:
    odd = len(characters) % 4
    if odd == 1:  # half an octet
        characters, odd = characters[:-1], 0
    return binascii.a2b_base64(characters + b"=" * (-odd % 4))


class _QuotedPrintable(Decoder):
    """Quoted-printable (RFC 2045 §6.7)."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> bytes:
        text = self._rest + octets
        end = text.rfind(b"\n") + 1
        if len(text) - end > MAX_LINE:
            end += _cut(text[end:])
        self._rest = text[end:]
        return _quoted(text[:end])

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        # RFC 2045 §6.7 rule 3: an equals sign at the end of the data has lost its line end.
        return _quoted(rest.rstrip(b" \t").removesuffix(b"="))


def _cut(line: bytes) -> int:
    """Return where a long line can be cut: before white space at its end, and before an escape that is not whole."""
    bare = line.rstrip(b" \t\r")
    if bare.endswith(b"="):
        bare = bare[:-1]
    elif bare[-2:-1] == b"=" and len(bare) == len(line):
        bare = bare[:-2]
    return len(bare) or len(line)  # so much white space is no accident of the way: it is text


def _quoted(text: bytes) -> bytes:
    if any(space in text for space in _PLAIN_SPACE):
        # RFC 2045 §6.7 rule 3: white space at the end of a line has been added on the way, and is deleted.
        lines = text.split(b"\n")
        text = b"\n".join([_trimmed(line) for line in lines[:-1]] + lines[-1:])
    if _BROKEN.search(text) is None:
        return binascii.a2b_qp(text)
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode("ascii")) if match[1] else b"", text)


def _trimmed(line: bytes) -> bytes:
    bare = line.removesuffix(b"\r")
    return bare.rstrip(b" \t") + line[len(bare) :]


class _Lines(Decoder):
    """Text, whose line ends become CRLF after decoding (RFC 3516 §6, RFC 9051 §7.5.2)."""

    __slots__ = ("_inner", "_return")

    def __init__(self, inner: Decoder, *, after_return: bool = False) -> None:
        self._inner = inner
        self._return = after_return  # the last octet was CR

    def feed(self, octets: bytes) -> bytes:
        return self._lines(self._inner.feed(octets))

    def finish(self) -> bytes:
        return self._lines(self._inner.finish())

    def _lines(self, decoded: bytes) -> bytes:
        if not decoded:
            return b""
        before, self._return = self._return, decoded.endswith(b"\r")
        if decoded.count(b"\n") == decoded.count(b"\r\n") + (before and decoded.startswith(b"\n")):
            return decoded
        if before:
            decoded = b"\r" + decoded
        return _BARE_LF.sub(b"\r\n", decoded)[before:]

    def fork(self) -> Self:
        return type(self)(self._inner.fork(), after_return=self._return)


_BARE_LF = re.compile(rb"(?<!\r)\n")
_ENCODINGS: dict[bytes, type[Decoder]] = {
    **dict.fromkeys(IDENTITY, _Identity),
    b"base64": _Base64,
    b"quoted-printable": _QuotedPrintable,
}


def decoder(encoding: bytes, *, is_text: bool) -> Decoder | None:
    """Return a decoder for a Content-Transfer-Encoding in lower case; None if the encoding is unknown.

    With `is_text`, all line ends of what was encoded become CRLF. Text that was not encoded is kept as it is: its
    octets are those of BODY.
    """
    kind = _ENCODINGS.get(encoding)
    if kind is None:
        return None
    return _Lines(kind()) if is_text and kind is not _Identity else kind()


def encoding_of(header: bytes) -> tuple[bytes, bool]:
    """Return the Content-Transfer-Encoding of a leaf part, in lower case, and whether it is text that has line ends.

    Without a Content-Type that can be read, a part is text/plain (RFC 2045 §5.2). In UTF-16 and its likes a line does
    not end with the octets CR and LF, and an LF may be half of another character.
    """
    mime: dict[bytes, bytes] = {}
    for name, value in fields(header):
        if name in _MIME:
            mime.setdefault(name, value)
    kind = media_type(mime.get(b"content-type", b""))
    encoding = transfer_encoding(mime.get(b"content-transfer-encoding", b"")).lower()
    return encoding, kind is None or (kind.value.lower() == b"text" and _has_crlf(kind.parameter(b"charset")))


def _has_crlf(charset: bytes | None) -> bool:
    codec = None if charset is None else codec_of(charset)
    return codec is None or "\r\n".encode(codec) == b"\r\n"


_MIME = frozenset({b"content-type", b"content-transfer-encoding"})
