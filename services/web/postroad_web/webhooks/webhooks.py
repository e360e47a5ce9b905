"""All webhooks: kept in a file, so that a restart goes on; each has a task that sends its events one after the other.

An event is sent at least once: the file says up to which cursor a hook's events were taken. The ID of an event is the
same at each try, so that a receiver can tell a repetition.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import secrets
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

from postroad.jsontext import to_json
from postroad_web.api.native import shapes
from postroad_web.api.stream import events
from postroad_web.catalog.worlds import EVERY
from postroad_web.search.query import parse
from postroad_web.webhooks.hook import SECRET, Hook, kept, new_secret, next_try, read_hook, signed, target_of
from postroad_web.webhooks.sender import ForbiddenError, NotSentError, send

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.clock import Clock
    from postroad_web.api.stream import Event
    from postroad_web.catalog.catalog import Catalog
    from postroad_web.search.query import Query

log = logging.getLogger(__name__)

FILE = "webhooks.json"
MOST = 50  # of a world
IN_ALL = 1000
KEPT_WITHIN = 0.5  # seconds


class TooManyHooks(Exception):  # noqa: N818 - a state of affairs
    """There are as many webhooks as there may be, in the world or in all."""


class Webhooks:
    """The webhooks. `start` comes first, `close` last. `anywhere`: they may leave private networks."""

    def __init__(self, directory: Path, catalog: Catalog, clock: Clock, *, anywhere: bool) -> None:
        self._path = directory / FILE
        self._catalog = catalog
        self._clock = clock
        self._anywhere = anywhere
        self._hooks: dict[str, Hook] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._moved = asyncio.Event()  # a cursor has
        self._keeper: asyncio.Task[None] | None = None
        self.troubles: dict[str, str] = {}  # what the last try of a hook has failed with, by the hook's ID

    def start(self) -> None:
        """Read what is kept, and go on sending."""
        for hook in self._read():
            self._begin(hook)
        self._keeper = asyncio.create_task(self._keep_cursors())

    def _read(self) -> list[Hook]:
        """Return what is kept. A file that can't be read is set aside, since the next change would write over it."""
        if not self._path.exists():
            return []
        try:
            return [read_hook(value) for value in orjson.loads(self._path.read_bytes())]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            aside = self._path.with_suffix(".damaged")
            self._path.replace(aside)
            log.error("the webhooks can't be read, so there are none; the file is kept as %s: %s", aside, error)  # noqa: TRY400 - said all
            return []

    async def close(self) -> None:
        """Stop sending."""
        if self._keeper is None:
            return
        tasks = [self._keeper, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        if self._moved.is_set():
            self._keep(self.of(EVERY))

    def of(self, world: str) -> list[Hook]:
        """Return the webhooks of a world, or of `EVERY` all of them, the oldest first."""
        return [hook for hook in self._hooks.values() if world in {EVERY, hook.world}]

    def of_every(self) -> list[Hook]:
        """Return those that get the events of all worlds."""
        return [hook for hook in self._hooks.values() if hook.world == EVERY]

    def add(self, world: str, url: str, kinds: tuple[str, ...], query: str | None) -> Hook:
        """Add a webhook for a world's events from now on; raises `TooManyHooks`, and `OSError` if it can't be kept."""
        if len(self._hooks) >= IN_ALL or len(self.of(world)) >= MOST:
            raise TooManyHooks
        hook = Hook(
            id=secrets.token_hex(8),
            world=world,
            url=url,
            secret=new_secret(secrets.token_bytes(SECRET)),
            events=kinds,
            query=query,
            created=self._clock.now(),
            cursor=self._catalog.cursor,
        )
        self._keep([*self.of(EVERY), hook])
        self._begin(hook)
        return hook

    def remove(self, *idents: str) -> None:
        """Remove webhooks; raises `OSError` if the others can't be kept."""
        self._keep([hook for hook in self._hooks.values() if hook.id not in idents])
        for ident in idents:
            del self._hooks[ident]
            self._tasks.pop(ident).cancel()
            self.troubles.pop(ident, None)

    def drop(self, world: str) -> None:
        """Remove the webhooks of a world that is no more; raises `OSError`."""
        idents = [hook.id for hook in self._hooks.values() if hook.world == world]
        if idents:
            self.remove(*idents)

    def _begin(self, hook: Hook) -> None:
        self._hooks[hook.id] = hook
        self._tasks[hook.id] = asyncio.create_task(self._run(hook))

    async def _keep_cursors(self) -> None:
        """Write the file soon after a cursor has moved. Events whose cursor a crash has lost are sent again."""
        while True:
            await self._moved.wait()
            await asyncio.sleep(KEPT_WITHIN)
            self._moved.clear()
            try:
                await asyncio.to_thread(self._keep, self.of(EVERY))
            except OSError as error:
                log.warning("the cursors of webhooks can't be kept: %s", error)
                self._moved.set()

    def _keep(self, hooks: list[Hook]) -> None:
        """Write the file: whole, or not at all. It is small, and has secrets."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(to_json([kept(hook) for hook in hooks]))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    async def _run(self, hook: Hook) -> None:
        """Send a hook's events for as long as it exists."""
        query = parse(hook.query) if hook.query is not None else None
        async with aclosing(events(self._catalog.of(hook.world), hook.cursor)) as stream:
            async for event in stream:
                if self._is_wanted(hook, query, event):
                    await self._deliver(hook, event)
                if event.last and hook.id in self._hooks:
                    self._hooks[hook.id] = dataclasses.replace(hook, cursor=event.cursor)
                    self._moved.set()

    def _is_wanted(self, hook: Hook, query: Query | None, event: Event) -> bool:
        if hook.events and event.kind not in hook.events:
            return False
        if query is None:
            return True
        if event.record is None:
            return False
        ident = event.record.id
        return query.matches(event.record, self._catalog.text(ident), self._catalog.header(ident))

    async def _deliver(self, hook: Hook, event: Event) -> None:
        """Send an event until it is taken, or given up."""
        about = event.record.id if event.record is not None else f"all-{event.world}"
        ident = f"{hook.id}.{event.cursor}.{about}"
        body = to_json(
            {"type": f"message.{event.kind}", "timestamp": shapes.time(self._clock.now()), "data": event.value()}
        )
        tries = 0
        while True:
            tries += 1
            try:
                await self._try(hook, ident, body)
            except NotSentError as error:
                self.troubles[hook.id] = str(error)
                pause = None if isinstance(error, ForbiddenError) else next_try(tries)
                if pause is None:
                    log.warning("an event of a webhook is given up", extra={"webhook": hook.id, "reason": str(error)})
                    return
                await self._clock.sleep(pause)
            else:
                self.troubles.pop(hook.id, None)
                return

    async def _try(self, hook: Hook, ident: str, body: bytes) -> None:
        headers = signed(hook.secret, ident, int(self._clock.now()), body)
        status = await send(target_of(hook.url), headers, body, anywhere=self._anywhere)
        if not 200 <= status < 300:
            raise NotSentError(f"the receiver has answered {status}")
