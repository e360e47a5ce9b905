"""A server that answers as it is told."""

from __future__ import annotations

import socket
import threading


class Scripted:
    """Answers the requests of each connection with these octets, one after the other, and closes it after the last."""

    def __init__(self) -> None:
        self.answers: list[list[bytes]] = []  # of the connections to come
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                for answer in self.answers.pop(0) if self.answers else []:
                    head = b""
                    while (line := lines.readline()) not in {b"", b"\r\n"}:
                        head += line
                    size = next(
                        (int(field[15:]) for field in head.split(b"\r\n") if field.startswith(b"Content-Length:")), 0
                    )
                    self.requests.append(head + lines.read(size))
                    client.sendall(answer)


def ok(body: bytes, *fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body
