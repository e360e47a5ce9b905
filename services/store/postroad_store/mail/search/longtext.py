"""The text of a long message, made piece by piece (`postroad.mime.text` says what text is).

No step takes long, however long the message: a thread that makes or searches such a text gives up the interpreter
after every piece.
"""

from __future__ import annotations

import binascii
import codecs
from contextlib import contextmanager
from typing import TYPE_CHECKING

from postroad.mime.charsets import codec_of
from postroad.mime.structure import parse
from postroad.mime.text import NOT_BASE64, fold, headers_text, is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postroad.mime.structure import Leaf

STEP = 1 << 16  # octets of a message that are looked at in one step


class LongText:
    """The text of one message: TEXT searches `header` and `body`, BODY searches `body`."""

    __slots__ = ("_body", "_header")

    def __init__(self, header: bytes, body: list[bytes]) -> None:
        self._header = header
        self._body = body  # in pieces

    def has(self, needle: bytes, *, headers: bool) -> bool:
        """Return True if the needle is in the body or, with `headers`, in the header."""
        if headers and needle in self._header:
            return True
        overlap = len(needle) - 1
        before = b""  # the end of the text that has been searched
        for piece in self._body:
            if needle in piece or needle in before + piece[:overlap]:
                return True
            before = (before + piece[-overlap:])[-overlap:] if overlap > 0 else b""
        return not needle


def long_text(content: bytes) -> LongText:
    """Make the text of a message."""
    parsed = parse(content)
    body: list[bytes] = []
    for leaf in parsed.leaves:
        if is_text(leaf):
            body.append(b"\n")
            body += map(fold, _decoded(content, leaf))
    return LongText(headers_text(content, parsed), _gathered(body[1:]))


def joined_text(pieces: list[bytes]) -> LongText:
    """Make the text of a message that was read in pieces, and forget these.

    To join 40 MB takes 25 ms, in which a thread leaves the interpreter to others.
    """
    content = b"".join(pieces)
    pieces.clear()
    return long_text(content)


def _gathered(pieces: list[bytes]) -> list[bytes]:
    """Join small pieces: a message of 10,000 parts has tens of thousands."""
    gathered: list[bytes] = []
    start = octets = 0
    for number, piece in enumerate(pieces, 1):
        octets += len(piece)
        if octets >= STEP or number == len(pieces):
            gathered.append(b"".join(pieces[start:number]))
            start, octets = number, 0
    return gathered


def _decoded(content: bytes, leaf: Leaf) -> Iterator[str]:
    """Decode a part as `postroad.mime.text.decode` does: by its charset, else as UTF-8 or, if it is not, as Latin-1."""
    codec = codec_of(leaf.charset) if leaf.charset else None
    if codec is not None and codec != "ascii":
        return _by_codec(_undone(content, leaf), codec, "replace")
    try:
        return iter(list(_by_codec(_undone(content, leaf), "utf-8", "strict")))
    except UnicodeDecodeError:
        return _by_codec(_undone(content, leaf), "latin-1", "strict")


def _by_codec(pieces: Iterator[bytes], codec: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)(errors)
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _undone(content: bytes, leaf: Leaf) -> Iterator[bytes]:
    """Undo a Content-Transfer-Encoding."""
    return _DECODERS.get(leaf.encoding, _slices)(content, leaf.body, leaf.end)


def _slices(content: bytes, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, STEP):
        yield content[at : min(at + STEP, end)]


def _base64(content: bytes, start: int, end: int) -> Iterator[bytes]:
    # RFC 2045 §6.8: "Any characters outside of the base64 alphabet are to be ignored". One that is left over decodes to
    # nothing.
    rest = b""
    for piece in _slices(content, start, end):
        rest += piece.translate(None, NOT_BASE64)
        whole = len(rest) & ~3
        yield binascii.a2b_base64(rest[:whole])
        rest = rest[whole:]
    if len(rest) > 1:
        yield binascii.a2b_base64(rest + b"=" * (4 - len(rest)))


def _quoted_printable(content: bytes, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        cut = end
        if end - start > STEP:
            cut = content.rfind(b"\n", start, start + STEP) + 1
            if not cut:  # not within `=41` either
                cut = start + STEP
                escape = content.rfind(b"=", cut - 2, cut)
                cut = cut if escape < 0 else escape
        yield binascii.a2b_qp(content[start:cut])
        start = cut


_DECODERS: dict[bytes, Callable[[bytes, int, int], Iterator[bytes]]] = {
    b"base64": _base64,
    b"quoted-printable": _quoted_printable,
}


class LongTexts:
    """The text that was made last, kept during a search: the keys of a search often read the same message."""

    def __init__(self) -> None:
        self._searches = 0
        self._key: tuple[int, int] | None = None
        self._text: LongText | None = None

    @contextmanager
    def in_use(self) -> Iterator[LongTexts]:
        """Keep it until the last search that is under way ends."""
        self._searches += 1
        try:
            yield self
        finally:
            self._searches -= 1
            if not self._searches:
                self._key = self._text = None

    def get(self, mailbox: int, uid: int) -> LongText | None:
        """Return the text of a message, if it is the last one."""
        return self._text if self._key == (mailbox, uid) else None

    def put(self, mailbox: int, uid: int, text: LongText) -> None:
        """Keep this one and forget the one before."""
        self._key, self._text = (mailbox, uid), text
