"""Which worlds are being made, changed or dropped. Changes of one world come one after the other, in their order."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from postroad.locks import Locks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


class Changes:
    """All that are under way. `begun` counts them; `touched` has the worlds of those that a reader has not seen yet."""

    def __init__(self) -> None:
        self.busy: set[str] = set()
        self.touched: set[str] = set()
        self.begun = 0
        self._turns = Locks()

    def begin(self, ident: str) -> None:
        """Note that a world is being made, changed or dropped."""
        self.busy.add(ident)
        self.touched.add(ident)
        self.begun += 1

    def end(self, ident: str) -> None:
        """Note that it is so no longer."""
        self.busy.discard(ident)

    @asynccontextmanager
    async def turn(self, idents: Iterable[str]) -> AsyncIterator[None]:
        """Begin a change of these worlds, once all that came before have ended."""
        async with AsyncExitStack() as stack:
            for ident in sorted(set(idents)):  # in one order, so that no two wait for each other
                await stack.enter_async_context(self._turns.of(ident))
                stack.callback(self.end, ident)
                self.begin(ident)
            yield
