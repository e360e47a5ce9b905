"""The parts of a message, numbered and sorted as enmime does it, on which clients of Mailpit rely.

The root of a message is part `0`, its children are `1`, `2` and so on, and child n of part p is `p.n`; a multipart
inside a multipart has `.0` behind its own number. A part is an attachment if its disposition says so or if it is
application/octet-stream. It is inline if its disposition says so, or if it has none and is neither a text nor a
multipart. An embedded message is one part.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from postroad.mime.fields import Parameterized, disposition, fields, header_end, media_type, transfer_encoding
from postroad.mime.part import Kind
from postroad.mime.part import Part as Node
from postroad.mime.structure import parse, unpack
from postroad.mime.text import decode, decode_words, undo
from postroad.remembered import remembered
from postroad_web.message.parsed import Part, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

# Outlines that are kept, and of how many octets the message may be: the catalog reads a message a moment before those
# do who wait for it. A message of this size has 3,000 parts at most, which take 2 MB.
NEWEST: Final = 16
SMALL: Final = 16 << 10

_TEXT, _HTML = "text/plain", "text/html"
_OCTETS = "application/octet-stream"
_ATTACHMENT, _INLINE = "attachment", "inline"


class Entity(NamedTuple):
    """A part before its role is known (RFC 2045 §2.4), its content not yet decoded."""

    part_id: str
    depth: int
    node: Node
    content_type: str
    charset: str
    encoding: str
    disposition: str
    filename: str
    content_id: str

    @property
    def is_multipart(self) -> bool:
        """Whether it has parts of its own."""
        return self.node.kind is Kind.MULTIPART

    @property
    def is_attached(self) -> bool:
        """Whether its disposition says that it is an attachment."""
        return self.disposition == _ATTACHMENT


class Sorted(NamedTuple):
    """The parts, and what each is for. Attachments and inline parts are those that have a name or a Content-ID."""

    parts: tuple[Part, ...]
    texts: tuple[Part, ...]
    html: Part | None
    attachments: tuple[Part, ...]
    inline: tuple[Part, ...]


class Outline(NamedTuple):
    """The same before anything is decoded: all parts, and what each is for."""

    header_size: int  # octets of the header section with its empty line
    header: list[tuple[bytes, bytes]]  # its fields
    reads: list[Entity]
    texts: list[Entity]
    html: Entity | None
    attachments: list[Entity]
    inline: list[Entity]


@remembered(NEWEST, SMALL)
def outline(content: bytes) -> Outline:
    """Return the parts of a message, without looking into them."""
    header_size = header_end(content, 0, len(content))
    header = fields(content[:header_size])
    if b"multipart" in content[:header_size].lower():
        parsed = parse(content)
        root = unpack(parsed.parts, parsed.header_size, len(content))
    else:  # no need to look for parts: saves half of the time
        root = Node(Kind.LEAF, 0, header_size, len(content))
    reads = list(_walk(content, root, header))
    if reads[0].is_multipart:
        by_depth = sorted(reads, key=lambda read: read.depth)
        return Outline(header_size, header, reads, *_of_multipart(reads, by_depth))
    return Outline(header_size, header, reads, *_of_single(reads[0]))


def sorted_parts(content: bytes) -> Sorted:
    """Return the parts of a message."""
    _, _, reads, texts, html, attachments, inline = outline(content)
    roles = {read.part_id: Role.INLINE for read in inline}
    roles |= {read.part_id: Role.ATTACHMENT for read in attachments}
    roles |= {read.part_id: Role.TEXT for read in texts}
    if html is not None:
        roles[html.part_id] = Role.HTML
    known = {read.part_id: _part(content, read, roles.get(read.part_id, Role.OTHER)) for read in reads}

    def named(few: list[Entity]) -> tuple[Part, ...]:
        return tuple(known[read.part_id] for read in few if read.filename or read.content_id)

    return Sorted(
        tuple(known.values()),
        tuple(known[read.part_id] for read in texts),
        None if html is None else known[html.part_id],
        named(attachments),
        named(inline),
    )


def _of_multipart(
    reads: list[Entity], by_depth: list[Entity]
) -> tuple[list[Entity], Entity | None, list[Entity], list[Entity]]:
    leaves = [read for read in by_depth if not read.is_multipart]
    plain = [read for read in reads if read.content_type == _TEXT and not read.is_attached]
    if reads[0].content_type == "multipart/alternative":
        first = [read for read in leaves if read.content_type == _TEXT and not read.is_attached]
        plain = first[:1]
    html = next((read for read in leaves if read.content_type == _HTML and not read.is_attached), None)
    attachments = [read for read in leaves if read.is_attached or read.content_type == _OCTETS]
    inline = [read for read in leaves if read.disposition == _INLINE and read.content_type != _OCTETS]
    inline += [read for read in leaves if not read.disposition and read.content_type not in {_TEXT, _HTML, _OCTETS}]
    return plain, html, attachments, inline


def _of_single(read: Entity) -> tuple[list[Entity], Entity | None, list[Entity], list[Entity]]:
    if read.is_attached or read.content_type not in {_TEXT, _HTML}:
        return ([], None, [], [read]) if read.disposition == _INLINE else ([], None, [read], [])
    return ([], read, [], []) if read.content_type == _HTML else ([read], None, [], [])


def _walk(content: bytes, root: Node, header: list[tuple[bytes, bytes]]) -> Iterator[Entity]:
    """Yield the parts in the order of the message, without recursion."""
    waiting: list[tuple[Node, str, int, str]] = [(root, "", 0, _TEXT)]
    while waiting:
        node, number, depth, default = waiting.pop()
        mime: dict[bytes, bytes] = {}
        for name, value in fields(content[node.start : node.body]) if number else header:
            if name.startswith(b"content-"):
                mime.setdefault(name, value)
        read = _read(node, number or "0", depth, default, mime)
        if node.kind is not Kind.MULTIPART:
            yield read
            continue
        # enmime numbers the root 0, and any other multipart by its place and .0
        yield read._replace(part_id=f"{number}.0") if number else read
        below = "message/rfc822" if read.content_type == "multipart/digest" else _TEXT  # RFC 2046 §5.1.5
        prefix = f"{number}." if number else ""
        children = [(child, f"{prefix}{place}", depth + 1, below) for place, child in enumerate(node.children, 1)]
        waiting += reversed(children)


def _read(node: Node, part_id: str, depth: int, default: str, mime: dict[bytes, bytes]) -> Entity:
    kind = media_type(mime[b"content-type"]) if b"content-type" in mime else None
    content_type = default if kind is None else _ascii(kind.value + b"/" + kind.subtype)
    if content_type.startswith("multipart/") and node.kind is not Kind.MULTIPART:
        # RFC 2045 §5.2: without a boundary it is read as plain text; too deep, as octets
        content_type = _TEXT if kind is None or not kind.parameter(b"boundary") else _OCTETS
    shown = disposition(mime.get(b"content-disposition", b""))
    filename = _parameter(shown, b"filename") or _parameter(kind, b"name") or _parameter(kind, b"file")
    return Entity(
        part_id,
        depth,
        node,
        content_type,
        _ascii((kind.parameter(b"charset") if kind else None) or b""),
        _ascii(transfer_encoding(mime.get(b"content-transfer-encoding", b""))),
        _ascii(shown.value) if shown else "",
        filename,
        decode(mime.get(b"content-id", b""), None).strip().removeprefix("<").removesuffix(">"),
    )


def _ascii(value: bytes) -> str:
    return value.decode("ascii", "replace").lower()


def _parameter(value: Parameterized | None, name: bytes) -> str:
    """Return a parameter as text: in RFC 2231's form, or in the RFC 2047 form that many mailers write instead."""
    if value is None:
        return ""
    for attribute, text in value.parameters:
        # RFC 2231 §4: charset'language'percent-encoded
        if attribute.lower() == name + b"*" and text.count(b"'") >= 2:
            charset, _, octets = text.split(b"'", 2)
            return decode(unquote_to_bytes(octets), charset)
    return decode_words(value.parameter(name) or b"")


def _part(content: bytes, read: Entity, role: Role) -> Part:
    node = read.node
    if read.is_multipart:
        role, octets = Role.MULTIPART, b""
    else:
        octets = undo(content[node.body : node.end], read.encoding.encode("ascii", "replace"))
    listed = role in {Role.ATTACHMENT, Role.INLINE}
    return Part(
        part_id=read.part_id,
        role=role,
        content_type=read.content_type,
        charset=read.charset,
        encoding=read.encoding,
        disposition=read.disposition,
        filename=read.filename,
        content_id=read.content_id,
        size=len(octets),
        # Mailpit shows them; they are not meant to keep anybody out
        md5=hashlib.md5(octets, usedforsecurity=False).hexdigest() if listed else "",
        sha1=hashlib.sha1(octets, usedforsecurity=False).hexdigest() if listed else "",
        sha256=hashlib.sha256(octets).hexdigest() if listed else "",
        body=node.body,
        end=node.end,
    )


def part_octets(content: bytes, part: Part) -> bytes:
    """Return the content of a part, its transfer encoding undone; a multipart's as it is."""
    octets = content[part.body : part.end]
    if part.role is Role.MULTIPART:
        return octets
    return undo(octets, part.encoding.encode("ascii", "replace"))
