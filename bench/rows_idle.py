"""Sessions that idle: what each costs the store in memory, and how soon those that look at a mailbox hear of news."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clients import ImapClient
from bench.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rows_imap import User

SESSIONS = 10_000
TOLD = 1_000  # of them look at INBOX
COMPRESSED = 1_000
ARRIVALS = 9
MESSAGE = b"From: alice@alpha.test\r\nSubject: news\r\n\r\nNews.\r\n"
PATIENCE = 60.0  # seconds
SETTINGS = {"POSTROAD_CONNECTIONS": str(SESSIONS + COMPRESSED + 100)}


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """Let this process, and those that it starts, have a socket for each session."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SESSIONS + COMPRESSED + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(f"{wanted} open files are needed, and {hard} are allowed (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _resident(process: int) -> int:
    """Return the octets of memory that a process has to itself."""
    (pages,) = (
        line.split()[1] for line in Path(f"/proc/{process}/status").read_text().splitlines() if "RssAnon" in line
    )
    return int(pages) * 1024


def _until(connection: socket.socket, end: bytes) -> None:
    got = b""
    while end not in got:
        block = connection.recv(65536)
        if not block:
            raise ConnectionError(f"closed behind {got!r}")
        got += block


def _idling(place: tuple[str, int], user: User, mailbox: str, *, compressed: bool = False) -> socket.socket:
    """Return a session that idles."""
    connection = socket.create_connection(place, PATIENCE)
    connection.sendall(f"a LOGIN {user[0]} {user[1]}\r\nb SELECT {mailbox}\r\n".encode())
    _until(connection, b"b OK")
    if compressed:
        connection.sendall(b"c COMPRESS DEFLATE\r\n")
        _until(connection, b"c OK DEFLATE active.\r\n")
        deflate = zlib.compressobj(wbits=-15)
        connection.sendall(deflate.compress(b"d IDLE\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH))
        connection.recv(100)
        return connection
    connection.sendall(b"d IDLE\r\n")
    _until(connection, b"+ idling\r\n")
    return connection


def _told(told: list[socket.socket], writer: ImapClient) -> float:
    """Return the milliseconds from the OK of an APPEND to the last EXISTS."""
    with selectors.DefaultSelector() as selector:
        for connection in told:
            selector.register(connection, selectors.EVENT_READ)
        writer.append([MESSAGE])
        begun = time.perf_counter()
        waiting = len(told)
        while waiting:
            for key, _ in selector.select(PATIENCE):
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if b"EXISTS" in ready.recv(4096):
                    selector.unregister(ready)
                    waiting -= 1
        return (time.perf_counter() - begun) * 1000


def rows(place: tuple[str, int], user: User, process: int) -> Iterator[Row]:
    """Measure them; `process` is the store's."""
    memory = Row(f"memory of an idle session, {SESSIONS:,}", "KiB", at_most(12))
    squeezed = Row(f"memory of an idle session with COMPRESS, {COMPRESSED:,}", "KiB", None)
    told = Row(f"one arrival told to {TOLD:,} that idle", "ms", at_most(50))
    with contextlib.ExitStack() as stack, ImapClient(place[0], place[1], *user) as writer:
        names = ["INBOX", *(f"idle{number}" for number in range(SESSIONS // TOLD - 1))]
        for name in names[1:]:
            writer.command(f"CREATE {name}")
        stack.enter_context(_idling(place, user, "INBOX")).close()
        before = _resident(process)
        idling = [stack.enter_context(_idling(place, user, names[at // TOLD])) for at in range(SESSIONS)]
        memory.ours.append((_resident(process) - before) / SESSIONS / 1024)
        told.ours += [_told(idling[:TOLD], writer) for _ in range(ARRIVALS)]
        before = _resident(process)
        for _ in range(COMPRESSED):
            stack.enter_context(_idling(place, user, names[-1], compressed=True))
        squeezed.ours.append((_resident(process) - before) / COMPRESSED / 1024)
    yield from (memory, squeezed, told)
