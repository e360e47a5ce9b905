"""Small clients for IMAP and POP3 that send whole pipelines and read as fast as the server writes.

They understand just enough of a protocol to know where an answer ends, so that little of the time that is
measured is theirs.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 300.0  # seconds
KEPT = 1 << 20  # octets that were read and are done with, before their room is taken back


class Wire:
    """A connection with Nagle off, and what was read of it beyond the last answer."""

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.create_connection((address, port), timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = bytearray(b"\r\n")
        self._at = 2  # where the next answer begins; there is always a line's end before it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Write octets."""
        self._socket.sendall(data)

    def read_until(self, mark: bytes) -> bytes:
        """Return all octets up to the end of the line that begins with `mark`."""
        needle = b"\r\n" + mark
        looked = self._at - 2
        while True:
            at = self._data.find(needle, looked)
            if at >= 0 and (end := self._data.find(b"\r\n", at + 2)) >= 0:
                break
            looked = at if at >= 0 else max(looked, len(self._data) - len(needle) + 1)
            if self._at > KEPT:
                looked -= self._at - 2
                del self._data[: self._at - 2]
                self._at = 2
            block = self._socket.recv(1 << 18)
            if not block:
                raise ConnectionError(f"the server closed the connection; its last octets: {self._data[-200:]!r}")
            self._data += block
        answer = bytes(memoryview(self._data)[self._at : end + 2])
        self._at = end + 2
        return answer


class ImapClient(Wire):
    """IMAP: one command at a time, or a pipeline of them."""

    def __init__(self, address: str, port: int, user: str, password: str) -> None:
        super().__init__(address, port)
        self._number = 0
        self.read_until(b"* OK")
        self.command(f"LOGIN {user} {password}")

    def command(self, text: str) -> bytes:
        """Send a command and return the whole of its answer, which must be OK."""
        self._number += 1
        tag = f"a{self._number}".encode()
        self.send(tag + b" " + text.encode() + b"\r\n")
        return self._answer(tag, text)

    def timed(self, text: str) -> float:
        """Return the milliseconds from the command's first octet to its tagged OK."""
        started = time.perf_counter()
        self.command(text)
        return (time.perf_counter() - started) * 1000

    def pipeline(self, commands: Sequence[bytes], *, window: int) -> None:
        """Send commands without waiting, at most `window` ahead of the answers; all must be OK."""
        sent = answered = 0
        first = self._number + 1
        while answered < len(commands):
            burst = commands[sent : min(len(commands), answered + window)]
            if burst:
                self.send(b"".join(b"a%d %s\r\n" % (first + sent + at, text) for at, text in enumerate(burst)))
                sent += len(burst)
            until = max(answered + 1, sent - window // 2) if sent < len(commands) else sent
            while answered < until:
                self._answer(b"a%d" % (first + answered), "a pipelined command")
                answered += 1
        self._number += len(commands)

    def _answer(self, tag: bytes, text: str) -> bytes:
        answer = self.read_until(tag + b" ")
        before = answer.rfind(b"\r\n", 0, -2)
        last = answer if before < 0 else answer[before + 2 :]
        if not last.startswith((tag + b" OK", tag + b" NO [EXPUNGEISSUED]")):  # RFC 2180: others have removed messages
            raise RuntimeError(f"{text}: {last!r}")
        return answer

    def exists(self) -> int:
        """Return how many messages INBOX has, by STATUS."""
        answer = self.command("STATUS INBOX (MESSAGES)")
        return int(answer.split(b"MESSAGES ", 1)[1].split(b")", 1)[0])

    def empty(self) -> None:
        """Remove all messages of INBOX."""
        self.command("SELECT INBOX")
        if self.exists():
            self.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        self.command("CLOSE")

    def append(self, messages: Sequence[bytes], *, window: int = 200) -> float:
        """Append to INBOX in one pipeline of non-synchronising literals (RFC 7888); return the milliseconds."""
        commands = [b"APPEND INBOX {%d+}\r\n%s" % (len(message), message) for message in messages]
        started = time.perf_counter()
        self.pipeline(commands, window=window)
        return (time.perf_counter() - started) * 1000


class Pop3Client(Wire):
    """POP3: RETR in one pipeline."""

    def __init__(self, address: str, port: int, user: str, password: str) -> None:
        super().__init__(address, port)
        self.read_until(b"+OK")
        for text in (f"USER {user}", f"PASS {password}"):
            self.send(text.encode() + b"\r\n")
            self.read_until(b"+OK")

    def retrieve(self, count: int) -> float:
        """Retrieve messages 1 to `count` and return the milliseconds."""
        started = time.perf_counter()
        self.send(b"".join(b"RETR %d\r\n" % number for number in range(1, count + 1)))
        for _ in range(count):
            self.read_until(b".\r\n")
        return (time.perf_counter() - started) * 1000
