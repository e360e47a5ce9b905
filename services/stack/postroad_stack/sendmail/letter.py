"""A message as programs hand it to sendmail: with line ends of Unix, and without what sendmail adds.

The relay adds Date and Message-ID (RFC 6409 §8); what only sendmail can know is added here.
"""

from __future__ import annotations

import email.utils
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

# RFC 5322 §3.6.8: ftext, and the white space that obsolete syntax allows before the colon (RFC 5322 §4.5)
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
# A blind copy's name would give it away (RFC 5322 §3.6.3); Return-Path is the last server's to write (RFC 5321 §4.4).
_DROPPED = frozenset({"bcc", "resent-bcc", "return-path"})
_RECIPIENTS = ("to", "cc", "bcc")
_RESENT = tuple(f"resent-{name}" for name in _RECIPIENTS)

# Newer Pythons drop lists that look odd. The server knows better, and says why it refuses an address.
_LAX = {"strict": False} if hasattr(email.utils, "supports_strict_parsing") else {}

Field = tuple[str, bytes]  # the lower-case name; the whole field with its line ends


def read(file: BinaryIO, *, dots: bool) -> bytes:
    """Read a message with line ends of Unix or of SMTP; return it with those of SMTP.

    Unless `dots` is true, a line of a single dot ends it.
    """
    lines = []
    for line in file:
        bare = line.removesuffix(b"\n").removesuffix(b"\r")
        if bare == b"." and not dots:
            break
        lines.append(bare)
    return b"".join(line + b"\r\n" for line in lines)


class Letter:
    """A message taken apart into its fields and the rest."""

    def __init__(self, octets: bytes) -> None:
        self._fields, self._rest = _split(octets)

    def recipients(self) -> list[str]:
        """Return the addresses that the header section names, those of a message that is sent again alone.

        RFC 5322 §3.6.6: Resent fields are for the latest sending.
        """
        names = _RESENT if any(name in _RESENT for name, _ in self._fields) else _RECIPIENTS
        values = [_value(octets) for name, octets in self._fields if name in names]
        return addresses_of(values)

    def content(self, sender: str, full_name: str) -> bytes:
        """Return the message to send: without blind copies' names, and with a From field."""
        kept = [octets for name, octets in self._fields if name not in _DROPPED]
        if not any(name == "from" for name, _ in self._fields):
            name = email.utils.formataddr((full_name, "")).removesuffix("<>") if full_name else ""
            kept.insert(0, f"From: {name}{f'<{sender}>' if name else sender}\r\n".encode())
        return b"".join(kept) + b"\r\n" + self._rest


def _split(octets: bytes) -> tuple[list[Field], bytes]:
    """Return the fields, and what follows the empty line after them."""
    fields: list[Field] = []
    position = 0
    for line in _lines(octets):
        if line == b"\r\n":
            return fields, octets[position + 2 :]
        if line.startswith((b" ", b"\t")) and fields:
            fields[-1] = fields[-1][0], fields[-1][1] + line
        elif match := _FIELD.fullmatch(line):
            fields.append((match[1].decode().lower(), line))
        elif not (line.startswith(b"From ") and not fields and position == 0):  # a mailbox file's separator
            return fields, octets[position:]  # the text begins without an empty line, as in `echo hello | sendmail bob`
        position += len(line)
    return fields, b""


def _lines(octets: bytes) -> Iterator[bytes]:
    start = 0
    while (end := octets.find(b"\r\n", start)) >= 0:
        yield octets[start : end + 2]
        start = end + 2


def _value(octets: bytes) -> str:
    """Return a field's value on one line."""
    value = octets.partition(b":")[2].replace(b"\r\n", b"")
    return value.decode("utf-8", "surrogateescape").strip()


def addresses_of(values: Iterable[str]) -> list[str]:
    """Return the addresses in lists of them, which may have names too."""
    return [address for _, address in email.utils.getaddresses(list(values), **_LAX) if address]
