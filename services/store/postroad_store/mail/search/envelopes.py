"""Single fields of an ENVELOPE, read from the octets that FETCH sends (RFC 3501 §7.4.2).

SEARCH, SORT and THREAD read them there: so they go by what the client is shown, and whichever version of the store
kept the message, nothing has to be migrated.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Address: TypeAlias = "tuple[bytes, bytes, bytes, bytes]"  # name, route, mailbox, host, each b"" for NIL


class Place(IntEnum):
    """Where in an ENVELOPE a field is."""

    DATE = 0
    SUBJECT = 1
    FROM = 2
    TO = 5
    CC = 6
    BCC = 7
    IN_REPLY_TO = 8
    MESSAGE_ID = 9


# An ENVELOPE without literals: a quoted string of `mime.strings` holds neither DQUOTE nor backslash.
_STRING = rb'(?:NIL|"[^"]*")'
_LIST = rb"(?:NIL|\((?:\(%b %b %b %b\))+\))" % (_STRING, _STRING, _STRING, _STRING)
_TEXT = {
    Place.DATE: re.compile(rb'\((?:NIL|"([^"]*)")'),
    Place.SUBJECT: re.compile(rb'\(%b (?:NIL|"([^"]*)")' % _STRING),
}
_LISTED = {
    place: re.compile(rb"\(%b %b " % (_STRING, _STRING) + (_LIST + b" ") * (place - Place.FROM) + rb"(%b)" % _LIST)
    for place in (Place.FROM, Place.TO, Place.CC, Place.BCC)
}
_ADDRESS = re.compile(rb'\((?:NIL|"([^"]*)") (?:NIL|"([^"]*)") (?:NIL|"([^"]*)") (?:NIL|"([^"]*)")\)')
_TOKEN = re.compile(rb'[ ]*(?:(?P<mark>[()])|NIL|"(?P<quoted>[^"]*)"|\{(?P<size>\d+)\}\r\n)')


def string(envelope: bytes, place: Place) -> bytes:
    """Return the string at a place, empty for NIL."""
    if b"{" in envelope:
        return _string_from_literals(envelope, place)
    pattern = _TEXT.get(place)
    if pattern is not None:
        match = pattern.match(envelope)
        return (match[1] if match is not None else None) or b""
    text, end = _last(envelope, len(envelope) - 1)
    return text if place is Place.MESSAGE_ID else _last(envelope, end)[0]


def _last(envelope: bytes, end: int) -> tuple[bytes, int]:
    """Return the string that ends before `end`, and where the one before it ends."""
    if envelope[end - 1 : end] != b'"':  # NIL
        return b"", end - 4
    start = envelope.rindex(b'"', 0, end - 1)
    return envelope[start + 1 : end - 1], start - 1


def listing(envelope: bytes, place: Place) -> list[Address]:
    """Return the addresses at a place."""
    if b"{" in envelope:
        return _addresses_from_literals(envelope, place)
    match = _LISTED[place].match(envelope)
    return _ADDRESS.findall(match[1]) if match is not None else []


def first(envelope: bytes, place: Place) -> Address | None:
    """Return the first address at a place; the start of a group is one, whose host is NIL."""
    if b"{" in envelope:
        addresses = _addresses_from_literals(envelope, place)
        return addresses[0] if addresses else None
    match = _LISTED[place].match(envelope)
    if match is None:
        return None
    address = _ADDRESS.match(envelope, match.start(1) + 1)
    return None if address is None else (address[1] or b"", address[2] or b"", address[3] or b"", address[4] or b"")


def _string_from_literals(envelope: bytes, place: Place) -> bytes:
    depth, at = 0, -1
    tokens = _tokens(envelope)
    while True:
        mark, value = next(tokens)
        if mark == b"(":
            at += depth == 1
            depth += 1
        elif mark == b")":
            depth -= 1
        elif depth == 1:
            at += 1
            if at == place:
                return value


def _addresses_from_literals(envelope: bytes, place: Place) -> list[Address]:
    addresses: list[Address] = []
    strings: list[bytes] = []
    depth = 0
    at = -1  # which of the fields is read
    tokens = _tokens(envelope)
    while at <= place:
        mark, value = next(tokens)
        if mark == b"(":
            at += depth == 1
            depth += 1
            strings = []
        elif mark == b")":
            depth -= 1
            if depth == 2 and at == place:
                name, route, mailbox, host = strings
                addresses.append((name, route, mailbox, host))
        elif depth == 1:
            at += 1
        else:
            strings.append(value)
    return addresses


def _tokens(envelope: bytes) -> Iterator[tuple[bytes | None, bytes]]:
    """Yield a parenthesis, or no mark and a string's octets."""
    position = 0
    while True:
        match = _TOKEN.match(envelope, position)
        assert match is not None  # noqa: S101 - the store has written it
        position = match.end()
        mark, quoted, size = match.groups()
        if size is not None:
            quoted = envelope[position : position + int(size)]
            position += int(size)
        yield mark, quoted or b""
