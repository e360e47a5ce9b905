"""What lists and searches need to know of a message's content. Pure.

The searchable text has a line per thing: subject, addresses of the header and of the envelope, names of attachments,
then the text, and what the HTML says, with the URLs of its links. It is cut at `MAX_TEXT`.
"""

from __future__ import annotations

import re
from calendar import timegm
from typing import TYPE_CHECKING, Final, NamedTuple

from postroad.mail.dates import MONTHS
from postroad.mime.text import decode, decode_words, undo
from postroad.remembered import remembered
from postroad_web.catalog.record import Address, Digest
from postroad_web.catalog.searchable import searchable
from postroad_web.catalog.tags import tags_of
from postroad_web.message.addresses import addresses
from postroad_web.message.markup import Markup, read_markup
from postroad_web.message.parse import header_lines, parse_date
from postroad_web.message.parts import outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.message.parts import Entity

MAX_TEXT: Final = 256 * 1024  # characters of searchable text
MAX_PART: Final = 512 * 1024  # octets of a text part that are decoded
SNIPPET: Final = 200  # octets

_ADDRESSES: Final = frozenset({b"from", b"to", b"cc", b"bcc", b"reply-to", b"return-path"})
_TEXTS: Final = frozenset({b"subject", b"date", b"x-tags"})
_MONTHS: Final = {name.encode("ascii"): number for number, name in enumerate(MONTHS, 1)}
# RFC 5322 §3.3: [ day-of-week "," ] day month year hour ":" minute [ ":" second ] zone, in its common form
_DATE = re.compile(
    rb"(?:[A-Z][a-z]{2}, ?)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)(?: \(\w*\))?\Z"
)


_addresses = remembered(1024, 256)(addresses)  # a sender's messages name the same people again and again


class Extract(NamedTuple):
    """What the catalog keeps of a content."""

    digest: Digest
    text: str  # in the form of `searchable`
    header: str  # as `header_lines` has it


def read_content(content: bytes, recipients: Sequence[str]) -> Extract:
    """Read a message with these recipients in its envelope; never fails."""
    _, header, _, text_parts, html_part, attachments, inline = outline(content)
    people: dict[bytes, tuple[Address, ...]] = {}
    texts: dict[bytes, list[bytes]] = {}
    for name, value in header:
        if name in _ADDRESSES:
            people[name] = people.get(name, ()) + _addresses(value)
        elif name in _TEXTS:
            texts.setdefault(name, []).append(value)
    subject = decode_words(texts[b"subject"][0]) if b"subject" in texts else ""
    markup = read_markup(_decoded(content, html_part)) if html_part is not None else Markup("", ())
    plain = [_decoded(content, part) for part in text_parts]
    named = [part for part in (*attachments, *inline) if part.filename or part.content_id]
    none: tuple[Address, ...] = ()
    digest = Digest(
        subject=_clean(subject),
        from_=_all_clean(people.get(b"from", none)),
        to=_all_clean(people.get(b"to", none)),
        cc=_all_clean(people.get(b"cc", none)),
        bcc=_all_clean(people.get(b"bcc", none)),
        reply_to=_all_clean(people.get(b"reply-to", none)),
        date=_seconds(texts[b"date"][0]) if b"date" in texts else None,
        snippet=_snippet(markup.beginning or "\n".join(plain)),
        attachments=sum(1 for part in named if part in attachments),
        inline=sum(1 for part in named if part not in attachments),
        tags=tags_of(
            [decode_words(value) for value in texts.get(b"x-tags", ())],
            [
                *recipients,
                *(address.address for name in (b"to", b"cc", b"bcc", b"from") for address in people.get(name, none)),
            ],
        ),
    )
    lines = [
        subject,
        *(f"{address.name} {address.address}" for several in people.values() for address in several),
        *recipients,
        *(part.filename for part in named),
        *plain,
        markup.text,
    ]
    return Extract(digest, searchable("\n".join(lines)[:MAX_TEXT]), header_lines(header))


def _decoded(content: bytes, part: Entity) -> str:
    octets = content[part.node.body : min(part.node.end, part.node.body + MAX_PART)]
    return decode(
        undo(octets, part.encoding.encode("ascii", "replace")), part.charset.encode("ascii", "replace") or None
    )


def _snippet(text: str) -> str:
    """Return the beginning of a text on one line, with three dots where more follows."""
    line = _clean(" ".join(text[: 5 * SNIPPET].split()))
    if len(line) <= SNIPPET and line.isascii():
        return line
    octets = line.encode("utf-8")
    if len(octets) <= SNIPPET:
        return line
    return octets[:SNIPPET].decode("utf-8", "ignore").rstrip() + "..."


def _seconds(value: bytes) -> float | None:
    match = _DATE.match(value)
    if match is None:
        return parse_date(decode(value, None))
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    if month not in _MONTHS:
        return None
    seconds = timegm((int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second)))
    offset = int(hours) * 3600 + int(minutes) * 60
    return float(seconds - offset if sign == b"+" else seconds + offset)


def _clean(text: str) -> str:
    """Return a text that UTF-8 can encode, without NULs."""
    if text.isascii():
        return text.replace("\0", " ")
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _all_clean(several: tuple[Address, ...]) -> tuple[Address, ...]:
    return tuple(Address(_clean(address.name), _clean(address.address)) for address in several)
