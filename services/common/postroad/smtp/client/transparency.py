"""Transparency (RFC 5321 §4.5.2): a dot in front of every line that begins with one. Pure."""

from __future__ import annotations


class DotStuffer:
    """Stuffs a content that comes in blocks; the end of one block and the start of the next may share a line end."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets: at the start it is as after a line end

    def block(self, data: bytes) -> bytes:
        """Return the block with its dots stuffed."""
        if not data:
            return data
        dot_first = data[:1] == b"." and self._tail == b"\r\n"
        # "\r" | "\n." and "\r\n" | "." are the two ways in which an edge may fall
        dot_second = data[:2] == b"\n." and self._tail[-1:] == b"\r"
        self._tail = (self._tail + data[-2:])[-2:]
        data = data.replace(b"\r\n.", b"\r\n..")
        if dot_first:
            return b"." + data
        return b"\n.." + data[2:] if dot_second else data

    def end(self) -> bytes:
        """Return what ends the content: a line end if it lacks one, then the dot."""
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
