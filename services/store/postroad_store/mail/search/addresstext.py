"""The addresses of an ENVELOPE, as text to be searched (RFC 3501 §6.4.4 FROM, TO, CC, BCC).

They are read from the octets that FETCH sends, which the store has kept since its first version. So a search finds
what the client shows, even if the field has comments, folding or old forms, and whichever version stored it.

An address reads `name <mailbox@host>`, its encoded-words decoded (RFC 2047); a group `name:`, its addresses, `;`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from postroad.mime.text import decode_words, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where in an ENVELOPE the fields are: date, subject, from, sender, reply-to, to, cc, bcc, in-reply-to, message-id.
PLACES = {b"from": 2, b"to": 5, b"cc": 6, b"bcc": 7}

_Address: TypeAlias = "tuple[bytes, bytes, bytes, bytes]"  # name, route, mailbox, host, each b"" for NIL

# An ENVELOPE without literals: a quoted string of `mime.strings` holds neither DQUOTE nor backslash.
_STRING = rb'(?:NIL|"[^"]*")'
_LIST = rb"(?:NIL|\((?:\(%b %b %b %b\))+\))" % (_STRING, _STRING, _STRING, _STRING)
_QUICK = {
    name: re.compile(rb"\(%b %b " % (_STRING, _STRING) + (_LIST + b" ") * (place - 2) + rb"(%b)" % _LIST)
    for name, place in PLACES.items()
}
_ADDRESS = re.compile(rb'\((?:NIL|"([^"]*)") (?:NIL|"([^"]*)") (?:NIL|"([^"]*)") (?:NIL|"([^"]*)")\)')
_TOKEN = re.compile(rb'[ ]*(?:(?P<mark>[()])|NIL|"(?P<quoted>[^"]*)"|\{(?P<size>\d+)\}\r\n)')


def addresses(envelope: bytes, name: bytes) -> bytes | None:
    """Return the text of a field's addresses, folded for searching; None if the ENVELOPE has no address there.

    `name` is one of `PLACES`.
    """
    if b"{" not in envelope:
        match = _QUICK[name].match(envelope)
        listed = match[1] if match is not None else b"NIL"
        listing: list[_Address] = _ADDRESS.findall(listed)
        if b"=?" not in listed:
            return b", ".join([_written(*address) for address in listing]).lower() or None
    else:
        listing = _from_literals(envelope, PLACES[name])
    return fold(", ".join([_shown(address) for address in listing])) or None


def _written(name: bytes, route: bytes, mailbox: bytes, host: bytes) -> bytes:
    if not host:  # RFC 3501 §7.4.2: a group begins (with its name), or ends
        return mailbox + b":" if mailbox else b";"
    if route:
        mailbox = b"%b:%b" % (route, mailbox)
    return b"%b <%b@%b>" % (name, mailbox, host) if name else b"<%b@%b>" % (mailbox, host)


def _shown(address: _Address) -> str:
    # Each part for itself: an encoded-word must not take in the brackets around an address.
    name, route, mailbox, host = map(decode_words, address)
    if not host:
        return f"{mailbox}:" if mailbox else ";"
    if route:
        mailbox = f"{route}:{mailbox}"
    return f"{name} <{mailbox}@{host}>" if name else f"<{mailbox}@{host}>"


def _from_literals(envelope: bytes, place: int) -> list[_Address]:
    """Read the addresses of the field at a place of an ENVELOPE that has literals."""
    listing: list[_Address] = []
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
                listing.append((name, route, mailbox, host))
        elif depth == 1:
            at += 1
        else:
            strings.append(value)
    return listing


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
