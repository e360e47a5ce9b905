"""`GET /sessions` and `GET /sessions/{id}` of a control door: the transcripts of this service.

    GET /sessions?world=checkout&protocol=smtp&limit=50          the newest, the last first; `next` goes on as `before`
    GET /sessions?after=1764115200000000&wait=25                 what has changed since, in order; waits for it
    GET /sessions/4f1a9c22?world=checkout                        one of them, with its lines

`world=*` shows those of all worlds. `last` is the number of the last change, for `after`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from postroad.control.messages import LONGEST_WAIT, Refusal, Request, Response, Route, answer
from postroad.journal.uids import position_of, ranges_in
from postroad.transcript.view import place_of, summary, whole
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.tap import Read
    from postroad.transcript.recorder import Recorder
    from postroad.transcript.tape import Tape

MOST = 500  # sessions of an answer
GATHER = 0.05  # seconds in which changes are gathered before a request that waits is answered


def session_routes(recorder: Recorder) -> list[Route]:
    """Return the routes."""
    return _Sessions(recorder).routes()


def world_in(request: Request) -> str | None:
    """Return the world that a request asks for, None for all."""
    world = request.query.get("world", DEFAULT_WORLD)
    return None if world == "*" else world


class _Sessions:
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def routes(self) -> list[Route]:
        return [Route("GET", "/sessions", self.some), Route("GET", "/sessions/{id}", self.one)]

    async def one(self, request: Request) -> Response:
        """Answer with one session and its lines."""
        world = world_in(request)
        tape = self._recorder.find(request.params["id"])
        if tape is None or not tape.of(world):
            raise Refusal(404, f"there is no session {request.params['id']}, or no more")
        return answer(whole(tape, world))

    async def some(self, request: Request) -> Response:
        """Answer with sessions."""
        limit = request.whole("limit", 50, most=MOST)
        if "after" not in request.query:
            return self._newest(request, limit)
        after = request.whole("after", 0)
        wait = request.seconds("wait", 0.0, most=LONGEST_WAIT)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait or None):
                while wait and not self._changed(request, after):
                    await self._change()
        changed = self._changed(request, after)
        more = len(changed) > limit
        changed = changed[:limit]
        last = changed[-1].changed if more else self._recorder.number
        world = world_in(request)
        return answer({"sessions": [summary(tape, world) for tape in changed], "next": None, "last": last})

    def _changed(self, request: Request, after: int) -> list[Tape]:
        """Return the sessions that have changed after a number, in that order."""
        if self._recorder.number <= after:
            return []
        return sorted((tape for tape in self._matching(request) if tape.changed > after), key=lambda tape: tape.changed)

    def _newest(self, request: Request, limit: int) -> Response:
        before = _place(request.query["before"]) if "before" in request.query else None
        found: list[Tape] = []
        more = False
        for tape in self._matching(request):
            if before is not None and place_of(tape) >= before:
                continue
            if len(found) == limit:
                more = True
                break
            found.append(tape)
        world = world_in(request)
        value: dict[str, Any] = {"sessions": [summary(tape, world) for tape in found], "last": self._recorder.number}
        value["next"] = "{}-{}".format(*place_of(found[-1])) if more and found else None
        return answer(value)

    def _matching(self, request: Request) -> Iterator[Tape]:
        world, query = world_in(request), request.query
        protocol, peer = query.get("protocol"), query.get("peer")
        account = query.get("account")
        about = _About(request)
        for tape in self._recorder.tapes():
            opened = tape.opened
            if (
                tape.of(world)
                and protocol in {None, opened.protocol}
                and peer in {None, opened.peer, opened.peer.rpartition(":")[0]}
                and account in {None, tape.account}
                and about.fits(tape, world)
            ):
                yield tape

    async def _change(self) -> None:
        """Wait for a change, and for those that follow at once."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._waiting.add(woken)
        self._loop = loop
        self._recorder.woken = self._wake_soon
        try:
            await woken
        finally:
            self._waiting.discard(woken)

    def _wake_soon(self) -> None:
        if self._loop is not None:
            self._loop.call_later(GATHER, self._wake)

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


class _About:
    """Which messages a session has to be about: by queue IDs, or because it has read one of these places."""

    def __init__(self, request: Request) -> None:
        query = request.query
        self._all = "message" not in query and "places" not in query
        self._messages = frozenset(query.get("message", "").split(","))
        try:
            self._places = [(str(a), str(b), int(c), int(d)) for a, b, c, d in orjson.loads(query.get("places", "[]"))]
        except (TypeError, ValueError):
            raise Refusal(400, "places must be a list of account, mailbox, UIDVALIDITY and UID") from None

    def fits(self, tape: Tape, world: str | None) -> bool:
        if self._all:
            return True
        if any(world in {None, tape.messages[ident]} for ident in self._messages & tape.messages.keys()):
            return True
        return any(_has_read(fact, place) for fact in tape.reads for place in self._places)


def _has_read(fact: Read, place: tuple[str, str, int, int]) -> bool:
    here = (fact.account, fact.mailbox, fact.uid_validity)
    return here == place[:3] and position_of(place[3], ranges_in(fact.uids)) is not None


def _place(text: str) -> tuple[int, str]:
    """Read a cursor; raises `Refusal`."""
    began, _, ident = text.partition("-")
    if not began.isascii() or not began.isdigit():
        raise Refusal(400, "before must be the cursor that an answer has given")
    return int(began), ident
