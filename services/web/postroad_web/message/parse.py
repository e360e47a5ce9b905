"""A message, read: header, texts, parts, links, codes. Nothing that anybody may send makes it fail.

Charsets that are unknown and octets that are none of their charset's are replaced. format=flowed (RFC 3676) is left as
it was sent.
"""

from __future__ import annotations

import re
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING

from postroad.mime.fields import header_end, unfold
from postroad.mime.text import decode, decode_words
from postroad_web.message.addresses import addresses
from postroad_web.message.codes import codes_of
from postroad_web.message.links import links_of
from postroad_web.message.markup import Markup, read_markup
from postroad_web.message.parsed import Field, Parsed
from postroad_web.message.parts import part_octets, sorted_parts
from postroad_web.message.unsubscribe import read_unsubscribe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.record import Address
    from postroad_web.message.parsed import Part

MAX_HEADER = 32 * 1024  # characters of a header that searches see
MAX_MARKUP = 4 * 1024 * 1024  # characters of HTML that are read for text and links

_FIELD = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*\n?")  # with the lines that continue it
_BREAKS = re.compile(r"[\0\r\n]")
_BREAKS_IN_LINES = {ord(character): " " for character in "\0\r"}
# Looked for where no parameter names the charset.
_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


def parse_message(raw: bytes) -> Parsed:
    """Return the message with everything decoded; never fails."""
    sent = _fields(raw)
    raw_headers = tuple(Field(decode(name, None), decode(value, None)) for name, value in sent)
    headers = tuple(
        Field(field.name, decode_words(value) if b"=?" in value else field.value)
        for field, (_, value) in zip(raw_headers, sent, strict=True)
    )
    by_name: dict[bytes, list[bytes]] = {}
    for name, value in sent:
        by_name.setdefault(name.lower(), []).append(value)

    def people(name: bytes) -> tuple[Address, ...]:
        return tuple(address for value in by_name.get(name, ()) for address in addresses(value))

    def first(name: bytes) -> str | None:
        return decode_words(by_name[name][0]) if name in by_name else None

    parts = sorted_parts(raw)
    html = "" if parts.html is None else _shown(raw, parts.html)
    text = "\n--\n".join([_shown(raw, part) for part in parts.texts])
    markup = read_markup(html[:MAX_MARKUP]) if html else Markup("", ())
    generated = not text and bool(html)
    if generated:
        text = markup.text
    subject = first(b"subject") or ""
    unsubscribe = read_unsubscribe(first(b"list-unsubscribe"), first(b"list-unsubscribe-post"))
    return Parsed(
        headers=headers,
        raw_headers=raw_headers,
        subject=subject,
        from_=people(b"from"),
        to=people(b"to"),
        cc=people(b"cc"),
        bcc=people(b"bcc"),
        reply_to=people(b"reply-to"),
        message_id=(first(b"message-id") or "").strip().removeprefix("<").removesuffix(">"),
        date=parse_date(first(b"date") or ""),
        text=text,
        html=html,
        text_is_generated=generated,
        parts=parts.parts,
        attachments=parts.attachments,
        inline=parts.inline,
        links=links_of(markup.anchors, "" if generated else text, unsubscribe.links),
        codes=codes_of(subject, text),
        list_unsubscribe=unsubscribe,
        size=len(raw),
    )


def header_lines(header: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the fields (lower-case name, unfolded value) for searches: a line `name: value` each, the value decoded.

    Each line has a line feed on both sides. It is cut at `MAX_HEADER`.
    """
    octets = b"\n".join([b"%b: %b" % field for field in header])
    if octets.isascii() and b"=?" not in octets:  # a fifth of the time
        text = octets.decode("ascii").translate(_BREAKS_IN_LINES)[:MAX_HEADER]
        return f"\n{text}\n"
    lines = [_BREAKS.sub(" ", f"{decode(name, None)}: {decode_words(value)}") for name, value in header]
    text = "\n".join(lines)[:MAX_HEADER]
    return f"\n{text}\n"


def without_fields(
    raw: bytes, dropped: frozenset[bytes], *, of: frozenset[bytes] = frozenset()
) -> tuple[bytes, dict[bytes, list[bytes]]]:
    """Return a message without header fields of some names, and the unfolded values of those and of the names `of`."""
    end = header_end(raw, 0, len(raw))
    values: dict[bytes, list[bytes]] = {name: [] for name in dropped | of}
    kept: list[bytes] = []
    for field in _FIELD.findall(raw[:end]):
        name = field.partition(b":")[0].strip(b" \t").lower()
        if name in values:
            values[name].append(unfold(field).partition(b":")[2].strip(b" \t\r\n"))
        if name not in dropped:
            kept.append(field)
    return b"".join(kept) + raw[end:], values


def _fields(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Return the (name as written, unfolded value) of each field of the message's header."""
    read = []
    for line in unfold(raw[: header_end(raw, 0, len(raw))]).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            read.append((name.rstrip(b" \t"), value.strip(b" \t\r")))
    return read


def _shown(raw: bytes, part: Part) -> str:
    """Return a text part as text."""
    octets = part_octets(raw, part)
    charset = part.charset.encode("ascii", "replace")
    if not charset and part.content_type == "text/html" and (match := _META_CHARSET.search(octets, 0, 4096)):
        charset = match[1]
    return decode(octets, charset)


def parse_date(value: str) -> float | None:
    """Return a Date field in seconds since the epoch (RFC 5322 §3.3); None if it is unreadable."""
    try:
        read = parsedate_tz(value[:200])
        return None if read is None else float(mktime_tz(read))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
