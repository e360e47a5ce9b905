"""Address fields as names and addresses, decoded (RFC 5322 §3.4, RFC 2047 §5)."""

from __future__ import annotations

import re

from postroad.mail.address import quote_local_part
from postroad.mime.addresses import address_list
from postroad.mime.text import decode, decode_words
from postroad_web.catalog.record import Address

# RFC 3501 §4.3: what `address_list` writes: NIL, a quoted string without escapes, or a literal.
_STRING = re.compile(rb'NIL|"([^"]*)"|\{(\d+)\}\r\n')
_MISSING = frozenset({"MISSING_MAILBOX", "MISSING_DOMAIN", "SYNTAX_ERROR"})


def addresses(value: bytes) -> tuple[Address, ...]:
    """Return the addresses of an unfolded field value; the members of a group without its name.

    Text that is not an address has an empty `address`.
    """
    wire = address_list(value)
    read: list[Address] = []
    position = 0
    while position < len(wire):
        strings: list[bytes | None] = []
        for _ in range(4):  # each string has one octet, a bracket or a space, before it
            string, position = _string(wire, position + 1)
            strings.append(string)
        position += 1
        name, _, mailbox, host = strings
        if host is not None:  # a group begins and ends with an address without one
            read.append(Address(decode_words(name or b""), _joined(decode(mailbox or b"", None), decode(host, None))))
    return tuple(read)


def _string(wire: bytes, position: int) -> tuple[bytes | None, int]:
    match = _STRING.match(wire, position)
    assert match is not None  # noqa: S101 - address_list writes nothing else
    if match[2]:
        start, length = match.end(), int(match[2])
        return wire[start : start + length], start + length
    return match[1], match.end()


def _joined(mailbox: str, host: str) -> str:
    if mailbox in _MISSING:
        return ""
    return mailbox if host in _MISSING else f"{quote_local_part(mailbox)}@{host}"
