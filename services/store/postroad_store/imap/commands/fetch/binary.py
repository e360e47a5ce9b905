"""BINARY[...], BINARY.PEEK[...] and BINARY.SIZE[...]: parts without their transfer encoding (RFC 3516 §4).

A short part is decoded once, when it is sent. A long one is decoded twice, piece by piece: the literal's length must be
known before its first octet. The storage keeps what has been learned (`mail.decoded`).

RFC 9051 §6.4.5: only leaf parts may be asked for. A multipart or a message by its number is refused. The empty section
is the whole message, which has no encoding of its own, so its octets are those of BODY[].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.mime.decoding import decoder, encoding_of
from postroad.mime.part import Kind
from postroad.value import value
from postroad_store.imap.commands.fetch.item import Alone, Refused
from postroad_store.imap.commands.fetch.section import PIECE, read_part, read_partial
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.mail.decoded import Measured, Place

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from postroad.mime.decoding import Decoder
    from postroad.mime.part import Part
    from postroad_store.imap.commands.fetch.item import Message
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.mail.decoded import Source

UNKNOWN_CTE = b"[UNKNOWN-CTE] The part has a transfer encoding that is not known here."  # RFC 3516 §4.3
NO_LEAF = b"[CLIENTBUG] BINARY is for parts that are no multipart and no message."  # RFC 9051 §6.4.5, RFC 5530 §3

_PAUSE = b""


@value
class _Encoded:
    """Where a part's encoded octets are, and what decodes them."""

    start: int
    end: int
    decoder: Decoder


_NOTHING = Measured(0, has_nul=False)


class _Part(Alone):
    """The part that an item is about."""

    __slots__ = ()

    part: tuple[int, ...]

    def weight(self, root: Part) -> int:
        """Return the octets of the part: a piece of it, too, is found by decoding all."""
        part = root.find(self.part)
        return 0 if part is None else part.end - part.start

    def check(self, message: Message) -> None:
        """Refuse a part that is no leaf, or whose encoding is unknown."""
        self.find(message)

    def find(self, message: Message) -> _Encoded | None:
        """Return the part; None if the message has no such part. Raises `Refused`, `Gone`."""
        part = message.root.find(self.part)
        if part is None:
            return None
        if not self.part:
            whole = decoder(b"binary", is_text=False)
            assert whole is not None  # noqa: S101 - it is known
            return _Encoded(part.start, part.end, whole)
        if part.kind is not Kind.LEAF:
            raise Refused(NO_LEAF)
        encoding, is_text = encoding_of(message.text(part.start, part.body))
        undo = decoder(encoding, is_text=is_text)
        if undo is None:
            raise Refused(UNKNOWN_CTE)
        return _Encoded(part.body, part.end, undo)


@value
class Binary(_Part):
    """A part, decoded."""

    label: bytes  # the item's name as the response gives it: b"BINARY[1]<0>"
    part: tuple[int, ...]
    partial: tuple[int, int] | None  # the first decoded octet wanted, and how many at most
    peek: bool  # \Seen is left alone

    is_text = True

    @property
    def sets_seen(self) -> bool:
        r"""RFC 3516 §4.2: BINARY.PEEK is the form that does not set \Seen."""
        return not self.peek

    @property
    def whole(self) -> bool:
        """Whether nothing of the message is left out."""
        return not self.part and self.partial is None

    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the literal in pieces."""
        encoded = self.find(message)
        first, length = self.partial or (0, 1 << 63)
        if encoded is None:
            yield self._literal(_NOTHING, 0)
        elif encoded.end - encoded.start <= PIECE:
            octets = _decoded_at_once(message, encoded)
            wanted = octets[first : first + length]
            yield self._literal(_measured(octets), len(wanted)) + wanted
        else:
            source = message.content, encoded.start
            measured = yield from _measure(message, source, encoded)
            first = min(first, measured.size)
            last = min(first + length, measured.size)
            yield self._literal(measured, last - first)
            yield from _range(message, source, encoded, first, last)

    def _literal(self, measured: Measured, size: int) -> bytes:
        # RFC 3516 §4.3: a literal8 tells the client that there are NULs.
        return self.label + (b" ~{%d}\r\n" if measured.has_nul else b" {%d}\r\n") % size


@value
class BinarySize(_Part):
    """The octets of a part, decoded."""

    label: bytes  # b"BINARY.SIZE[1]"
    part: tuple[int, ...]

    def write(self, message: Message) -> Iterator[bytes]:
        """Yield the number, after a pause for each large piece that had to be decoded."""
        encoded = self.find(message)
        if encoded is None:
            measured = _NOTHING
        elif encoded.end - encoded.start <= PIECE:
            measured = _measured(_decoded_at_once(message, encoded))
        else:
            measured = yield from _measure(message, (message.content, encoded.start), encoded)
        yield self.label + b" %d" % measured.size


# -- decoding -------------------------------------------------------------------------------------------------


def _measured(octets: bytes) -> Measured:
    return Measured(len(octets), b"\0" in octets)


def _decoded_at_once(message: Message, encoded: _Encoded) -> bytes:
    return encoded.decoder.feed(message.text(encoded.start, encoded.end)) + encoded.decoder.finish()


def _pieces(message: Message, at: int, end: int, undo: Decoder) -> Iterator[tuple[int, bytes]]:
    """Yield decoded pieces, each with the offset of the encoded octet after it."""
    while at < end:
        after = min(at + PIECE, end)
        decoded = undo.feed(message.text(at, after))
        yield after, decoded if after < end else decoded + undo.finish()
        at = after


def _measure(message: Message, source: Source, encoded: _Encoded) -> Generator[bytes, None, Measured]:
    """Decode a long part to learn its size, pausing after each piece."""
    known = message.storage.decoded.measured(source)
    if known is not None:
        return known
    size, has_nul = 0, False
    for _, octets in _pieces(message, encoded.start, encoded.end, encoded.decoder.fork()):
        size += len(octets)
        has_nul = has_nul or b"\0" in octets
        yield _PAUSE
    known = Measured(size, has_nul)
    message.storage.decoded.measure(source, known)
    return known


def _range(message: Message, source: Source, encoded: _Encoded, first: int, last: int) -> Iterator[bytes]:
    """Yield decoded octets of a long part, and keep the place of the last piece that was begun."""
    if first == last:
        return
    decoded = message.storage.decoded
    place = decoded.place(source, first) or Place(encoded.start, 0, encoded.decoder)
    undo = place.decoder.fork()
    at, begun = place.decoded, place
    for after, octets in _pieces(message, place.encoded, encoded.end, undo):  # pragma: no branch - it ends at `last`
        end = at + len(octets)
        # A client may ask for what follows `last` next: it is in this piece, or begins the one after.
        if end >= last:
            decoded.keep(source, begun)
        yield octets[max(first - at, 0) : last - at]
        if end >= last:
            return
        at = end
        begun = Place(after, at, undo.fork())


def decoded_figures(message: Message, numbers: tuple[int, ...]) -> Generator[bytes, None, tuple[int, int, bool] | None]:
    """Return the octets of a part that is there, its lines and whether it has NULs, decoded.

    None if it is no leaf, or its encoding is unknown. Pauses after each large piece.
    """
    try:
        encoded = BinarySize(b"", numbers).find(message)
    except Refused:
        return None
    assert encoded is not None  # noqa: S101 - the caller has looked into BODY
    size = lines = 0
    has_nul = False
    for _, octets in _pieces(message, encoded.start, encoded.end, encoded.decoder):
        size += len(octets)
        lines += octets.count(b"\n")
        has_nul = has_nul or b"\0" in octets
        yield _PAUSE
    return size, lines, has_nul


# -- syntax ---------------------------------------------------------------------------------------------------

_WHAT = "BINARY[..] section"


def _read_section(reader: Reader) -> tuple[bytes, tuple[int, ...]]:
    # section-binary = "[" [section-part] "]"
    if not reader.skip(b"["):
        raise SyntaxFault(f"Missing {_WHAT}")
    digits, part = read_part(reader, _WHAT) if reader.peek().isdigit() else (b"", ())
    if not reader.skip(b"]"):
        raise SyntaxFault(f"Invalid {_WHAT}")
    return digits, part


def read_binary(reader: Reader, *, peek: bool) -> Binary:
    """Take `section-binary [partial]`."""
    digits, part = _read_section(reader)
    label = b"BINARY[%b]" % digits
    partial = None
    if reader.peek() == b"<":
        partial = read_partial(reader)
        label += b"<%d>" % partial[0]
    return Binary(label, part, partial, peek)


def read_binary_size(reader: Reader) -> BinarySize:
    """Take `section-binary`."""
    digits, part = _read_section(reader)
    return BinarySize(b"BINARY.SIZE[%b]" % digits, part)
