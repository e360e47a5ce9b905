"""A rush: what is put off, until when, and for whom nothing is."""

from __future__ import annotations

import asyncio

from postroad.clock import Clock
from postroad_web.catalog.rush import LONGEST, MANY, REST, Rush


class Steps:
    """A rush by a clock that only a test pushes forward, and whether anybody listens."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.is_awaited = False
        self.rush = Rush(self.clock, lambda: self.is_awaited)
        self._tasks: set[asyncio.Task[None]] = set()

    async def rests(self, service: str, lines: int) -> asyncio.Task[None]:
        """Begin a rest, and run it as far as it goes without the clock."""
        return await self._begun(asyncio.create_task(self.rush.rest(service, lines)))

    async def contents(self) -> asyncio.Task[None]:
        """Begin to wait for the end of the rush."""
        return await self._begun(asyncio.create_task(self.rush.over()))

    async def push(self, seconds: float) -> None:
        self.clock.push(seconds)
        await self._settle()

    async def _begun(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._tasks.add(task)
        await self._settle()
        return task

    async def _settle(self) -> None:
        for _ in range(10):  # turns of the loop, more than any task here takes
            await asyncio.sleep(0)


async def test_few_lines_put_nothing_off() -> None:
    steps = Steps()
    assert (await steps.rests("relay", MANY - 1)).done()
    assert (await steps.contents()).done()


async def test_many_lines_are_followed_by_a_rest() -> None:
    steps = Steps()
    rest = await steps.rests("relay", MANY)
    assert not rest.done()
    await steps.push(REST)
    assert rest.done()


async def test_contents_wait_for_the_end_of_the_rush() -> None:
    steps = Steps()
    await steps.rests("relay", MANY)
    contents = await steps.contents()
    await steps.push(REST)
    assert not contents.done()
    assert (await steps.rests("relay", MANY - 1)).done()
    assert (await steps.contents()).done()
    assert contents.done()


async def test_contents_do_not_wait_for_ever() -> None:
    steps = Steps()
    await steps.rests("relay", MANY)
    contents = await steps.contents()
    await steps.push(REST)
    await steps.rests("relay", MANY)
    assert not contents.done()
    await steps.push(LONGEST - REST)
    assert contents.done()
    await steps.rests("relay", MANY)
    assert (await steps.contents()).done()  # the same rush goes on


async def test_a_rush_ends_when_all_services_are_calm() -> None:
    steps = Steps()
    await steps.rests("relay", MANY)
    await steps.rests("store", MANY)
    contents = await steps.contents()
    await steps.rests("relay", 1)
    assert not contents.done()
    await steps.rests("store", 1)
    assert contents.done()


async def test_nothing_is_put_off_while_somebody_listens() -> None:
    steps = Steps()
    steps.is_awaited = True
    assert (await steps.rests("relay", MANY)).done()
    assert (await steps.contents()).done()


async def test_who_begins_to_listen_ends_the_rest() -> None:
    steps = Steps()
    rest, contents = await steps.rests("relay", MANY), await steps.contents()
    steps.rush.end()
    await steps.push(0)
    assert rest.done()
    assert contents.done()
