"""The items of FETCH as they were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Attribute(Enum):
    """A FETCH data item without a section (RFC 3501 §6.4.5)."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"


class Text(Enum):
    """What of a message, or of a part of it, a section names (RFC 3501 §9 section-text)."""

    ALL = ""  # the part's body; without part numbers the whole message
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """A FETCH data item with the text of a section: BODY[...], or RFC822 and its likes."""

    label: bytes  # the item's name as the response gives it, before the octets: b"BODY[1.MIME]<0>"
    part: tuple[int, ...]
    text: Text
    fields: tuple[bytes, ...]  # of FIELDS and FIELDS_NOT, in upper case
    partial: tuple[int, int] | None  # the first octet wanted, and how many at most
    peek: bool  # whether \Seen is left alone


Item: TypeAlias = Attribute | Section
