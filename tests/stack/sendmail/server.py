"""An SMTP server of one session, with the answers that a test gives it; it keeps the commands and the message."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Server:
    """Answers each verb with 250, unless `answers` has another reply for the line or its verb."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lines: list[str] = []
        self.content = b""

    def serve(self) -> None:
        """Serve one client."""
        with self._listener, contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 test ESMTP\r\n")
                for line in lines:
                    text = line.decode().rstrip("\r\n")
                    assert line.endswith(b"\r\n")
                    self.lines.append(text)
                    reply = self._reply(text)
                    if not reply:
                        return
                    connection.sendall(reply.encode() + b"\r\n")
                    if reply.startswith("354"):
                        self._receive(lines)
                        connection.sendall(self._answers.get(".", "250 queued").encode() + b"\r\n")
                    if text == "QUIT":
                        return

    def _reply(self, line: str) -> str:
        verb = line.partition(" ")[0].upper()
        default = {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 fine")
        return self._answers.get(line, self._answers.get(verb, default))

    def _receive(self, lines: Iterator[bytes]) -> None:
        for line in lines:
            if line == b".\r\n":
                return
            self.content += line.removeprefix(b".")


@contextlib.contextmanager
def serving(**answers: str) -> Iterator[Server]:
    """Run a server whose answers are by verb."""
    server = Server(answers | {".": answers.pop("dot", "250 queued")})
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    thread.join(10)
