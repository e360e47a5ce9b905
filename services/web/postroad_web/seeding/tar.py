"""A tar archive that comes in pieces (POSIX.1-1988 ustar, with the long names of GNU and of pax).

Only regular files are given; their octets are kept only if the caller wants the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_web.seeding.found import NotReadable, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 512
LONGEST_NAME = 64 << 10  # octets of a header that has a long name

_REGULAR = {b"0", b"\0", b"7"}
_LONG_NAME, _PAX = b"L", b"x"
_WITHOUT_CONTENT = {b"1", b"2", b"3", b"4", b"5", b"6"}  # links, devices, folders, FIFOs
_GZIP = b"\x1f\x8b"


@value
class File:
    """A regular file; `modified` is in seconds since 1970."""

    name: str
    content: bytes
    modified: float


@value
class _Head:
    name: str
    size: int
    modified: float
    kind: bytes


class Tar:
    """Reads an archive; `wanted` says by its name whether a file is given. Files have at most `most` octets."""

    def __init__(self, wanted: Callable[[str], bool], most: int) -> None:
        self._wanted = wanted
        self._most = most
        self._buffer = bytearray()
        self._offset = 0  # of the buffer in the archive
        self._head: _Head | None = None  # of the entry whose content is due
        self._to_skip = 0  # octets that are read, and forgotten
        self._over: dict[str, str] = {}  # what the next entry has in place of its own fields
        self._ended = False

    def feed(self, octets: bytes) -> Iterator[File]:
        """Take a piece, and give the files that are whole; raises `NotReadable`."""
        self._buffer += octets
        at = 0
        try:
            while not self._ended:
                if self._to_skip:
                    step = min(self._to_skip, len(self._buffer) - at)
                    self._to_skip -= step
                    at += step
                    if self._to_skip:
                        break
                if self._head is None:
                    if len(self._buffer) - at < BLOCK:
                        break
                    self._begin(bytes(self._buffer[at : at + BLOCK]), self._offset + at)
                    at += BLOCK
                elif len(self._buffer) - at < self._head.size:
                    break
                else:
                    head, self._head = self._head, None
                    content = bytes(self._buffer[at : at + head.size])
                    at += head.size
                    self._to_skip = -head.size % BLOCK
                    if head.kind in _REGULAR:
                        yield File(head.name, content, head.modified)
                    else:
                        self._learn(head.kind, content)
        finally:
            if self._ended:
                at = len(self._buffer)
            del self._buffer[:at]
            self._offset += at

    def end(self) -> None:
        """Check that the archive is whole; raises `NotReadable`."""
        if self._head is not None:
            raise NotReadable(f"the tar ends within {self._head.name}")
        if self._to_skip or self._buffer:
            raise NotReadable("the tar ends within a file")
        if not self._offset:
            raise NotReadable("the tar is empty")

    def _begin(self, block: bytes, offset: int) -> None:
        """Read the header of an entry."""
        if not block.strip(b"\0"):
            self._ended = True  # two such blocks end the archive; what follows is of no use
            return
        head = self._read(block, offset)
        over, self._over = self._over, {}
        if head.kind in {_LONG_NAME, _PAX}:
            if head.size > LONGEST_NAME:
                raise NotReadable(f"the tar has a name of more than {LONGEST_NAME} octets")
            self._over = over
            self._head = head
            return
        name = over.get("path", head.name)
        size = _whole(over["size"]) if "size" in over else head.size
        modified = _seconds(over["mtime"]) if "mtime" in over else head.modified
        if head.kind not in _REGULAR or not self._wanted(name):
            self._to_skip = size + -size % BLOCK
            return
        if size > self._most:
            raise too_large(name, self._most)
        self._head = _Head(name, size, modified, head.kind)

    def _read(self, block: bytes, offset: int) -> _Head:
        if offset == 0 and block.startswith(_GZIP):
            raise NotReadable("this is a compressed tar; send it as it is before that")
        plain = block[:148] + b" " * 8 + block[156:]
        if _number(block[148:156]) != sum(plain):
            raise NotReadable(f"at octet {offset} there is no header of a tar")
        name = _text(block[:100])
        if block[257:262] == b"ustar" and block[263:265] == b"00" and (prefix := _text(block[345:500])):
            name = f"{prefix}/{name}"
        size, modified = _number(block[124:136]), _number(block[136:148])
        if size is None or size < 0:
            raise NotReadable(f"at octet {offset} a header of the tar has no size")
        kind = block[156:157]
        return _Head(name, 0 if kind in _WITHOUT_CONTENT else size, float(modified or 0), kind)

    def _learn(self, kind: bytes, content: bytes) -> None:
        """Take up what an entry says about the next one."""
        if kind == _LONG_NAME:
            self._over["path"] = _text(content)
            return
        # POSIX.1-2001, pax extended header: "%d %s=%s\n", the length of the record, a keyword, a value
        while content:
            length, _, _ = content.partition(b" ")
            end = int(length) if length.isdigit() and len(length) < 8 else 0
            keyword, equals, value = content[len(length) + 1 : end - 1].partition(b"=")
            if not equals or content[end - 1 : end] != b"\n":
                raise NotReadable("the tar has a pax header that can't be read")
            self._over[_text(keyword)] = _text(value)
            content = content[end:]


def _text(octets: bytes) -> str:
    return octets.partition(b"\0")[0].decode("utf-8", "replace")


def _number(field: bytes) -> int | None:
    """Return a number in octal, or in GNU's form for large ones; None if it is none."""
    if field[:1] in {b"\x80", b"\xff"}:
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else None
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        return None


def _whole(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 18:
        return int(text)
    raise NotReadable("the tar has a pax header with a size that is no number")


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
