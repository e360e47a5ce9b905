"""The message that a script looks at: its header fields, which editheader may change, its addresses and its parts."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from postroad.mime.addresses import mailboxes
from postroad.mime.fields import fields, header_end, media_type, transfer_encoding
from postroad.mime.part import Kind
from postroad.mime.structure import parse, unpack
from postroad.mime.text import decode, decode_words, undo

if TYPE_CHECKING:
    from postroad.mime.part import Part

# A field begins a line that is not a continuation (RFC 5322 §2.2.3).
_FIELD = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]+\Z")
_EMPTY_LINE = re.compile(rb"^\r?\n\Z", re.MULTILINE)  # behind a header section (RFC 5322 §2.1)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


class Field(NamedTuple):
    """A header field: its name in lower case (b"" for a line that is none) and its octets with their line ends."""

    name: bytes
    octets: bytes

    @property
    def raw(self) -> bytes:
        """The value, unfolded, without white space around it (RFC 5228 §2.4.2.2)."""
        return _FOLD.sub(b"", self.octets.partition(b":")[2]).strip(b" \t\r\n")

    @property
    def text(self) -> str:
        """The value as people read it (RFC 5228 §2.7.2)."""
        return decode_words(self.raw)


class Body:
    """A part of the body (RFC 5173 §4): its media type in lower case, and its octets as they came.

    A multipart has two pieces, its prologue and its epilogue; any other part has one (RFC 5173 §5.2).
    """

    def __init__(self, kind: str, *pieces: bytes, encoding: bytes = b"7bit", charset: bytes | None = None) -> None:
        self.type = kind
        self._pieces = pieces
        self._encoding = encoding
        self._charset = charset

    @cached_property
    def texts(self) -> list[str]:
        """The pieces, decoded."""
        return [decode(undo(octets, self._encoding), self._charset) for octets in self._pieces]


class Message:
    """One message, as it will be stored."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._end = header_end(content, 0, len(content))
        section = content[: self._end]
        self._rest = b""
        fields = []
        for match in _FIELD.finditer(section):
            line = match[0]
            if line.strip(b"\r\n"):
                name, colon, _ = line.partition(b":")
                fields.append(Field(name.rstrip(b" \t").lower() if colon else b"", line))
            else:
                self._rest = line
        self._fields = fields
        self.edited = False
        self._values: dict[bytes, list[str]] = {}

    # Header fields

    def named(self, name: str) -> list[Field]:
        """Return the fields of this name, in any case."""
        wanted = name.lower().encode()
        return [field for field in self._fields if field.name == wanted]

    def values(self, name: str) -> list[str]:
        """Return the values of the fields of this name, as people read them."""
        wanted = name.lower().encode()
        if wanted not in self._values:
            self._values[wanted] = [field.text for field in self.named(name)]
        return self._values[wanted]

    def addresses(self, field: Field) -> list[tuple[str, str]]:
        """Return local-part and domain of each address in a field (RFC 5228 §5.1)."""
        return [
            (local.decode("utf-8", "replace"), domain.decode("utf-8", "replace"))
            for local, domain in mailboxes(field.raw)
        ]

    @property
    def header(self) -> bytes:
        """The header section as it is now, with the empty line that ends it."""
        return b"".join([field.octets for field in self._fields]) + self._rest

    @property
    def size(self) -> int:
        """How many octets the message has now (RFC 5228 §5.9, RFC 5293 §7)."""
        return len(self.header) + len(self.content) - self._end if self.edited else len(self.content)

    @property
    def header_size(self) -> int:
        """How many octets the header section had, with the empty line."""
        return self._end

    def add_field(self, octets: bytes, *, last: bool) -> None:
        """Add a field in front of all, or behind them (RFC 5293 §4)."""
        field = Field(octets.partition(b":")[0].lower(), octets)
        self._fields.insert(len(self._fields) if last else 0, field)
        self._changed()

    def remove_fields(self, removed: list[Field]) -> None:
        """Remove fields, which were found by `named` (RFC 5293 §5)."""
        gone = set(map(id, removed))
        self._fields = [field for field in self._fields if id(field) not in gone]
        self._changed()

    def _changed(self) -> None:
        self.edited = True
        self._values.clear()

    # Parts

    @property
    def has_body(self) -> bool:
        """Whether an empty line ends the header section, so that there is a body, maybe an empty one (RFC 5173 §4)."""
        return bool(self._rest)

    @property
    def raw_body(self) -> str:
        """The body as it came (RFC 5173 §5.1); octets that are not UTF-8 are Latin-1."""
        return decode(self.content[self._end :], None)

    @cached_property
    def parts(self) -> list[Body]:
        """All parts, multiparts and embedded messages among them (RFC 5173 §5.2)."""
        parsed = parse(self.content)
        root = unpack(parsed.parts, parsed.header_size, len(self.content))
        bodies: list[Body] = []
        self._collect(root, bodies)
        return bodies

    def _collect(self, part: Part, bodies: list[Body]) -> None:
        content = self.content
        given = dict(reversed(fields(content[part.start : part.body])))  # the first of each counts
        read = media_type(given.get(b"content-type", b""))
        kind = f"{read.value.decode('latin-1')}/{read.subtype.decode('latin-1')}".lower() if read else "text/plain"
        encoding = transfer_encoding(given.get(b"content-transfer-encoding", b"")).lower()
        charset = read.parameter(b"charset") if read else None
        if part.kind is Kind.LEAF:
            bodies.append(Body(kind, content[part.body : part.end], encoding=encoding, charset=charset))
        elif part.kind is Kind.MESSAGE:
            # RFC 5173 §5.2: of a message/rfc822 the header section is searched, and its parts by themselves
            inner = part.children[0]
            bodies.append(Body(kind, _EMPTY_LINE.sub(b"", content[inner.start : inner.body])))
        else:
            # RFC 5173 §5.2: of a multipart, prologue and epilogue, without the delimiter lines
            first, last = part.end, part.end
            if part.children:
                last = part.children[-1].end
                first = max(content.rfind(b"\n", 0, part.children[0].start - 1) + 1, part.body)
            delimiter = content.find(b"\n", last, part.end) + 1 or part.end
            epilogue = content.find(b"\n", delimiter, part.end) + 1 or part.end
            bodies.append(Body(kind, content[part.body : first], content[epilogue : part.end]))
        for child in part.children:
            self._collect(child, bodies)
