"""Transparency (RFC 5321 §4.5.2): a second dot in front of every line that begins with a dot. Pure."""

from __future__ import annotations


class DotStuffer:
    """Stuffs a content that comes in blocks, wherever they are cut: within a line end, too."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets; the content begins as if after a line end

    def block(self, data: bytes) -> bytes:
        """Return the block with its dots stuffed."""
        if not data:
            return data
        dot_first = data[:1] == b"." and self._tail == b"\r\n"
        # two cuts between blocks matter: "\r" | "\n." and "\r\n" | "."
        dot_second = data[:2] == b"\n." and self._tail[-1:] == b"\r"
        self._tail = (self._tail + data[-2:])[-2:]
        data = data.replace(b"\r\n.", b"\r\n..")
        if dot_first:
            return b"." + data
        return b"\n.." + data[2:] if dot_second else data

    def end(self) -> bytes:
        """Return the end of the content: a line end if it lacks one, then the dot."""
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
