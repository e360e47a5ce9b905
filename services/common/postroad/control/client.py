"""The client of a control door: JSON and octets over connections that are kept open.

relay = DoorClient("relay", "127.0.0.25", 8026, token)
queue = await relay.get("/queue", limit=50)
await relay.post(quote_path("queue", queue_id, "retry"))
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, quote_plus

import h11
import orjson

from postroad.control import quick
from postroad.control.line import Answer, Line, Lost
from postroad.jsontext import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT = 2.0  # seconds
ANSWER = 30.0  # seconds for a whole response
LINGER = 60.0  # seconds after which an idle connection is not used again; the door closes it later
AT_ONCE = 16  # requests at a time, without those for the journal; others wait for their turn
# RFC 9110 §9.2.2: these may be sent again if the connection was lost.
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})

Query = str | int | float | bool | None


class DoorAway(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """A door can't be reached, or does not answer in time."""

    def __init__(self, service: str, why: str) -> None:
        super().__init__(f"the control door of {service} is away: {why}")
        self.service = service
        self.why = why


class DoorRefused(Exception):  # noqa: N818 - as above
    """A door has answered with a status of 400 or more."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Lines(NamedTuple):
    """Lines of a journal with their line ends, and the first and the last number that the service still keeps."""

    lines: list[bytes]
    first: int | None
    last: int | None


def quote_path(*segments: str) -> str:
    """Return the path of these segments, whatever characters they have."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


class DoorClient:
    """The client of one service's control door. Every call raises `DoorAway` or `DoorRefused` if it fails.

    Keyword arguments become the query; those that are None are left out, and a bool is `yes` or `no`.
    """

    def __init__(
        self, service: str, host: str, port: int, token: str, *, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self.service = service
        self._host = host
        self._port = port
        self._authority = f"{f'[{host}]' if ':' in host else host}:{port}"
        self._token = token
        self._steady = steady
        self._idle: list[Line] = []
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._closed = False

    async def get(self, path: str, **query: Query) -> Any:
        """GET a value."""
        return _value((await self._ask("GET", path, query)).body)

    async def post(self, path: str, value: Any = None, **query: Query) -> Any:
        """POST a value, or nothing, and return the answer's value."""
        return _value((await self._ask("POST", path, query, b"" if value is None else to_json(value))).body)

    async def put(self, path: str, value: Any, **query: Query) -> Any:
        """PUT a value and return the answer's."""
        return _value((await self._ask("PUT", path, query, to_json(value))).body)

    async def delete(self, path: str, **query: Query) -> Any:
        """DELETE, and return the answer's value."""
        return _value((await self._ask("DELETE", path, query)).body)

    async def octets(self, path: str, **query: Query) -> bytes:
        """GET octets, such as those of a message."""
        return (await self._ask("GET", path, query)).body

    async def post_octets(self, path: str, body: bytes, **query: Query) -> Any:
        """POST octets and return the answer's value."""
        return _value((await self._ask("POST", path, query, body)).body)

    async def post_for_octets(self, path: str, value: Any) -> bytes:
        """POST a value and return the answer's octets."""
        return (await self._ask("POST", path, {}, to_json(value))).body

    async def journal(
        self, after: int, *, wait: float = 0.0, limit: int | None = None, gather: float | None = None
    ) -> Lines:
        """Return the lines that have a number above `after`; if there are none, wait for one as long as asked.

        Without `limit`, the door's own holds. `gather` is for how long lines that only begin something may wait.
        """
        query: dict[str, Query] = {"after": after, "limit": limit, "wait": wait, "gather": gather}
        answer = await self._within(wait + ANSWER, "GET", _target("/journal", query), b"")
        lines = answer.body.split(b"\n")
        lines.pop()
        return Lines(
            [line + b"\n" for line in lines],
            _number(answer.headers.get(b"postroad-first")),
            _number(answer.headers.get(b"postroad-last")),
        )

    async def close(self) -> None:
        """Close the connections that are kept."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, method: str, path: str, query: dict[str, Query], body: bytes = b"") -> Answer:
        async with self._turns:
            return await self._within(ANSWER, method, _target(path, query), body)

    async def _within(self, seconds: float, method: str, target: str, body: bytes) -> Answer:
        try:
            return await self._exchange(seconds, method, target, body)
        except TimeoutError:
            raise DoorAway(self.service, f"no answer in {seconds:g} s") from None
        except (OSError, h11.ProtocolError, Lost) as error:
            raise DoorAway(self.service, str(error) or type(error).__name__) from error

    async def _exchange(self, seconds: float, method: str, target: str, body: bytes) -> Answer:
        line = self._kept()
        if line is not None:
            try:
                return await self._on(line, seconds, method, target, body)
            except Lost:  # the service was restarted since, or closed the connection a moment ago
                if method not in _IDEMPOTENT:
                    raise
        return await self._on(await self._connect(), seconds, method, target, body)

    async def _on(self, line: Line, seconds: float, method: str, target: str, body: bytes) -> Answer:
        """Send a request on a connection and return its answer; raises `DoorRefused` and `TimeoutError`."""
        head = quick.request(method, target, self._authority, self._token, len(body))
        try:
            answer = await line.exchange(head, body, seconds)
        except BaseException:
            line.close()
            raise
        if line.reusable and not self._closed:
            line.since = self._steady()
            self._idle.append(line)
        else:
            line.close()
        if answer.status >= 400:
            raise DoorRefused(answer.status, _sentence(answer.status, answer.body))
        return answer

    def _kept(self) -> Line | None:
        """Return a connection that is open still, the one that was used last; close those that were idle for long."""
        oldest = self._steady() - LINGER
        while self._idle:
            line = self._idle.pop()
            if line.since >= oldest and line.open:
                return line
            line.close()
        return None

    async def _connect(self) -> Line:
        try:
            async with asyncio.timeout(CONNECT):
                _, line = await asyncio.get_running_loop().create_connection(Line, self._host, self._port)
        except TimeoutError:
            raise DoorAway(self.service, f"no connection in {CONNECT:g} s") from None
        return line


def _target(path: str, query: dict[str, Query]) -> str:
    given = "&".join([f"{name}={_written(value)}" for name, value in query.items() if value is not None])
    return f"{path}?{given}" if given else path


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return quote_plus(value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _value(body: bytes) -> Any:
    return orjson.loads(body) if body else None


def _number(text: bytes | None) -> int | None:
    return None if text is None else int(text)


def _sentence(status: int, body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"the door has answered {status}"
