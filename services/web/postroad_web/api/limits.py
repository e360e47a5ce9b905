"""Bounds: how large a body may be and how slowly it may come, and how many requests may be held at a time."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope


LARGE = 64 << 20  # octets of a body that brings messages
PLAIN = 5 << 20  # octets of any other
TOGETHER = 256 << 20  # octets of all bodies that are in memory at a time
BRINGS_MESSAGES = ("/v1/messages", "/api/v1/send")
STREAMED = 16 << 30  # octets of a body that is read as it comes, and never held
PIECE_WITHIN = 30.0  # seconds until the next piece of a body has to come
WHOLE_WITHIN = 300.0  # seconds until all of it has
STREAMED_WITHIN = 3600.0  # ... of one that is read as it comes
LINGER = 5.0  # seconds in which the rest of a body may come that nobody reads

_STREAMS = re.compile(r"/v1/accounts/.+/seed")


class Incoming:
    """What a client sends: a `receive` that knows whether all of the body has come."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        names = {name for name, _ in scope["headers"]}
        self._receive = receive
        self._ended = names.isdisjoint({b"content-length", b"transfer-encoding"})
        self._awaited = b"expect" not in names  # RFC 9110 §10.1.1: else the body comes once it is asked for

    async def __call__(self) -> Message:
        """Return the next message."""
        self._awaited = True
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    @property
    def unread(self) -> bool:
        """Whether more of the body may come."""
        return not self._ended

    def give_up(self) -> None:
        """Wait for no more of the body."""
        self._ended = True

    async def drain(self) -> None:
        """Read the rest of the body, and forget it.

        Many clients read no answer before they have sent all, and lose it if the connection is reset meanwhile
        (RFC 9112 §9.6).
        """
        if self._awaited:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    while not self._ended:
                        await self()


class Bodies:
    """The bodies of all requests."""

    def __init__(self) -> None:
        self.held = 0  # octets

    def bounded(self, scope: Scope, receive: Incoming) -> Body:
        """Return a `receive` that raises `Problem` once a body is too large or too slow.

        What Content-Length says is believed only to refuse: the octets are counted as they come.
        """
        streams = _STREAMS.fullmatch(scope["path"]) is not None
        most = STREAMED if streams else LARGE if scope["path"].startswith(BRINGS_MESSAGES) else PLAIN
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or len(value) > 15 or int(value) > most):
                raise _too_large(most)
        return Body(self, receive, most, streams=streams)


class Body:
    """The body of one request, which is to be let go of when it was answered."""

    def __init__(self, bodies: Bodies, receive: Incoming, most: int, *, streams: bool) -> None:
        self._bodies = bodies
        self._receive = receive
        self._most = most
        self._streams = streams
        self._latest = asyncio.get_running_loop().time() + (STREAMED_WITHIN if streams else WHOLE_WITHIN)
        self._taken = self._held = 0
        self._ended = False

    async def __call__(self) -> Message:
        """Return the next message."""
        if self._ended:  # only the client's leaving can come now, which may take its time
            return await self._receive()
        try:
            async with asyncio.timeout_at(min(self._latest, asyncio.get_running_loop().time() + PIECE_WITHIN)):
                message = await self._receive()
        except TimeoutError:
            self._receive.give_up()
            raise Problem(
                408, "The body came too slowly", "No piece of it came for a while.", headers={"Connection": "close"}
            ) from None
        if message["type"] != "http.request":
            return message
        size = len(message.get("body", b""))
        self._taken += size
        self._ended = not message.get("more_body", False)
        if self._taken > self._most:
            raise _too_large(self._most)
        if self._streams:
            return message
        self._held += size
        self._bodies.held += size
        if self._bodies.held > TOGETHER:
            self.let_go()  # at once, and not when the answer has been read
            raise Problem(
                503,
                "Too many large bodies at a time",
                "Send it again in a moment.",
                headers={"Retry-After": "1", "Connection": "close"},
            )
        return message

    def let_go(self) -> None:
        """Count it no longer."""
        self._bodies.held -= self._held
        self._held = 0


def _too_large(most: int) -> Problem:
    return Problem(
        413,
        "The body is too large",
        f"At most {most} octets are taken here.",
        headers={"Connection": "close"},
    )


class Slots:
    """A bounded number of requests of one kind that are held at a time: waits, streams."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self.taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one of them; raises a `Problem` 503 if all are taken."""
        if self.taken >= self._most:
            raise Problem(
                503,
                f"Too many {self._name}",
                f"{self._most} {self._name} are under way already; try again in a moment.",
                headers={"Retry-After": "1"},
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
