"""What `parse_message` returns: a message with everything decoded."""

from __future__ import annotations

from dataclasses import KW_ONLY, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from postroad.value import value

if TYPE_CHECKING:
    from postroad_web.catalog.record import Address


class Field(NamedTuple):
    """A header field: its name as written, its value unfolded; decoded or not, as said where it is used."""

    name: str
    value: str


class Role(StrEnum):
    """What a part is in its message."""

    MULTIPART = "multipart"
    TEXT = "text"  # of the text that people read
    HTML = "html"  # the HTML that people read
    ATTACHMENT = "attachment"
    INLINE = "inline"  # shown inside the text, or without a disposition
    OTHER = "other"  # a text that is neither shown nor attached, such as the second text of an alternative


@value
class Part:
    """A part of a message. An attachment or inline part also has checksums of its decoded content, in lower hex."""

    _: KW_ONLY
    part_id: str
    role: Role
    content_type: str  # type and subtype, in lower case
    charset: str
    encoding: str  # Content-Transfer-Encoding, in lower case
    disposition: str
    filename: str
    content_id: str  # without its angle brackets
    size: int  # octets, decoded
    md5: str
    sha1: str
    sha256: str
    body: int  # offset of the encoded content in the message
    end: int


class Link(NamedTuple):
    """A link that the message shows.

    `kind` is `link` (http or https), `unsubscribe`, `mail` (mailto), `phone` (tel), or `other`, which is not safe to
    follow. `source` is `html` or `text`.
    """

    url: str
    text: str  # what the reader sees; of an image, its alternative text
    kind: str
    source: str


class Code(NamedTuple):
    """What may be a one-time code; the likeliest has the highest score (1 to 100)."""

    value: str  # without the spaces and hyphens between groups of digits
    reason: str
    score: int


@value
class Unsubscribe:
    """The List-Unsubscribe fields (RFC 2369 §3.2, RFC 8058 §3.1), and what is wrong with them."""

    header: str = ""
    post: str = ""  # List-Unsubscribe-Post
    links: tuple[str, ...] = ()
    one_click: bool = False  # a mail client may unsubscribe with one POST
    errors: tuple[str, ...] = ()


@value
class Parsed:
    """A message, read."""

    _: KW_ONLY
    headers: tuple[Field, ...] = ()  # values decoded (RFC 2047)
    raw_headers: tuple[Field, ...] = ()  # values as sent, unfolded
    subject: str = ""
    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    message_id: str = ""  # without its angle brackets
    date: float | None = None  # the Date field, seconds since the epoch
    text: str = ""  # from the HTML if no part is plain text
    html: str = ""
    text_is_generated: bool = False
    parts: tuple[Part, ...] = ()  # all, in the order of the message; those of an embedded message are not among them
    attachments: tuple[Part, ...] = ()
    inline: tuple[Part, ...] = ()
    links: tuple[Link, ...] = ()
    codes: tuple[Code, ...] = ()
    list_unsubscribe: Unsubscribe = field(default=Unsubscribe())
    size: int = 0  # octets

    def part(self, part_id: str) -> Part | None:
        """Return the part with this ID, or None."""
        return next((part for part in self.parts if part.part_id == part_id), None)

    def header(self, name: str) -> str | None:
        """Return the decoded value of the first field with this name, or None."""
        lower = name.lower()
        return next((value for field_name, value in self.headers if field_name.lower() == lower), None)
