"""The last results of SORT and THREAD: clients ask for the same again whenever they show a mailbox anew.

What is compared never changes of a message. So a result holds as long as the same messages are asked for.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

MAX_KEPT = 100_000  # messages, of all results (about 15 MB)


class Results:
    """Results by what was asked for, the most recently used ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[bytes, Any]] = OrderedDict()
        self._size = 0  # octets of UIDs

    def get(self, asked: Hashable, uids: Sequence[int]) -> Any:
        """Return the result for these messages, or None."""
        kept = self._kept.get(asked)
        if kept is None or kept[0] != _packed(uids):
            return None
        self._kept.move_to_end(asked)
        return kept[1]

    def begun(self, asked: Hashable, uids: Sequence[int]) -> Any:
        """Return the result for the first of these messages, however many, or None."""
        kept = self._kept.get(asked)
        return kept[1] if kept is not None and _packed(uids).startswith(kept[0]) else None

    def put(self, asked: Hashable, uids: Sequence[int], result: Any) -> None:
        """Keep a result, and forget others, the least recently used first."""
        old = self._kept.pop(asked, None)
        packed = _packed(uids)
        self._size += len(packed) - (len(old[0]) if old else 0)
        self._kept[asked] = packed, result
        while self._size > MAX_KEPT * array("I").itemsize:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone[0])


def _packed(uids: Sequence[int]) -> bytes:
    return array("I", uids).tobytes()
