"""A line of a transcript. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from postroad.tap import Fact

LONGEST = 4096  # octets of a line that are kept
INLINE = 512  # octets of a literal that are kept as text

# What the form of dialogues would read as something else: a repeated character, an octet's number, a secret's name.
_SPECIAL = re.compile(r"\((?=.\*\d+\))|\{(?=\\x[0-9a-f]{2}\}|\?)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")


class Side(StrEnum):
    """Who says a line."""

    CLIENT = "client"
    SERVER = "server"


@value
class Reference:
    """Content that is not in the transcript."""

    size: int  # octets, without dot-stuffing
    sha256: str | None  # None if the octets were passed over in a hurry


@dataclass(slots=True)
class Line:
    """One line, or one piece of a line around a literal; `text` has no CRLF, and a name where a secret was."""

    number: int
    at: float  # seconds since the epoch
    side: Side
    text: str
    tls: bool
    state: str
    group: int  # the mail transaction that it belongs to; 0: to none
    blank: bool = False  # whether a secret was in it
    whole: bool = True  # whether CRLF has ended it
    reference: Reference | None = None  # of content, in place of text

    @property
    def weight(self) -> int:
        """About how many octets of memory it takes."""
        return 200 + len(self.text)


@value
class Noted:
    """A fact, and the line that it is about."""

    line: int
    fact: Fact


def text_of(octets: bytes) -> str:
    r"""Return octets as text; those that are no printable UTF-8 become escapes such as `{\x00}`."""
    text = octets.decode("utf-8", "surrogateescape")
    if text.isprintable() and "{" not in text and "(" not in text:
        return text
    text = _SPECIAL.sub(lambda match: "{\\x7b}" if match[0] == "{" else "{\\x28}", text)
    return _CONTROL.sub(lambda match: _escaped(match[0]), text)


def _escaped(character: str) -> str:
    return "".join(f"{{\\x{octet:02x}}}" for octet in character.encode("utf-8", "surrogateescape"))


class Measure:
    """Content that goes by: its size and hash, and its beginning."""

    __slots__ = ("_hash", "beginning", "size")

    def __init__(self) -> None:
        self.size = 0
        self.beginning = b""
        self._hash = hashlib.sha256()

    def add(self, octets: bytes | bytearray) -> None:
        """Take octets."""
        self.size += len(octets)
        if len(self.beginning) <= INLINE:
            self.beginning += octets[: INLINE + 1]
        self._hash.update(octets)

    @property
    def reference(self) -> Reference:
        """What is kept of it."""
        return Reference(self.size, self._hash.hexdigest())
