"""`GET /sessions` and `GET /sessions/{id}` of a control door: the transcripts of this service.

    GET /sessions?world=checkout&protocol=smtp&limit=50          the newest, the last first; `next` goes on as `before`
    GET /sessions?after=1764115200000000&wait=25                 what has changed since, in order; waits for it
    GET /sessions/4f1a9c22?world=checkout                        one of them, with its lines, unless lines=no

`world=*` shows those of all worlds. `last` is the number of the last change, for `after`.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from postroad.control.messages import LONGEST_WAIT, Refusal, Request, Response, Route, answer
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST = 500  # sessions of an answer
GATHER = 0.05  # seconds in which changes are gathered before a request that waits is answered


class Entry(Protocol):
    """A session on record."""

    @property
    def changed(self) -> int:
        """The number of its last change."""
        ...

    @property
    def place(self) -> tuple[int, str]:
        """Where it is in the order of all: when it began, in microseconds, and its ID."""
        ...

    def summary(self, world: str | None) -> dict[str, Any]:
        """Return the facts about it, as a world may see them; None: as all may."""
        ...

    def whole(self, world: str | None) -> dict[str, Any]:
        """Return it with its lines."""
        ...


class Record(Protocol):
    """The sessions on record."""

    woken: Callable[[], None] | None  # is called at the next change, and forgotten

    @property
    def number(self) -> int:
        """The number of the last change."""
        ...

    def find(self, session: str, world: str | None) -> Entry | None:
        """Return a session by its ID, if the world may see it."""
        ...

    def matching(self, query: Mapping[str, str], world: str | None) -> Iterator[Entry]:
        """Yield the sessions that a query asks for, the one that began last first; raises `Refusal`."""
        ...


def session_routes(record: Record) -> list[Route]:
    """Return the routes."""
    return _Sessions(record).routes()


def world_in(request: Request) -> str | None:
    """Return the world that a request asks for, None for all."""
    world = request.query.get("world", DEFAULT_WORLD)
    return None if world == "*" else world


class _Sessions:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._waiting: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def routes(self) -> list[Route]:
        return [Route("GET", "/sessions", self.some), Route("GET", "/sessions/{id}", self.one)]

    async def one(self, request: Request) -> Response:
        """Answer with one session and its lines."""
        world = world_in(request)
        session = self._record.find(request.params["id"], world)
        if session is None:
            raise Refusal(404, f"there is no session {request.params['id']}, or no more")
        whole = session.whole(world)
        if request.query.get("lines") == "no":
            del whole["lines"]
        return answer(whole)

    async def some(self, request: Request) -> Response:
        """Answer with sessions."""
        limit = request.whole("limit", 50, most=MOST)
        if "after" not in request.query:
            return self._newest(request, limit)
        after = request.whole("after", 0)
        wait = request.seconds("wait", 0.0, most=LONGEST_WAIT)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait or None):
                while wait:
                    # Before anything is looked at: what changes meanwhile, in another thread, wakes this request.
                    with self._listening() as woken:
                        if self._changed(request, after):
                            break
                        await woken
        changed = self._changed(request, after)
        more = len(changed) > limit
        changed = changed[:limit]
        last = changed[-1].changed if more else self._record.number
        world = world_in(request)
        return answer({"sessions": [entry.summary(world) for entry in changed], "next": None, "last": last})

    def _changed(self, request: Request, after: int) -> list[Entry]:
        """Return the sessions that have changed after a number, in that order."""
        if self._record.number <= after:
            return []
        matching = self._record.matching(request.query, world_in(request))
        return sorted((entry for entry in matching if entry.changed > after), key=lambda entry: entry.changed)

    def _newest(self, request: Request, limit: int) -> Response:
        before = _place(request.query["before"]) if "before" in request.query else None
        entries: list[Entry] = []
        more = False
        world = world_in(request)
        for entry in self._record.matching(request.query, world):
            if before is not None and entry.place >= before:
                continue
            if len(entries) == limit:
                more = True
                break
            entries.append(entry)
        value: dict[str, Any] = {"sessions": [entry.summary(world) for entry in entries], "last": self._record.number}
        value["next"] = "{}-{}".format(*entries[-1].place) if more and entries else None
        return answer(value)

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Future[None]]:
        """Give a future that ends at the next change, a moment after it."""
        self._loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(woken)
        self._record.woken = self._wake_soon
        try:
            yield woken
        finally:
            self._waiting.discard(woken)

    def _wake_soon(self) -> None:
        """Wake the requests that wait, in a moment; any thread may call this."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, GATHER, self._wake)

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


def _place(text: str) -> tuple[int, str]:
    """Read a cursor; raises `Refusal`."""
    began, _, ident = text.partition("-")
    if not began.isascii() or not began.isdigit():
        raise Refusal(400, "before must be the cursor that an answer has given")
    return int(began), ident
