"""A journal for the tests, which only remembers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postroad.journal import Kind, Note


class Notes:
    """A journal that is only remembered."""

    written = recorded = 0  # numbers, which nobody reads

    def __init__(self) -> None:
        self.events: list[tuple[Kind, str | None, dict[str, Any]]] = []
        self.times: list[float | None] = []  # of the events
        self.changed = asyncio.Event()
        self._ends: list[bytes] = []

    def record(
        self,
        kind: Kind,
        queue_id: str | None = None,
        message_id: str | None = None,
        *,
        at: float | None = None,
        hurry: bool = True,  # the journal's alone
        **detail: Any,
    ) -> None:
        self.times.append(at)
        self.events.append((kind, queue_id, detail))
        self.changed.set()

    def tell(self, notes: Iterable[Note]) -> None:
        for note in notes:
            self._ends.append(note.line)
            self.times.append(note.at)
            self.events.append((note.kind, note.queue_id, note.detail))
        # Those who wait look when the spool's callers have heard of it too.
        asyncio.get_running_loop().call_soon(self.changed.set)

    def ends_after(self, number: int) -> list[bytes]:
        return self._ends

    def flush(self) -> None:
        pass

    def kinds(self, queue_id: str | None = None) -> list[str]:
        return [kind.value for kind, ident, _ in self.events if queue_id in {None, ident}]

    def find(self, kind: Kind) -> list[dict[str, Any]]:
        return [detail for event_kind, _, detail in self.events if event_kind is kind]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()
