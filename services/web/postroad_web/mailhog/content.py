"""A message's content as MailHog reads it. Pure.

MailHog reads simply, and its clients know how: the names of fields are as they were sent, of several fields with a name
the last counts, values are neither decoded nor really unfolded, and bodies keep their transfer encoding. A multipart is
cut wherever its boundary is, so that what is in front of the first part is a part too, and the two hyphens at the end
are one.
"""

from __future__ import annotations

from typing import NamedTuple

from postroad.mime.fields import media_type

MOST_PARTS = 10_000  # of a message; what comes behind them is left out
DEEPEST = 20  # multiparts in one another


class Content(NamedTuple):
    """A message, or a part of one. `parts` is None unless it is a multipart."""

    headers: dict[str, list[str]]
    body: bytes
    size: int  # octets
    parts: tuple[Content, ...] | None = None

    def values(self, name: str) -> list[str]:
        """Return the values of the fields with a name, given in lower case, whatever the case that was sent."""
        return [value for key, values in self.headers.items() if key.lower() == name for value in values]


class _Room:
    """How many parts there may yet be."""

    def __init__(self) -> None:
        self.parts = MOST_PARTS


def read(octets: bytes) -> Content:
    """Read a message; never fails."""
    return _read(octets, 0, _Room())


def text(octets: bytes) -> str:
    """Return octets as JSON can say them."""
    return octets.decode("utf-8", "replace")


def _read(octets: bytes, depth: int, room: _Room) -> Content:
    section, separator, body = octets.partition(b"\r\n\r\n")
    if not separator:  # without an empty line all is body
        return Content({}, octets, len(octets))
    content = Content(_headers(section), body, len(octets))
    kinds = content.values("content-type")
    if depth == DEEPEST or not kinds or not kinds[0].lower().startswith("multipart/"):
        return content
    kind = media_type(kinds[0].encode())
    boundary = kind.parameter(b"boundary") if kind is not None else None
    return content._replace(parts=tuple(_parts(body, boundary, depth + 1, room)) if boundary else ())


def _headers(section: bytes) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    values: list[str] | None = None
    for line in section.split(b"\r\n"):
        name, colon, value = line.partition(b": ")
        if values is not None and line[:1] in {b" ", b"\t"}:
            values[-1] += text(line)
        elif colon:
            values = headers[text(name)] = [text(value)]
    return headers


def _parts(body: bytes, boundary: bytes, depth: int, room: _Room) -> list[Content]:
    parts = []
    for piece in body.split(b"--" + boundary, room.parts + 1):
        if piece and room.parts:
            room.parts -= 1
            parts.append(_read(piece.strip(b"\r\n"), depth, room))
    return parts
