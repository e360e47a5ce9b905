"""The source of a message as Mailpit shows it, and its header section as a map. Pure.

Mailpit has the message as its SMTP server took it: fields of the server's own in front of what the client sent. Here
that is the relay's copy, which begins with the Received field that names the queue ID. What the store's hop has added
in front of it is left out, so that source and size are the same before and after delivery.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.control import names
from postroad.mail.header import without_return_path
from postroad.mime.fields import header_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.record import Record

_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_RECEIVED = re.compile(rb"^received[ \t]*:.*(?:\n[ \t].*)*\n", re.MULTILINE | re.IGNORECASE)
_RENEWED = re.compile(rb"^(?:bcc|date|message-id)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.MULTILINE | re.IGNORECASE)
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def envelope_only(record: Record) -> tuple[str, ...]:
    """Return the recipients of the envelope that no address field of the header names: the blind ones."""
    named = frozenset() if record.digest is None else record.digest.named
    blind: dict[str, str] = {}
    for recipient in record.recipients:
        if recipient.address.lower() not in named:
            blind.setdefault(recipient.address.lower(), recipient.address)
    return tuple(blind.values())


def added(record: Record, hidden: Sequence[str]) -> bytes:
    """Return the fields that Mailpit would add: Bcc with the recipients that only the envelope names, Return-Path."""
    bcc = f"Bcc: {', '.join(hidden)}\r\n" if hidden else ""
    return f"{bcc}Return-Path: <{record.sender or ''}>\r\n".encode("utf-8", "replace")


def size(record: Record, hidden: Sequence[str]) -> int:
    """Return the octets of the source, with its Received field; `hidden` is what `envelope_only` returns."""
    return len(added(record, hidden)) + record.size


def taken(record: Record, content: bytes) -> tuple[bytes, bytes]:
    """Return the relay's Received field and what the client sent, of a copy of the relay or of the store.

    In a message of a form that is not known all is what the client sent, except for the Return-Path in front.
    """
    end = header_end(content, 0, len(content))
    ident = re.compile(rb"\bid " + re.escape(record.id.encode()) + rb"\b")
    field = b""
    for match in _RECEIVED.finditer(content, 0, end):
        if ident.search(match[0]):
            field, content = match[0], content[match.end() :]
            break
    return field, without_return_path(content, header_end(content, 0, len(content)))


def source(record: Record, content: bytes) -> bytes:
    """Return the source of the message whose content is a copy of the relay or of the store."""
    field, sent = taken(record, content)
    # A message that came by HTTP has no such field in Mailpit.
    return added(record, envelope_only(record)) + (b"" if record.client == names.WEB else field) + sent


def header_map(content: bytes) -> dict[str, list[str]]:
    """Return the values of each field of the header section, unfolded and undecoded, by its name in Go's form."""
    section = content[: header_end(content, 0, len(content))]
    values: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(section):
        text = _FOLD.sub(" ", value.decode("utf-8", "replace").strip())
        values.setdefault(canonical(name.decode("ascii")), []).append(text)
    return dict(sorted(values.items()))


def canonical(name: str) -> str:
    """Return a field's name as Go writes it: capitals at the beginning and after hyphens, if it is a token at all."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(word[:1].upper() + word[1:].lower() for word in name.split("-"))


def renewed(content: bytes, *, date: str, message_id: str) -> bytes:
    """Return the message with this Date and Message-ID instead of its own, and without the names of blind copies."""
    end = header_end(content, 0, len(content))
    section = _RENEWED.sub(b"", content[:end])
    return f"Date: {date}\r\nMessage-ID: {message_id}\r\n".encode("ascii") + section + content[end:]
