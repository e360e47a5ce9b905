"""One header field of all messages of a mailbox, as one string: a search of it is one `find` (0.2 ms for 10,000).

The first search for a field makes it, and it is kept, within bounds, for the next ones: people who search by sender do
so again. A message never changes, so the text only ever grows; the search passes over messages that are gone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from dataclasses import field
from typing import TYPE_CHECKING

from postroad.mime.fields import unfold
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_KEPT = 16 << 20  # octets, of all fields and mailboxes
ENTRY = 1000  # octets that keeping a field takes besides its text
STEP = 1 << 19  # octets that are searched in one step
MATCHES = 1 << 13  # messages that one step finds at most: about 4 ms

# Comes before each value, so that a field with no text differs from no field; no text has it.
_MARK = b"\x00"


@value
class FieldText:
    """The field's values in messages, up to a UID."""

    upto: int = 0  # the highest UID that has been looked at
    uids: list[int] = field(default_factory=list)  # of messages that have the field
    ends: array[int] = field(default_factory=lambda: array("q"))  # where the text of each ends, parallel to `uids`
    text: bytes = b""

    @property
    def size(self) -> int:
        """Octets of memory, about."""
        return len(self.text) + 48 * len(self.uids)

    def search(self, needle: bytes) -> Iterator[set[int]]:
        """Yield, step by step, the UIDs of the messages that have the needle in a value.

        An empty needle: of those that have the field.
        """
        if _MARK in needle:
            return
        text, uids, ends = self.text, self.uids, self.ends
        needle = needle or _MARK
        position = 0
        while position < len(text):
            stop = min(position + STEP, len(text))
            last = stop + len(needle) - 1  # a value may begin in this step and end in the next
            matched: set[int] = set()
            start = text.find(needle, position, last)
            while start >= 0:
                at = bisect_right(ends, start)
                matched.add(uids[at])
                position = ends[at]
                if len(matched) == MATCHES:
                    break
                start = text.find(needle, position, last)
            else:
                position = max(position, stop)
            yield matched

    def value(self, uid: int) -> bytes:
        """Return the values in a message that has the field, each behind a NUL."""
        at = bisect_left(self.uids, uid)
        return self.text[self.ends[at - 1] if at else 0 : self.ends[at]]


class Extension:
    """A field's text with that of more messages; others may go on searching the text that it began with."""

    def __init__(self, base: FieldText) -> None:
        self._uids, self._ends = base.uids.copy(), base.ends[:]
        self._pieces = [base.text]
        self._length = len(base.text)

    def add(self, values: Iterable[tuple[int, list[bytes]]]) -> None:
        """Take the field's values in further messages, by ascending UID."""
        for uid, texts in values:
            if texts:
                text = _MARK + _MARK.join(texts)
                self._pieces.append(text)
                self._length += len(text)
                self._uids.append(uid)
                self._ends.append(self._length)

    def end(self, upto: int) -> FieldText:
        """Return the text; `upto` is the highest UID that has been looked at."""
        return FieldText(upto, self._uids, self._ends, b"".join(self._pieces))


def values(header: bytes, name: bytes) -> list[bytes]:
    """Return the values of a field in a header section, or in the text of one; both in lower case.

    In the text those of parts follow behind an empty line.
    """
    header, _, _ = (b"\n" + header).partition(b"\n\n")
    prefix = b"\n" + name
    texts: list[bytes] = []
    start = header.find(prefix)
    while start >= 0:
        end = header.find(b"\n", start + 1)
        while header[end + 1 : end + 2] in {b" ", b"\t"}:  # RFC 5322 §2.2.3: the field goes on
            end = header.find(b"\n", end + 1)
        if end < 0:
            end = len(header)
        line = header[start + len(prefix) : end].lstrip(b" \t")
        if line.startswith(b":"):
            texts.append(unfold(line[1:]).strip(b" \t\r\n").replace(_MARK, b""))
        start = header.find(prefix, end)
    return texts


class FieldTexts:
    """The texts that are kept: the most recently used ones, by mailbox and field."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, bytes], FieldText] = OrderedDict()
        self._size = 0

    def get(self, mailbox: int, name: bytes) -> FieldText | None:
        """Return the text of a field, or None if it is not kept."""
        text = self._kept.get((mailbox, name))
        if text is not None:
            self._kept.move_to_end((mailbox, name))
        return text

    def put(self, mailbox: int, name: bytes, text: FieldText) -> None:
        """Keep it, and forget others, the least recently used first."""
        old = self._kept.pop((mailbox, name), None)
        self._size += _cost(name, text) - (_cost(name, old) if old else 0)
        self._kept[mailbox, name] = text
        while self._size > MAX_KEPT:
            (_, forgotten), gone = self._kept.popitem(last=False)
            self._size -= _cost(forgotten, gone)


def _cost(name: bytes, text: FieldText) -> int:
    """Return how much memory a field takes, about: without any text it still takes some, as its name may be long."""
    return ENTRY + len(name) + text.size
