"""A recipient's server for the tests: takes mail as it is told to, and keeps it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType


@dataclass(slots=True)
class Mail:
    """One message that was taken."""

    sender: str
    recipients: list[str]
    content: bytes  # with its dots stuffed no more
    tls: bool
    connection: int


class HangUpError(Exception):
    """Raised to close the connection without a word."""


@dataclass
class PretendServer:
    """Speaks enough SMTP; `replies` overrides what it says to a command line, or to its verb.

    The reply "drop" closes the connection in its stead, "wait" says nothing at all.
    """

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SIZE", "SMTPUTF8")
    replies: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    commands: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        await self.listen()
        return self

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.address, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._writers)

    def hang_up(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that connections, commands and mails bring about."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def wait_for(self, mails: int) -> None:
        """Wait until so many messages have come."""
        await self.until(lambda: len(self.mails) >= mails)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._changed.set()
        self._writers.add(writer)
        with contextlib.suppress(HangUpError, ConnectionError, asyncio.IncompleteReadError):
            await self._session(reader, writer, self.connections)
        self._writers.discard(writer)
        self._changed.set()
        writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        await self._say(writer, "greeting", "220 pretend ESMTP")
        sender, recipients, secure = "", list[str](), False
        while True:
            line = (await reader.readuntil(b"\r\n")).decode().rstrip()
            self.commands.append(line)
            self._changed.set()
            verb = line.partition(" ")[0]
            match verb:
                case "EHLO":
                    offers = (*self.extensions, "STARTTLS") if self.tls is not None and not secure else self.extensions
                    lines = ["pretend", *offers]
                    text = "\r\n".join(f"250-{keyword}" for keyword in lines[:-1]) + f"\r\n250 {lines[-1]}"
                    await self._say(writer, line, text)
                case "STARTTLS":
                    await self._say(writer, line, "220 go ahead")
                    assert self.tls is not None
                    await writer.start_tls(self.tls)
                    secure = True
                case "MAIL":
                    sender, recipients = line, []
                    await self._say(writer, line, "250 OK")
                case "RCPT":
                    if (await self._say(writer, line, "250 OK")).startswith("2"):
                        recipients.append(line[len("RCPT TO:<") : -1])
                case "DATA":
                    if not (await self._say(writer, line, "354 go ahead" if recipients else "503 nobody")).startswith(
                        "3"
                    ):
                        continue
                    content = await self._content(reader)
                    reply = self.replies.get(".", "250 OK")
                    if recipients and reply.startswith("2"):
                        self.mails.append(Mail(sender, recipients, content, secure, connection))
                        self._changed.set()
                    await self._say(writer, ".", "250 OK queued")
                case "QUIT":
                    await self._say(writer, line, "221 bye")
                    raise HangUpError
                case _:
                    await self._say(writer, line, "250 OK")

    async def _content(self, reader: asyncio.StreamReader) -> bytes:
        lines = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    async def _say(self, writer: asyncio.StreamWriter, what: str, usual: str) -> str:
        reply = self.replies.get(what, self.replies.get(what.partition(" ")[0], usual))
        if reply == "drop":
            raise HangUpError
        if reply == "wait":
            await asyncio.Event().wait()
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()
        return reply
