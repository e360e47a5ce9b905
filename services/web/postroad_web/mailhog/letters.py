"""Messages as MailHog's JSON, each encoded once.

MailHog's lists have whole messages, and its clients ask for the same list twice a second. A message never changes here:
nothing in it says whether it has been read, or where it is.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from postroad.control.client import DoorRefused
from postroad_web.catalog.catalog import ContentGone
from postroad_web.mailhog.shapes import message
from postroad_web.mailpit import gojson
from postroad_web.message.reader import at_once_or_in_a_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.catalog import Catalog
    from postroad_web.catalog.record import Record

KEPT = 32 << 20  # octets of JSON
KEPT_EACH = 1 << 20  # octets of one message
MOST = 128 << 20  # octets of one list, which ends there
AT_ONCE = 16  # contents that are asked for at a time


class Letters:
    """The messages of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._octets = 0

    async def one(self, record: Record) -> bytes:
        """Return a message; raises `ContentGone` and `DoorAway`."""
        kept = self._kept.get(record.id)
        if kept is not None:
            return kept
        copy = await self._catalog.content(record.id)
        letter = await at_once_or_in_a_thread(len(copy), encoded, record, copy)
        self._keep(record.id, letter)
        return letter

    async def several(self, records: Sequence[Record]) -> list[bytes]:
        """Return messages, without those whose content is gone, and without those that would make them too many."""
        letters: list[bytes] = []
        octets = 0
        for start in range(0, len(records), AT_ONCE):
            for letter in await asyncio.gather(*map(self._if_there, records[start : start + AT_ONCE])):
                if letter is not None:
                    octets += len(letter)
                    if octets > MOST:
                        return letters
                    letters.append(letter)
        return letters

    async def _if_there(self, record: Record) -> bytes | None:
        try:
            return await self.one(record)
        except (ContentGone, DoorRefused):
            return None

    def _keep(self, ident: str, letter: bytes) -> None:
        if len(letter) > KEPT_EACH or ident in self._kept:
            return
        self._kept[ident] = letter
        self._octets += len(letter)
        while self._octets > KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._octets -= len(oldest)


def encoded(record: Record, copy: bytes) -> bytes:
    """Return a message's JSON, from a copy of the relay or of the store."""
    return gojson.encode(message(record, copy))[:-1]  # json.Marshal ends no line
