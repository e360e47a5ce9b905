"""Quiet: nothing of a world is queued, in transit or being retried, and the catalog knows all that has happened.

A message is the relay's from before its 250 is said until the store has taken it or it has failed. So when the relay
has nothing left, and the catalog has folded every event that relay and store had recorded by then, all that was
acknowledged before the question is in the catalog, with its outcome. Messages that an administrator holds don't count.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.control.client import DoorAway, DoorRefused
from postroad_web.catalog.catalog import PATIENCE
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

FRESH_WITHIN = 0.75  # seconds that a list is waited for: some clients wait one second at most
LONGEST = 1.0  # seconds without an event after which the relay is asked all the same: not every 451 makes one
PAUSE = 0.005  # seconds between two questions of one who waits


class State(NamedTuple):
    """What the relay has."""

    under_way: int  # messages that are queued and not held, and sessions between the end of DATA and its answer
    held: int
    last: int  # the number of the relay's last event
    upto: int  # that of the last one that may be the world's
    messages: list[dict[str, Any]]  # queue entries, the next due first


def read_state(answer: Mapping[str, Any]) -> State:
    """Return the relay's answer as a `State`."""
    under_way = answer["queued"] - answer["held"] + answer["accepting"]
    return State(under_way, answer["held"], answer["last"], answer["upto"], answer["messages"])


class Quiet:
    """Finds out when the road is quiet. All methods but `accepted` and `known` raise `DoorAway`."""

    def __init__(self, catalog: Any, relay: Any, store: Any) -> None:
        self._catalog = catalog
        self._relay = relay
        self._store = store
        self._hint: asyncio.Task[None] | None = None

    async def state(self, world: str) -> State:
        """Return what the relay has now of a world."""
        return read_state(await self._relay.get("/state", world=world))

    async def reached(self, world: str) -> State:
        """Return once the road is quiet for a world, with the state in which it was."""
        folded = self._catalog.position["relay"]
        state: State
        state, stored = await asyncio.gather(self.state(world), self._stored(world))
        while state.under_way:
            await self._worth_asking(state.last)
            state = await self.state(world)
        if state.upto > folded:  # the store may have taken some of it after its answer; else all was known before
            stored = await self._stored(world)
        await self._catalog.caught_up(state.upto, stored, PATIENCE)
        return state

    async def accepted(self, world: str) -> None:
        """Return once the catalog has every message of a world, or of all, that the relay has said 250 to.

        If that takes longer than `FRESH_WITHIN`, or the relay is away, what is shown may lag behind it.
        """
        try:
            async with asyncio.timeout(FRESH_WITHIN):
                if world == EVERY:
                    upto = (await self._relay.get("/journal/last"))["last"]
                else:
                    upto = (await self._relay.get("/state", world=world))["upto"]
                await self._catalog.caught_up(upto, 0, FRESH_WITHIN)
        except (TimeoutError, DoorAway, DoorRefused) as error:
            log.debug("the list may lag behind the relay", extra={"reason": str(error)})

    async def known(self, world: str) -> None:
        """Return once the catalog has what relay and store have recorded by now of a world; or can't have it.

        A relay or a store that is away, or a catalog that is far behind, is not waited for.
        """
        with suppress(DoorAway, TimeoutError):
            stored, state = await asyncio.gather(self._stored(world), self.state(world))
            await self._catalog.caught_up(state.upto, stored, PATIENCE)

    async def _stored(self, world: str) -> int:
        """Return the number up to which the store has recorded by now what may be a world's."""
        last: int = (await self._store.get("/journal/last", world=world))["last"]
        return last

    async def _worth_asking(self, last: int) -> None:
        """Return when something has happened in the relay after its event `last`.

        One question, which the relay's journal holds, is shared by all who wait. Its answer may be older than the
        question of the youngest of them, so that it is a hint and no proof.
        """
        if self._hint is None:
            self._hint = asyncio.create_task(self._ask(last))
            self._hint.add_done_callback(self._asked)
        await asyncio.shield(self._hint)

    def _asked(self, hint: asyncio.Task[None]) -> None:
        self._hint = None
        if not hint.cancelled():
            hint.exception()  # those who wait have it; if nobody does, nobody need hear of it

    async def _ask(self, last: int) -> None:
        await asyncio.sleep(PAUSE)
        await self._relay.journal(last, wait=LONGEST, limit=1)
