"""A server of SMTP that takes messages in a test, and answers as the test says.

async with SmtpHost(lambda mail: "250 2.0.0 OK: queued as abc") as host:
    ...  # host.port
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that came."""

    sender: str
    recipients: list[str]
    content: bytes
    login: str | None
    tls: bool


class SmtpHost:
    """Listens on 127.0.0.1. `offers` are keywords of EHLO; `refusals` are replies by the beginnings of commands."""

    def __init__(
        self,
        accept: Callable[[Mail], str] = lambda _: "250 2.0.0 OK: queued as abc",
        *,
        offers: tuple[str, ...] = ("8BITMIME", "SMTPUTF8"),
        refusals: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
    ) -> None:
        self.accept = accept
        self.offers = offers
        self.refusals = refusals or {}
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.heard: list[str] = []
        self.port = 0
        self._sessions: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        context = self.tls if self.implicit_tls else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer, ended in list(self._sessions.items()):
            writer.close()
            await ended.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions[writer] = asyncio.Event()
        with contextlib.suppress(OSError, EOFError):
            await self._session(reader, writer)
        writer.close()
        self._sessions.pop(writer).set()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, login, secure = "", None, self.implicit_tls
        recipients: list[str] = []

        async def ask(text: str) -> str:
            writer.write(f"{text}\r\n".encode())
            line = (await reader.readuntil(b"\r\n")).decode().removesuffix("\r\n")
            self.heard.append(line)
            return line

        reply = self.refusals.get("connect", "220 toy")
        while True:
            line = await ask(reply)
            verb = line.split(" ", 1)[0].upper()
            refusal = next((text for start, text in self.refusals.items() if line.upper().startswith(start)), None)
            if refusal is not None:
                reply = refusal
            elif verb == "EHLO":
                offers = [*self.offers, *(["STARTTLS"] if self.tls and not secure else [])]
                reply = "\r\n".join([*(f"250-{offer}" for offer in ("toy", *offers)), "250 HELP"])
            elif verb == "STARTTLS":
                assert self.tls is not None
                writer.write(b"220 go ahead\r\n")
                transport: Any = writer.transport
                try:
                    await writer.start_tls(self.tls)
                except AttributeError as error:  # Python 3.11 has lost the transport where the handshake failed
                    writer._transport = transport  # type: ignore[attr-defined]
                    raise EOFError from error
                secure = True
                self.heard.append((await reader.readuntil(b"\r\n")).decode().strip())
                reply = "\r\n".join([*(f"250-{offer}" for offer in ("toy", *self.offers)), "250 HELP"])
            elif line.startswith("AUTH PLAIN "):
                login = base64.b64decode(line.split(" ")[2]).decode()
                reply = "235 2.7.0 in"
            elif line == "AUTH LOGIN":
                name, password = [
                    base64.b64decode(await ask(f"334 {text}")).decode() for text in ("VXNlcg==", "UGFzcw==")
                ]
                login, reply = f"{name}:{password}", "235 2.7.0 in"
            elif verb == "MAIL":
                sender, recipients, reply = line[line.index("<") + 1 : line.index(">")], [], "250 2.1.0 OK"
            elif verb == "RCPT":
                recipients.append(line[line.index("<") + 1 : line.rindex(">")])
                reply = "250 2.1.5 OK"
            elif verb == "DATA":
                writer.write(b"354 go ahead\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                content = content[:-3].replace(b"\r\n..", b"\r\n.")
                reply = self.accept(Mail(sender, recipients, content, login, secure))
            else:
                reply = "250 2.0.0 OK"
            if verb == "QUIT":
                return
