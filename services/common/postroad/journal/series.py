"""A series of events that differ in one detail: the rest of their lines is written once.

A client that reads its mail message by message makes an event of each, and nothing but the UID differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.jsontext import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad.journal.kinds import Kind


class Series:
    """Events of a kind; the line of each is the one that `Journal.record` would write."""

    __slots__ = ("_after", "_before")

    def __init__(self, kind: Kind, differs: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Name the detail that `differs`, and give all others, those before it and those after it."""
        self._before = b',"kind":%b,%b%b:' % (to_json(kind), _fields(before), to_json(differs))
        self._after = b",%b}\n" % _fields(after).removesuffix(b",")

    def line(self, value: int | str) -> bytes:
        """Return the end of an event's line, behind number, time and service."""
        return b"%b%b%b" % (self._before, b"%d" % value if isinstance(value, int) else to_json(value), self._after)


def _fields(detail: Mapping[str, Any]) -> bytes:
    return b"".join([b"%b:%b," % (to_json(name), to_json(value)) for name, value in detail.items()])
