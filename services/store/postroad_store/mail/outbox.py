"""The outbox: letters that scripts have written, durable from the delivery on until the relay has them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from postroad_store.mail.database import facts
from postroad_store.mail.database.commits.outbox import Deliver, Forget, ForgetAll, Postpone
from postroad_store.mail.incoming import incoming
from postroad_store.mail.model.letter import Letter, Posted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from concurrent.futures import Executor

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.arrival import Arrival, Stored
    from postroad_store.mail.model.letter import Memory
    from postroad_store.mail.model.telling import Places, Tell
    from postroad_store.mail.quotas import Quotas
    from postroad_store.mail.writer import Writer


class Outbox:
    """Letters to send. `on_posted` is called when there are new ones."""

    def __init__(self, writer: Writer, reader: Reader, parser: Executor, quotas: Quotas) -> None:
        self._writer = writer
        self._reader = reader
        self._parser = parser
        self._quotas = quotas
        self.on_posted: Callable[[], None] = _nobody
        self._fewer = asyncio.Event()
        self.left = writer.left  # events that a killed process did not record: nor did it answer these deliveries

    async def deliver(
        self,
        arrivals: Sequence[Arrival],
        letters: Sequence[Letter],
        memories: Sequence[Memory],
        now: float,
        tell: Tell[Places] = None,
    ) -> list[Stored]:
        """Commit: store messages, write letters and remember, all of it or nothing.

        Returns one `Stored` per arrival and mailbox, in order. Messages are parsed in a thread. `now` is in seconds
        since 1970. Raises `NoSuchMailbox`, `OverQuota` and `StorageError`.
        """
        parsed = await asyncio.get_running_loop().run_in_executor(self._parser, list, map(incoming, arrivals))
        deliver = Deliver(parsed, letters, memories, int(now), allowed=self._quotas.check, posted=self._posted)
        return await self._writer.submit(facts.tells(deliver, tell, facts.delivered))

    def _posted(self) -> None:
        self.on_posted()

    def next_due(self) -> int | None:
        """Read: when the next letter is due, in seconds since 1970; None if there is none."""
        ((due,),) = self._reader.rows("SELECT min(due) FROM outbox", ())
        return None if due is None else int(due)

    def due(self, now: float) -> Posted | None:
        """Read: the letter that has been due for the longest time; None if none is."""
        rows = self._reader.rows(
            "SELECT id, sender, recipient, content, smtputf8, written, attempts, world FROM outbox WHERE due <= ?"
            " ORDER BY due, id LIMIT 1",
            (now,),
        )
        if not rows:
            return None
        number, sender, recipient, content, smtputf8, written, attempts, world = rows[0]
        letter = Letter(sender, recipient, content, bool(smtputf8), world=world)
        return Posted(number, letter, written, attempts)

    def drop(self, world: str) -> Awaitable[None]:
        """Commit: forget the letters of a world, which was dropped."""
        return self._writer.submit(ForgetAll(world))

    def forget(self, number: int) -> Awaitable[None]:
        """Commit: the relay has the letter, or it can't be sent."""
        forgotten = self._writer.submit(Forget(number))
        forgotten.add_done_callback(lambda _: self._fewer.set())
        return forgotten

    async def emptied(self) -> None:
        """Wait until the relay has all letters."""
        while self.next_due() is not None:
            self._fewer.clear()
            await self._fewer.wait()

    def postpone(self, number: int, due: float) -> Awaitable[None]:
        """Commit: try the letter again later; `due` is in seconds since 1970."""
        return self._writer.submit(Postpone(number, int(due)))


def _nobody() -> None:
    """Tell nobody: the store has no postman yet."""
