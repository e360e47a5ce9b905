"""The MIME structure of a message, read once, when the message is stored (RFC 2045, RFC 2046, RFC 3501 §7.4.2).

The parser makes one pass over the octets. It cuts header sections at their empty lines and bodies at delimiter lines.
It searches for the text of a delimiter, so it never looks at the other lines of a body. The result is what FETCH needs:
ENVELOPE, BODY and BODYSTRUCTURE as octets, and the offsets of each part.

We read broken MIME as mail readers do. A delimiter of an outer multipart ends the inner ones. The end of the message
closes whatever is still open. A multipart without parts has one empty text part, because RFC 3501's body-type-mpart
needs at least one. A multipart type without a boundary cannot be read, and counts as text/plain (RFC 2045 §5.2). A
message has at most `MAX_PARTS` parts and `MAX_DEPTH` levels; beyond them a multipart is one part of octets.
"""

from __future__ import annotations

import struct

from postroad.mime.envelope import envelope, sent_day
from postroad.mime.fields import (
    Parameterized,
    disposition,
    fields,
    header_end,
    media_type,
    tokens,
    transfer_encoding,
)
from postroad.mime.part import Kind, Part
from postroad.mime.strings import nstring
from postroad.remembered import remembered
from postroad.value import value

MAX_PARTS = 10_000
MAX_DEPTH = 100  # of parts in parts
PIECE = 1 << 20  # octets that are looked through at once

_EMPTY_PART = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'
_LEAF, _MULTIPART, _EMBEDDED = (kind.value for kind in (Kind.LEAF, Kind.MULTIPART, Kind.MESSAGE))
_NODE = struct.Struct("<BHIII")  # kind, number of children, start, body, end; the children's nodes follow


@value
class Leaf:
    """A part with text or data, as SEARCH reads it."""

    main: bytes  # lower case
    charset: bytes | None
    encoding: bytes  # Content-Transfer-Encoding in lower case, 7bit if there is no such field
    body: int
    end: int


@value
class Parsed:
    """The structure of a message."""

    header_size: int  # octets of the header section with its empty line
    envelope: bytes
    body: bytes
    bodystructure: bytes
    parts: bytes  # packed; empty for a single part, whose offsets are header_size and the message's size
    sent_day: int | None
    fields: list[tuple[bytes, bytes]]  # of the message's own header
    leaves: list[Leaf]
    sections: list[tuple[int, int]]  # (start, end) of further header sections: of parts and of embedded messages


def parse(content: bytes) -> Parsed:
    """Read the structure of a message; never fails."""
    return _Parser(content).run()


def unpack(parts: bytes, header_size: int, size: int) -> Part:
    """Return the tree of parts that `Parsed.parts` encodes."""
    if not parts:
        return Part(Kind.LEAF, 0, header_size, size)
    nodes = _NODE.iter_unpack(parts)

    def take() -> Part:
        kind, count, start, body, end = next(nodes)
        return Part(Kind(kind), start, body, end, tuple(take() for _ in range(count)))

    return take()


def _pairs(parameters: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return a body parameter parenthesized list, or NIL."""
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([b"%b %b" % (nstring(name), nstring(value)) for name, value in parameters])


class _Type:
    """A media type as the structure needs it; messages with the same Content-Type share one object."""

    __slots__ = ("boundary", "charset", "is_message", "is_multipart", "is_text", "main", "sub", "subtype", "wire")

    def __init__(self, read: Parameterized) -> None:
        self.main = read.value.lower()
        self.sub = read.subtype.lower()
        self.is_text = self.main == b"text"
        self.is_multipart = self.main == b"multipart"
        self.is_message = self.main == b"message" and self.sub == b"rfc822"
        self.boundary = read.parameter(b"boundary") or b""
        self.charset = read.parameter(b"charset")
        self.subtype = nstring(read.subtype)
        parameters = read.parameters
        if self.is_text and self.charset is None:
            parameters = (*parameters, (b"charset", b"us-ascii"))  # RFC 2045 §5.2
        pairs = _pairs(parameters)
        # body-fields begin with it; a multipart's extension data has the parameters alone
        # RFC 3501 §9: media-message = DQUOTE "MESSAGE" DQUOTE SP DQUOTE "RFC822" DQUOTE, so one spelling alone is legal
        main, sub = (self.main, self.sub) if self.is_message else (read.value, read.subtype)
        self.wire = pairs if self.is_multipart else b"%b %b %b" % (nstring(main), nstring(sub), pairs)


_TEXT_PLAIN = _Type(Parameterized(b"text", b"plain", ()))  # RFC 2045 §5.2
_MESSAGE = _Type(Parameterized(b"message", b"rfc822", ()))  # RFC 2046 §5.1.5, in a multipart/digest
_OCTETS = _Type(Parameterized(b"application", b"octet-stream", ()))


@remembered(512, 256)
def _type(value: bytes) -> _Type:
    read = media_type(value)
    # RFC 2045 §5.2 suggests the default for a Content-Type with a syntax error too. RFC 2046 §5.1.1 requires a
    # boundary, and without one the client could not read the text of a multipart.
    if read is None:
        return _TEXT_PLAIN
    type_ = _Type(read)
    return _TEXT_PLAIN if type_.is_multipart and not type_.boundary else type_


def _extension(mime: dict[bytes, bytes]) -> bytes:
    """Return body-fld-dsp, body-fld-lang and body-fld-loc."""
    disposed = disposition(mime[b"content-disposition"]) if b"content-disposition" in mime else None
    languages = tokens(mime[b"content-language"]) if b"content-language" in mime else []
    return b"%b %b %b" % (
        b"(%b %b)" % (nstring(disposed.value), _pairs(disposed.parameters)) if disposed else b"NIL",
        b"(%b)" % b" ".join([nstring(language) for language in languages]) if languages else b"NIL",
        nstring(mime.get(b"content-location")),
    )


def _find(content: bytes, needle: bytes, start: int, end: int) -> int:
    """Return where the needle is, or -1. In pieces: a search of 40 MB at once would hold up all other threads."""
    while end - start > PIECE:
        at = content.find(needle, start, min(start + PIECE + len(needle), end))
        if at >= 0:
            return at
        start += PIECE + 1
    return content.find(needle, start, end)


def _count_lines(content: bytes, start: int, end: int) -> int:
    """Return how many LFs there are; in pieces, for the same reason."""
    lines = 0
    while end - start > PIECE:
        lines += content.count(b"\n", start, start + PIECE)
        start += PIECE
    return lines + content.count(b"\n", start, end)


class _Parser:
    """The state of one pass: the open multiparts, and the delimiter line that ended the last body."""

    __slots__ = ("clear", "content", "count", "ends", "fields", "leaves", "line", "nodes", "open", "owner", "sections")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.open: list[bytes] = []  # LF, two hyphens and boundary of each open multipart, outermost first
        self.ends: list[int] = []  # offset of the next delimiter of each; len(content) for none, -1 for unknown
        self.clear: list[int] = []  # offset before which there is no delimiter of each
        self.line = 0  # offset of the LF before the last body's delimiter line; len(content) for none
        self.owner = -1  # index in `open` of the multipart that owns that line; -1 for none
        self.count = 1  # parts so far
        self.nodes: list[bytes] = []
        self.leaves: list[Leaf] = []
        self.sections: list[tuple[int, int]] = []
        self.fields: list[tuple[bytes, bytes]] = []

    def run(self) -> Parsed:
        body, bodystructure, wire = self.entity(0, _TEXT_PLAIN, 0, is_message=True)
        date = dict(self.fields).get(b"date")  # the last one counts
        day = None if date is None else sent_day(date)
        kind, _, _, header_size, _ = _NODE.unpack(self.nodes[0])
        parts = b"".join(self.nodes) if kind != _LEAF else b""
        return Parsed(header_size, wire, body, bodystructure, parts, day, self.fields, self.leaves, self.sections)

    def delimit(self, position: int) -> None:
        """Find the next delimiter line, from its LF at `position` or later.

        RFC 2046 §5.1.2: a delimiter of an outer multipart ends the inner ones too. If one boundary begins with another,
        the longer one wins: RFC 2046 §5.1.1 wants the whole boundary at the beginning of the line, and ignores what
        follows.

        The search for an inner delimiter stops at the nearest outer one. Without this limit, a message with thousands
        of unclosed multiparts would be searched to its end once per multipart.
        """
        best, owner, length = len(self.content), -1, 0
        for index, line in enumerate(self.open):
            end = self.ends[index]
            if end < position and self.clear[index] <= best:
                end = _find(self.content, line, max(position, self.clear[index]), best + len(line))
                if end < 0:
                    self.clear[index] = best + 1
                    end = best if owner < 0 else -1
                self.ends[index] = end
            if position <= end < best or (end == best and owner >= 0 and len(line) >= length):
                best, owner, length = end, index, len(line)
        self.line, self.owner = best, owner

    def end(self, body: int) -> int:
        """Return the end of the body that begins at `body`. The CRLF before a delimiter line belongs to that line."""
        line = self.line
        if line <= body:
            return body
        if self.owner >= 0 and self.content[line - 1] == 0x0D:  # RFC 2046 §5.1.1
            line -= 1
        return line

    def entity(self, start: int, default: _Type, depth: int, *, is_message: bool) -> tuple[bytes, bytes, bytes]:
        """Read a header section and its body; return BODY, BODYSTRUCTURE and, of a message, its ENVELOPE."""
        content = self.content
        self.delimit(max(start - 1, 0))
        body = header_end(content, start, self.end(start))
        header = fields(content[start:body])
        if start == 0:
            self.fields = header
        elif body > start:
            self.sections.append((start, body))
        mime: dict[bytes, bytes] = {}
        for name, text in header:
            if name.startswith(b"content-"):
                # Of two dispositions, the one that names a file is of more use.
                if name == b"content-disposition" and b"=" not in mime.get(name, b"="):
                    mime[name] = text
                mime.setdefault(name, text)
        kind = _type(mime[b"content-type"]) if b"content-type" in mime else default
        if depth >= MAX_DEPTH and (kind.is_multipart or kind.is_message):
            kind = _OCTETS
        node = len(self.nodes)
        self.nodes.append(b"")
        if kind.is_multipart:
            if content.startswith(b"\n--" + kind.boundary, self.line):
                # The boundary is an outer one's too. The line is the inner one's, and the CRLF before it the header's.
                body = header_end(content, start, self.line + 1)
            inner, outer, children = self.multipart(body, kind, depth)
            self.nodes[node] = _NODE.pack(_MULTIPART, children, start, body, self.end(body))
            inner = b"(%b %b)" % (inner, kind.subtype)
            outer = b"(%b %b %b %b)" % (outer, kind.subtype, kind.wire, _extension(mime))
        elif kind.is_message:
            inner, outer = self.message(body, kind, mime, depth)
            self.nodes[node] = _NODE.pack(_EMBEDDED, 1, start, body, self.end(body))
        else:
            end = self.end(body)
            self.nodes[node] = _NODE.pack(_LEAF, 0, start, body, end)
            inner, outer = self.leaf(body, end, kind, mime)
        return inner, outer, envelope(header) if is_message else b""

    def basic(self, kind: _Type, mime: dict[bytes, bytes], size: int) -> tuple[bytes, bytes, bytes]:
        """Return body-fields, the extension data of a single part, and the encoding."""
        # body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
        if not mime:
            return b'%b NIL NIL "7bit" %d' % (kind.wire, size), b"NIL NIL NIL NIL", b"7bit"
        encoding = transfer_encoding(mime.get(b"content-transfer-encoding", b""))
        return (
            b"%b %b %b %b %d"
            % (
                kind.wire,
                nstring(mime.get(b"content-id")),
                nstring(mime.get(b"content-description")),
                nstring(encoding),
                size,
            ),
            b"%b %b" % (nstring(mime.get(b"content-md5")), _extension(mime)),
            encoding,
        )

    def leaf(self, body: int, end: int, kind: _Type, mime: dict[bytes, bytes]) -> tuple[bytes, bytes]:
        # body-type-basic = media-basic SP body-fields; body-type-text = media-text SP body-fields SP body-fld-lines
        basic, extension, encoding = self.basic(kind, mime, end - body)
        if kind.is_text:
            basic = b"%b %d" % (basic, _count_lines(self.content, body, end))
        self.leaves.append(Leaf(kind.main, kind.charset, encoding.lower(), body, end))
        return b"(%b)" % basic, b"(%b %b)" % (basic, extension)

    def message(self, body: int, kind: _Type, mime: dict[bytes, bytes], depth: int) -> tuple[bytes, bytes]:
        # body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines
        self.count += 1
        inner, outer, wire = self.entity(body, _TEXT_PLAIN, depth + 1, is_message=True)
        end = self.end(body)
        basic, extension, _ = self.basic(kind, mime, end - body)
        lines = _count_lines(self.content, body, end)
        return (
            b"(%b %b %b %d)" % (basic, wire, inner, lines),
            b"(%b %b %b %d %b)" % (basic, wire, outer, lines, extension),
        )

    def multipart(self, body: int, kind: _Type, depth: int) -> tuple[bytes, bytes, int]:
        """Read the parts of a multipart; return them for BODY and BODYSTRUCTURE, and how many they are."""
        content = self.content
        inner: list[bytes] = []
        outer: list[bytes] = []
        line = b"\n--%b" % kind.boundary
        mine = len(self.open)
        self.open.append(line)
        self.ends.append(-1)
        self.clear.append(0)
        default = _MESSAGE if kind.sub == b"digest" else _TEXT_PLAIN
        self.delimit(max(body - 1, 0))
        while self.owner == mine and self.count < MAX_PARTS:
            # close-delimiter := delimiter "--"
            if content.startswith(b"--", self.line + len(line)):
                break
            start = content.find(b"\n", self.line + 1) + 1
            if not start:  # the message ends within the delimiter line
                break
            self.count += 1
            short, extended, _ = self.entity(start, default, depth + 1, is_message=False)
            inner.append(short)
            outer.append(extended)
        self.open.pop()
        self.ends.pop()
        self.clear.pop()
        if self.owner == mine:  # the epilogue ends at the next outer delimiter line
            self.delimit(self.line + 1)
        if not inner:
            return _EMPTY_PART + b")", _EMPTY_PART + b" NIL NIL NIL NIL)", 0
        return b"".join(inner), b"".join(outer), len(inner)
