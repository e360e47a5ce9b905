"""The control doors of dns, relay and store, by which worlds come into force and go."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad.control.client import DoorRefused, quote_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad.control.client import DoorClient
    from postroad_web.worlds.made import Made

_log = logging.getLogger(__name__)


class Doors:
    """The doors. `unsure` has those of which it is not known whether they have every world as it is now."""

    def __init__(self, dns: DoorClient, relay: DoorClient, store: DoorClient) -> None:
        self._dns, self._relay, self._store = dns, relay, store
        self.unsure = set(self)
        self._refused: set[tuple[DoorClient, str]] = set()  # worlds that were refused again, as the log says

    def __iter__(self) -> Iterator[DoorClient]:
        """Give each of them."""
        return iter((self._dns, self._relay, self._store))

    async def put(self, world: Made) -> None:
        """Give a world to all services; raises what one of them has said, once all have answered."""
        answers = await asyncio.gather(*(_put(door, world) for door in self), return_exceptions=True)
        failed = {door: answer for door, answer in zip(self, answers, strict=True) if answer is not None}
        self.unsure.update(failed)
        for error in failed.values():
            raise error

    async def put_again(self, door: DoorClient, world: Made) -> None:
        """Give a service a world that it lacks, or has otherwise; raises `DoorAway`."""
        try:
            await _put(door, world)
        except DoorRefused as refused:
            self.unsure.add(door)
            if (door, world.id) not in self._refused:
                self._refused.add((door, world.id))
                _log.error("%s refuses the world %s, which is tried again: %s", door.service, world.id, refused)
        else:
            self._refused.discard((door, world.id))
            _log.info("the world %s is made again in %s", world.id, door.service)

    async def drop(self, idents: Sequence[str]) -> None:
        """Have every service drop worlds. The relay comes first: it sends the others its mail."""
        path = quote_path("worlds", ",".join(idents))
        await self._relay.delete(path)
        await asyncio.gather(self._store.delete(path), self._dns.delete(path))
        self._refused -= {(door, ident) for door in self for ident in idents}


async def _put(door: DoorClient, world: Made) -> None:
    await door.put(quote_path("worlds", world.id), world.definition)
