"""A shelf in memory: the plainest thing that does what the fold asks for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.journey import Journey, Placed


class MemoryShelf:
    """Journeys by ID, deliveries by the store's ID, copies in a list."""

    def __init__(self) -> None:
        self.journeys: dict[str, Journey] = {}
        self.links: dict[str, Journey] = {}
        self.copies: list[tuple[Placed, Journey | None]] = []
        self.snapshots: dict[tuple[str, str], list[Placed]] = {}
        self.names: dict[str, str] = {}  # of snapshots, by token
        self.unwanted: set[str] = set()
        self.noted: set[str] = set()  # the journeys that were said to be new or changed

    def by_id(self, ident: str) -> Journey | None:
        return self.journeys.get(ident)

    def by_store_id(self, store_id: str) -> Journey | None:
        return self.links.get(store_id)

    def admits(self, journey: Journey) -> bool:
        return journey.id not in self.unwanted and journey.number > 0

    def knows(self, world: str, when: float) -> bool:
        return world != "gone" and when > 0

    def abandon(self, store_id: str) -> None:
        self.copies = [(copy, owner) for copy, owner in self.copies if owner is not None or copy.store_id != store_id]

    def add(self, journey: Journey) -> None:
        self.journeys[journey.id] = journey
        self.noted.add(journey.id)

    def change(self, journey: Journey) -> None:
        assert self.journeys[journey.id] is journey
        self.noted.add(journey.id)

    def states(self) -> dict[str, tuple[object, ...]]:
        """Return all that is known of each message."""
        return {
            ident: (
                journey.pack(),
                journey.recipient_states(),
                journey.state,
                journey.removed,
                journey.about,
                journey.world,
                journey.size,
                journey.sender,
            )
            for ident, journey in self.journeys.items()
        }

    def link(self, store_id: str, journey: Journey) -> list[Placed]:
        self.links[store_id] = journey
        waited = [copy for copy, owner in self.copies if owner is None and copy.store_id == store_id]
        self.copies = [(copy, journey if copy in waited else owner) for copy, owner in self.copies]
        return waited

    def place(self, copy: Placed, journey: Journey | None) -> None:
        which = copy.place, copy.store_id
        self.copies = [(placed, owner) for placed, owner in self.copies if (placed.place, placed.store_id) != which]
        self.copies.append((copy, journey))

    def unplace(self, copy: Placed) -> None:
        self.copies = [(other, owner) for other, owner in self.copies if other is not copy]

    def keep(self, token: str, name: str, account: str, world: str) -> None:
        assert world
        self.snapshots = {
            key: kept for key, kept in self.snapshots.items() if (self.names.get(key[0]), key[1]) != (name, account)
        }
        self.names[token] = name
        self.snapshots[token, account] = [copy.copy(placed) for placed, _ in self.of_account(account)]

    def kept(self, token: str, account: str) -> list[Placed] | None:
        kept = self.snapshots.get((token, account))
        return None if kept is None else [copy.copy(placed) for placed in kept]

    def of_account(self, account: str) -> list[tuple[Placed, Journey | None]]:
        return [(placed, owner) for placed, owner in self.copies if placed.account == account and not placed.removed]

    def at(
        self, account: str, mailbox: str, uid_validity: int, ranges: Sequence[tuple[int, int]]
    ) -> list[tuple[Placed, Journey | None]]:
        return [
            (copy, owner)
            for copy, owner in self.copies
            if copy.place[:3] == (account, mailbox, uid_validity)
            and any(low <= copy.uid <= high for low, high in ranges)
            and not copy.removed
        ]
