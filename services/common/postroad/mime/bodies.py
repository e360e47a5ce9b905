"""Finds the structure of one part in the BODY of a whole message, as octets (RFC 3501 §7.4.2, §9 body).

A message's BODY is kept as the octets that FETCH sends. That of each part is in it, and is found without reading the
part again.
"""

from __future__ import annotations

import re

_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_ATOM = re.compile(rb"[^ ()\"{]+")


def elements(listed: bytes) -> list[bytes]:
    """Return the elements of a parenthesized list, each as it is written."""
    members: list[bytes] = []
    at, end = 1, len(listed) - 1
    while at < end:
        if listed[at] == 0x20:
            at += 1
            continue
        after = _end_of(listed, at)
        members.append(listed[at:after])
        at = after
    return members


def _end_of(text: bytes, at: int) -> int:
    """Return where the element ends that begins here; a list ends where its own parenthesis does."""
    depth = 0
    while True:
        octet = text[at]
        literal = _LITERAL.match(text, at)
        if octet == 0x28:
            depth, at = depth + 1, at + 1
        elif octet == 0x29:
            depth, at = depth - 1, at + 1
        elif octet == 0x22:  # a quoted string here never has an escape (`mime.strings`)
            at = text.index(b'"', at + 1) + 1
        elif literal is not None:
            at = literal.end() + int(literal[1])
        elif octet == 0x20:
            at += 1
            continue
        else:
            atom = _ATOM.match(text, at)
            at = atom.end() if atom is not None else at + 1
        if depth == 0:
            return at


def body_of(body: bytes, numbers: tuple[int, ...]) -> bytes | None:
    """Return the BODY of the part with these numbers, None if there is none; numbered as `Part.find` has it."""
    inside = True  # `body` is that of a message, whose parts the next number looks into; else it was numbered itself
    for number in numbers:
        listed = elements(body)
        if not inside and listed[0].lower() == b'"message"' and len(listed) == 10:
            body, inside = listed[8], True
            listed = elements(body)
        if listed[0].startswith(b"("):
            children = [element for element in listed if element.startswith(b"(")]
            if not 1 <= number <= len(children):
                return None
            body = children[number - 1]
        elif not inside or number != 1:
            return None
        inside = False
    return body
