"""Bounds: how large a body may be and how slowly it may come, and how many requests may be held at a time."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

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
        self._held = 0  # octets

    @asynccontextmanager
    async def bounded(self, scope: Scope, receive: Incoming) -> AsyncIterator[Receive]:
        """Give a `receive` that raises `Problem` once a body is too large or too slow.

        What Content-Length says is believed only to refuse: the octets are counted as they come.
        """
        streams = _STREAMS.fullmatch(scope["path"]) is not None
        most = STREAMED if streams else LARGE if scope["path"].startswith(BRINGS_MESSAGES) else PLAIN
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or len(value) > 15 or int(value) > most):
                raise _too_large(most)
        taken = held = 0
        ended = False
        latest = asyncio.get_running_loop().time() + (STREAMED_WITHIN if streams else WHOLE_WITHIN)

        async def counted() -> Message:
            nonlocal taken, held, ended
            if ended:  # only the client's leaving can come now, which may take its time
                return await receive()
            try:
                async with asyncio.timeout_at(min(latest, asyncio.get_running_loop().time() + PIECE_WITHIN)):
                    message = await receive()
            except TimeoutError:
                receive.give_up()
                raise Problem(
                    408, "The body came too slowly", "No piece of it came for a while.", headers={"Connection": "close"}
                ) from None
            if message["type"] != "http.request":
                return message
            size = len(message.get("body", b""))
            taken += size
            ended = not message.get("more_body", False)
            if taken > most:
                raise _too_large(most)
            if streams:
                return message
            held += size
            self._held += size
            if self._held > TOGETHER:
                self._held -= held  # at once, and not when the answer has been read
                held = 0
                raise Problem(
                    503,
                    "Too many large bodies at a time",
                    "Send it again in a moment.",
                    headers={"Retry-After": "1", "Connection": "close"},
                )
            return message

        try:
            yield counted
        finally:
            self._held -= held


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
