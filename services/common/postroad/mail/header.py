"""A message's header section (RFC 5322 §2.1), read for what relay and store must know of it. Pure.

One grammar for all: a field is a name, white space perhaps (obs-optional, RFC 5322 §4.5.8), a colon; its value may
begin on a continuation line (RFC 5322 §2.2.3). Names are not case sensitive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# RFC 5321 §6.3: loops are found by counting Received fields; the threshold SHOULD be large, at least 100 is its
# advice. Postroad's road has two hops, and 50 is what Postfix counts to.
RECEIVED_LIMIT = 50
MOST_MESSAGE_IDS = 10  # that are kept of one message

_COLON = rb"[ \t]*:"
_FOLD = rb"[ \t]*(?:\r\n[ \t]+)*"  # FWS, any number of lines
# msg-id = "<" id-left "@" id-right ">", read loosely: other programs compare it, and we only show it
_FIELDS = re.compile(
    rb"^(received|date|message-id)" + _COLON + _FOLD + rb"((?:<[^<>\r\n]{1,996}>)?)", re.IGNORECASE | re.MULTILINE
)
_RETURN_PATH = re.compile(rb"^return-path" + _COLON + rb"[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
# field-name = 1*ftext; ftext = %d33-57 / %d59-126. The line in front is the mark of the mbox format, which some
# programs forget to take off: fields follow it.
_BEGINNING = re.compile(rb"(?:>*From [^\r\n]*\r\n)?[!-9;-~]+" + _COLON)


@dataclass(frozen=True, slots=True)
class Header:
    """What matters of a header section."""

    received: int  # how many Received fields
    has_date: bool
    message_id: str | None  # of the first Message-ID that is one, with its angle brackets
    has_message_id: bool
    is_ascii: bool
    is_missing: bool = False  # the content begins with its body
    # RFC 5322 §3.6 allows one Message-ID. The others are what somebody may look for, too.
    further_message_ids: tuple[str, ...] = ()

    def loops(self, *, hops: int = 0) -> bool:
        """Return whether the message has passed so many hosts that it must be going round (RFC 5321 §6.3).

        `hops` is how many hosts have counted and let it pass on its way from the one that took it from outside:
        each has added a field, and what the first took, the next must not refuse.
        """
        return self.received >= RECEIVED_LIMIT + hops

    @property
    def separator(self) -> bytes:
        """The octets that end the header section which trace fields begin, where the content has none itself.

        RFC 5322 §2.1: an empty line separates header section and body. Without it the body's first lines would be
        taken for a part of the header section.
        """
        return b"\r\n" if self.is_missing else b""


_MISSING = Header(0, has_date=False, message_id=None, has_message_id=False, is_ascii=True, is_missing=True)


def read_header(section: bytes) -> Header:
    """Read what stands before the first empty line of a content, which is no header section if no field begins it."""
    if section and not _BEGINNING.match(section):
        return _MISSING
    received, has_date, has_id = 0, False, False
    idents: list[str] = []
    for name, value in _FIELDS.findall(section):
        match name.lower():
            case b"received":
                received += 1
            case b"date":
                has_date = True
            case _:
                has_id = True
                if value and len(idents) < MOST_MESSAGE_IDS:
                    idents.append(value.decode("utf-8", "replace"))
    return Header(
        received,
        has_date,
        idents[0] if idents else None,
        has_id,
        section.isascii(),
        further_message_ids=tuple(idents[1:]),
    )


def without_return_path(octets: bytes, header_size: int) -> bytes:
    """Return the message without the Return-Path fields of its header section, which has `header_size` octets."""
    section = octets[:header_size]
    if not _RETURN_PATH.search(section):
        return octets
    return _RETURN_PATH.sub(b"", section) + octets[header_size:]
