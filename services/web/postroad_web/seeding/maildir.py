r"""A Maildir in a tar: the files of its `cur` and `new`, with the flags that their names have and their times.

    Maildir/cur/1767225600.M1P2.host:2,FS     \Flagged \Seen
    Maildir/new/1767225601.M2P2.host

`tmp` is not read, nor what else servers keep there. The folders of a Maildir++ (`.Sent/cur/…`) are other mailboxes:
their messages are passed over and counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad_web.seeding.found import Found, NotReadable, checked
from postroad_web.seeding.tar import Tar

if TYPE_CHECKING:
    from collections.abc import Iterator

# The standard of Maildir: letters behind ":2,", in alphabetical order. P (passed) is IMAP's keyword $Forwarded.
FLAGS = {"D": "\\Draft", "F": "\\Flagged", "P": "$Forwarded", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}

LATEST = 1 << 40  # seconds since 1970: no file is of that time, and the store takes no later one

_NAME = re.compile(r"(?:(?P<folder>.*)/)?(?:cur|new)/(?P<name>[^/.][^/]*)\Z", re.DOTALL)
_ROOTS = frozenset({".", ".maildir"})  # a name with a dot that is the Maildir itself
_INFO = re.compile(r"[:;!]2,([^/]*)\Z")  # programs that can't have a colon in a name use another character


class Maildir:
    """Reads a tar of a Maildir piece by piece, each message of at most `most` octets."""

    def __init__(self, most: int) -> None:
        self.skipped = 0
        self._most = most
        self._given = False
        self._tar = Tar(self._is_wanted, most)

    def feed(self, octets: bytes) -> Iterator[Found]:
        """Take a piece, and give the messages that are whole."""
        for file in self._tar.feed(octets):
            date = file.modified if 0 < file.modified < LATEST else None
            self._given = True
            yield checked(Found(file.content, flags_of(file.name), date, file.name), self._most)

    def end(self) -> Iterator[Found]:
        """Check that the tar is whole and had a message."""
        self._tar.end()
        if not self._given:
            raise NotReadable("the tar has no message of a Maildir: no file in cur/ or new/")
        return iter(())

    def _is_wanted(self, name: str) -> bool:
        match = _NAME.match(name)
        if match is None:
            return False
        folder = (match["folder"] or "").rpartition("/")[2]
        if folder.startswith(".") and folder.lower() not in _ROOTS:
            self.skipped += 1
            return False
        return True


def flags_of(name: str) -> tuple[str, ...]:
    """Return the flags that a file's name has, by their IMAP names."""
    info = _INFO.search(name)
    return tuple(FLAGS[letter] for letter in dict.fromkeys(info[1]) if letter in FLAGS) if info else ()
