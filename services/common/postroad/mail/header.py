"""A message's header section (RFC 5322 §2.1), as far as relay and store need it. Pure.

One grammar for all: a field is a name, optional white space (obsolete, RFC 5322 §4.5.8), a colon, and a value, which
may begin on a continuation line (RFC 5322 §2.2.3). Names are not case sensitive.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# RFC 5321 §6.3: loops are found by counting Received fields; the threshold SHOULD be large, such as 100. Postroad has
# two hops, and takes the 50 of Postfix.
RECEIVED_LIMIT = 50
MOST_MESSAGE_IDS = 10  # that are kept of one message

_COLON = rb"[ \t]*:"
_FOLD = rb"[ \t]*(?:\r\n[ \t]+)*"  # FWS, any number of lines
# msg-id = "<" id-left "@" id-right ">", read loosely: it is only shown and compared. The LF before a field is literal,
# which is found in a third of the time that "^" with MULTILINE takes.
_FIELDS = re.compile(rb"\n(received|date|message-id)" + _COLON + _FOLD + rb"((?:<[^<>\r\n]{1,996}>)?)", re.IGNORECASE)
_RETURN_PATH = re.compile(rb"^return-path" + _COLON + rb"[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
# field-name = 1*ftext; ftext = %d33-57 / %d59-126. A line of the mbox format, which some programs leave in front of the
# fields, may come first.
_BEGINNING = re.compile(rb"(?:>*From [^\r\n]*\r\n)?[!-9;-~]+" + _COLON)


class Header(NamedTuple):
    """Facts about a header section. A tuple is made in a third of the time of a frozen dataclass."""

    received: int  # how many Received fields
    has_date: bool
    message_id: str | None  # the first valid Message-ID, with its angle brackets
    has_message_id: bool
    is_ascii: bool
    is_missing: bool = False  # the content begins with its body
    # RFC 5322 §3.6 allows one Message-ID. Somebody may look for the others too.
    further_message_ids: tuple[str, ...] = ()

    def loops(self, *, hops: int = 0) -> bool:
        """Return whether the message has passed so many hosts that it must be going round (RFC 5321 §6.3).

        `hops` is the number of our hosts that have counted already: each has added a field, and the next host must not
        refuse a message that the first has accepted.
        """
        return self.received >= RECEIVED_LIMIT + hops

    @property
    def separator(self) -> bytes:
        """The octets between added trace fields and the content: an empty line if the content begins with its body.

        Without it, the body's first lines would become part of the header section (RFC 5322 §2.1).
        """
        return b"\r\n" if self.is_missing else b""


_MISSING = Header(0, has_date=False, message_id=None, has_message_id=False, is_ascii=True, is_missing=True)


def read_header(section: bytes) -> Header:
    """Read the part of a content before its first empty line: a header section, if it begins with a field."""
    if section and not _BEGINNING.match(section):
        return _MISSING
    received, has_date, has_id = 0, False, False
    idents: list[str] = []
    for name, value in _FIELDS.findall(b"\n" + section):
        match len(name):
            case 8:  # Received
                received += 1
            case 4:  # Date
                has_date = True
            case _:
                has_id = True
                if value and len(idents) < MOST_MESSAGE_IDS:
                    idents.append(value.decode("utf-8", "replace"))
    ident = idents[0] if idents else None
    return Header(received, has_date, ident, has_id, section.isascii(), False, tuple(idents[1:]))


def without_return_path(octets: bytes, header_size: int) -> bytes:
    """Return the message without the Return-Path fields of its header section, which has `header_size` octets."""
    section = octets[:header_size]
    # One search for the name, in small letters, takes a fifth of the time of the expression.
    if b"return-path" not in section.lower():
        return octets
    return _RETURN_PATH.sub(b"", section) + octets[header_size:]
