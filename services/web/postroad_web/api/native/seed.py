"""Seed a mailbox: put the messages of a file into it, as if they had been there for long.

The file is read as it comes, and its messages are stored batch by batch. If it can't be read further, what was stored
by then stays, and the answer says how much that is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from postroad.control.client import DoorAway, DoorRefused
from postroad.jsontext import to_json
from postroad.mail.trace_fields import ROOM
from postroad_web.api.answer import json
from postroad_web.api.describe import operation, record, ref
from postroad_web.api.fields import given, line, many, media_type_of, one_of, query_of
from postroad_web.api.limits import Slots
from postroad_web.api.native.places import MAILBOX, login_of, world_of_login
from postroad_web.api.problem import Problem
from postroad_web.seeding.found import NotReadable
from postroad_web.seeding.maildir import Maildir
from postroad_web.seeding.mbox import Mbox
from postroad_web.seeding.single import Single
from postroad_web.seeding.sower import Sower

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from postroad_web.api.services import Services
    from postroad_web.seeding.found import Source

AT_ONCE = 4  # seedings
NDJSON = "application/x-ndjson"
_MAGIC_AT = 257  # where a tar says what it is
_MAGIC = b"ustar"
_FORMATS = {"message/rfc822": "eml", "application/mbox": "mbox", "application/x-tar": "maildir"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What the file is."""

    format: str | None = given(
        one_of("eml", "mbox", "maildir"),
        "what the body is; left out: as Content-Type says, or as it looks",
        default=None,
    )
    flags: tuple[str, ...] = given(
        many(line(most=200), most=20), "flags that every message gets, by their IMAP names", default=()
    )


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    slots = Slots("seedings", AT_ONCE)

    async def seed(request: Request) -> Response:
        wanted = query_of(request, Seed)
        seeding = _Seeding(services, request, wanted)
        if NDJSON in request.headers.get("accept", ""):
            return _Lines(seeding, slots)
        with slots.one(), suppress(ClientDisconnect):  # then nobody is left to read the answer
            async for _ in seeding.steps():
                pass
        return json(seeding.summary())

    return [Route(f"{MAILBOX}/seed", seed, methods=["POST"])]


class _Seeding:
    """One request."""

    def __init__(self, services: Services, request: Request, wanted: Seed) -> None:
        self._request = request
        self._wanted = wanted
        self._most = services.settings.message_size + ROOM  # as the mailbox has it that it was exported from
        self._login = login_of(services, request)
        self._world = world_of_login(services, self._login)
        self._mailbox = request.path_params["mailbox"]
        self._sower = Sower(services.store, self._login, self._mailbox)
        self._source: Source | None = None

    def summary(self) -> dict[str, Any]:
        """Return what has been done by now."""
        where = {"account": self._login, "world": self._world, "mailbox": self._mailbox}
        return where | self._sower.summary() | {"skipped": self._source.skipped if self._source is not None else 0}

    async def steps(self) -> AsyncIterator[None]:
        """Read the file, and yield after each batch; raises `Problem`, which says what was stored before."""
        try:
            async for _ in self._read():
                yield
        except NotReadable as error:
            await self._store_rest(error)
            raise self._problem(422, "The file can't be read", _sentence(error)) from None
        except DoorRefused as error:
            raise self._problem(error.status, "The store has refused", _sentence(error)) from None
        except DoorAway as error:
            raise self._problem(503, "A service is away", _sentence(error), service=error.service) from None
        except Problem as error:  # of the limits
            error.members.setdefault("stored", self._sower.stored)
            raise

    async def _read(self) -> AsyncIterator[None]:
        octets = b""
        async for piece in self._request.stream():
            octets += piece
            if self._source is None:
                if len(octets) < _MAGIC_AT + len(_MAGIC):
                    continue
                self._source = self._open(octets)
            async for _ in self._put(self._source, octets):
                yield
            octets = b""
        if self._source is None:
            self._source = self._open(octets)
            async for _ in self._put(self._source, octets):
                yield
        for message in self._source.end():
            await self._sower.put(message, self._wanted.flags)
        await self._sower.flush()

    async def _put(self, source: Source, piece: bytes) -> AsyncIterator[None]:
        for message in source.feed(piece):
            if await self._sower.put(message, self._wanted.flags):
                yield

    def _open(self, start: bytes) -> Source:
        """Return the reader of the file's form."""
        match self._wanted.format or _FORMATS.get(media_type_of(self._request)) or _form_of(start):
            case "mbox":
                return Mbox(self._most)
            case "maildir":
                return Maildir(self._most)
            case _:
                return Single(self._most)

    async def _store_rest(self, error: NotReadable) -> None:
        """Store the messages that were whole before the fault."""
        try:
            await self._sower.flush()
        except (DoorAway, DoorRefused) as further:
            raise self._problem(
                503, "The file can't be read, nor its messages be stored", f"{_sentence(error)} {_sentence(further)}"
            ) from None

    def _problem(self, status: int, title: str, sentence: str, **members: Any) -> Problem:
        stored = self._sower.stored
        return Problem(
            status,
            title,
            f"{sentence} Messages stored before that: {stored}.",
            headers={"Connection": "close"},  # what is left of the body is not read
            **members,
            **self.summary(),
        )


def _brief(problem: Problem) -> dict[str, Any]:
    return {"status": problem.status, "title": problem.title, "detail": problem.detail}


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _form_of(start: bytes) -> str:
    if start.startswith(b"From "):
        return "mbox"
    return "maildir" if start[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC else "eml"


class _Lines(Response):
    """The answer in lines, of which each is sent when a batch is stored, while the body is still read.

    Starlette's own streaming answer reads from `receive` too, and would take pieces of the body.
    """

    media_type = NDJSON

    def __init__(self, seeding: _Seeding, slots: Slots) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._seeding = seeding
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the request reads
        """Answer."""

        async def say(value: dict[str, Any]) -> None:
            await send({"type": "http.response.body", "body": to_json(value) + b"\n", "more_body": True})

        with self._slots.one():
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                async for _ in self._seeding.steps():
                    await say({**self._seeding.summary(), "done": False})
                await say({**self._seeding.summary(), "done": True})
            except ClientDisconnect:
                return
            except Problem as problem:
                await say({**self._seeding.summary(), "done": False, "problem": _brief(problem)})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


_NULLABLE = {"type": ["integer", "null"]}
_PROGRESS = {
    "account": {"type": "string"},
    "world": {"type": "string"},
    "mailbox": {"type": "string"},
    "stored": {"type": "integer", "description": "messages"},
    "octets": {"type": "integer", "description": "... and their octets, before line ends are made CRLF"},
    "uid_validity": _NULLABLE,
    "first_uid": _NULLABLE,
    "last_uid": _NULLABLE,
    "skipped": {"type": "integer", "description": "messages of other folders of a Maildir"},
}
SCHEMAS = {"Seeded": record(_PROGRESS)}
OPENAPI = {
    "/v1/accounts/{login}/mailboxes/{mailbox}/seed": {
        "post": operation(
            "mailboxes",
            "Put the messages of a file into a mailbox",
            description="The body is one message (message/rfc822), an mbox (application/mbox, its From lines quoted as "
            "mboxrd), or a tar of a Maildir (application/x-tar, uncompressed; flags and times of the files are kept). "
            "It is read as it comes, and may be large. The mailbox is made if it is missing. With "
            "`Accept: application/x-ndjson` a line says after each batch how far it has come; the last one has "
            "`done: true`, or a `problem`. If the file can't be read further, the messages before that are stored.",
            path={"login": "the whole address", "mailbox": "the name of the mailbox"},
            query=Seed,
            octets="application/octet-stream",
            answer=ref("Seeded"),
            errors=(404, 413, 503),
        )
    }
}
