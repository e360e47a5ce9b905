"""A message, written (RFC 5322, RFC 2045, RFC 2047, RFC 2231): CRLF line ends, and no line over 998 octets.

All values are checked: none can add a field, and each address is one that SMTP carries.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.mail.address import AddressError, parse_address
from postroad_web.message.header import HeaderError, address_field, parameter, text_field

if TYPE_CHECKING:
    from postroad_web.catalog.record import Address

MAX_LINE = 998  # octets without the CRLF; RFC 5322 §2.1.1

# Fields that `Draft` has attributes for, or that this module or a server writes.
RESERVED = frozenset(
    {
        *("from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "content-type", "return-path", "received"),
        *("content-transfer-encoding", "content-disposition", "content-id"),
    }
)

# RFC 5322 §2.2: ftext = %d33-57 / %d59-126
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
# RFC 6838 §4.2: restricted-name
_MEDIA_TYPE = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126})\s*(?:;.*)?\Z"
)
# RFC 2397 §3: dataurl. The bound keeps the search linear in a text that begins such a URL again and again.
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
# RFC 2045 §7: id, read loosely: it is compared with what the HTML names
_CONTENT_ID = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,200}\Z")

_BY_SUFFIX = {
    **dict.fromkeys(("txt", "log", "text"), "text/plain"),
    **dict.fromkeys(("htm", "html"), "text/html"),
    **dict.fromkeys(("jpg", "jpeg"), "image/jpeg"),
    "csv": "text/csv",
    "css": "text/css",
    "md": "text/markdown",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "bmp": "image/bmp",
    "pdf": "application/pdf",
    "json": "application/json",
    "xml": "application/xml",
    "zip": "application/zip",
    "gz": "application/gzip",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_BY_BEGINNING = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)


class ComposeError(ValueError):
    """The message can't be written; the text is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file to attach; one with a Content-ID is shown inside the HTML."""

    content: bytes
    filename: str = ""
    content_type: str = ""  # found from the name or the content if it is empty
    content_id: str = ""  # without angle brackets


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What to write. The recipients in `bcc` get the message, and it does not name them.

    Without a Date or a Message-ID among `headers` it has none: the app door adds them (RFC 6409 §8.2, RFC 6409 §8.3).
    """

    from_: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The recipients of the envelope, each once."""
        return tuple(dict.fromkeys(address.address for address in (*self.to, *self.cc, *self.bcc)))


def compose_message(draft: Draft) -> bytes:
    """Return the message; raises `ComposeError`."""
    try:
        return _compose(draft)
    except HeaderError as error:
        raise ComposeError(str(error)) from None


def _compose(draft: Draft) -> bytes:
    lines = [address_field("From", _checked("From", (draft.from_,)))]
    for name, people in (("To", draft.to), ("Cc", draft.cc), ("Reply-To", draft.reply_to)):
        if people:
            lines.append(address_field(name, _checked(name, people)))
    _checked("Bcc", draft.bcc)
    lines.append(text_field("Subject", draft.subject))
    for name, value in draft.headers:
        if not _FIELD_NAME.match(name):
            raise ComposeError(f"{name[:100]!r} is not a name of a header field")
        if name.lower() in RESERVED:
            raise ComposeError(f"the header field {name} can't be set this way")
        lines.append(text_field(name, value))
    lines.append(b"MIME-Version: 1.0\r\n")
    body = _entity(draft)
    return b"".join(lines) + body + (b"" if body.endswith(b"\r\n") else b"\r\n")


def _checked(field: str, people: tuple[Address, ...]) -> tuple[Address, ...]:
    for person in people:
        try:
            parse_address(person.address)
        except AddressError as error:
            raise ComposeError(f"{person.address[:300]!r} in {field} is not an address: {error}") from None
    return people


def _entity(draft: Draft) -> bytes:
    """Return the MIME fields and the body."""
    shown = [file for file in draft.attachments if file.content_id and draft.html is not None]
    attached = [file for file in draft.attachments if file not in shown]
    alternatives = []
    if draft.text is not None or draft.html is None:
        alternatives.append(_text("plain", draft.text or ""))
    if draft.html is not None:
        html = _text("html", draft.html)
        if shown:
            # RFC 2387 §3.1: type names the type of the root, which is the first part
            html = _multipart("related", [html, *map(_file, shown)], '; type="text/html"')
        alternatives.append(html)
    body = alternatives[0] if len(alternatives) == 1 else _multipart("alternative", alternatives)
    return _multipart("mixed", [body, *map(_file, attached)]) if attached else body


def _multipart(subtype: str, parts: list[bytes], parameters: str = "") -> bytes:
    # It can't be in a part: who writes one that has its own hash has broken SHA-256.
    boundary = b"=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:32].encode()
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    head = f"Content-Type: multipart/{subtype}{parameters};\r\n boundary=".encode()
    return b'%b"%b"\r\n\r\n%b--%b--\r\n' % (head, boundary, body, boundary)


def _text(subtype: str, text: str) -> bytes:
    """Return a text part, in the encoding that changes least of it."""
    octets = re.sub("\r\n?", "\n", text).encode("utf-8", "replace")
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: ".encode()
    longest = max(map(len, octets.split(b"\n")))
    if octets.isascii() and longest <= MAX_LINE and b"\0" not in octets:
        return head + b"7bit\r\n\r\n" + octets.replace(b"\n", b"\r\n")
    # RFC 2045 §6.7: quoted-printable is for what is mostly ASCII; European texts are
    if sum(octet > 127 for octet in octets) * 10 <= len(octets) * 3:
        encoded = binascii.b2a_qp(octets, istext=True)
        return head + b"quoted-printable\r\n\r\n" + encoded.replace(b"\n", b"\r\n")
    return head + b"base64\r\n\r\n" + _base64(octets.replace(b"\n", b"\r\n"))


def _file(file: Attachment) -> bytes:
    content_type = media_type_of(file)
    lines = [f"Content-Type: {content_type}\r\n".encode()]
    disposition = b"inline" if file.content_id else b"attachment"
    filename = parameter("filename", file.filename) if file.filename else b""
    lines.append(b"Content-Disposition: %b%b\r\n" % (disposition, filename))
    if file.content_id:
        if not _CONTENT_ID.match(file.content_id):
            raise ComposeError(f"{file.content_id[:100]!r} is not a Content-ID")
        lines.append(f"Content-ID: <{file.content_id}>\r\n".encode())
    # RFC 2046 §5.2.1 allows no base64 for message/rfc822: a message is then attached as octets
    return b"".join(lines) + b"Content-Transfer-Encoding: base64\r\n\r\n" + _base64(file.content)


def octets_of(text: str) -> bytes:
    """Return octets that are written in base64 or as a `data:` URL in it; raises `ValueError`."""
    return base64.b64decode(_SPACE.sub("", _DATA_URL.sub("", text, count=1)), validate=True)


def media_type_of(file: Attachment) -> str:
    """Return the media type of a file: as given, else by its name, else by its beginning."""
    content_type = file.content_type
    if content_type:
        match = _MEDIA_TYPE.match(content_type)
        if match is None or match[1].lower().startswith("multipart/"):
            raise ComposeError(f"{content_type[:100]!r} is not a media type for a file")
        content_type = match[1]
    else:
        suffix = file.filename.rpartition(".")[2].lower()
        begins = (kind for beginning, kind in _BY_BEGINNING if file.content.startswith(beginning))
        content_type = _BY_SUFFIX.get(suffix) or next(begins, "application/octet-stream")
    return "application/octet-stream" if content_type.lower() == "message/rfc822" else content_type


def _base64(octets: bytes) -> bytes:
    # RFC 2045 §6.8: lines of at most 76 characters
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")
