"""Floods a control door, as fast as one process can: python -m tests.common.control.flood HOST PORT KIND SECONDS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

AT_ONCE = 50
HEAD = b"GET /journal?after=0 HTTP/1.1\r\nHost: door\r\n"
KINDS = {
    "connections": b"",
    "rubbish": b"\x16\x03\x01\x02\x00\x01\xff\xfe" * 100 + b"\r\n\r\n",
    "wrong tokens": HEAD + b"Authorization: Bearer " + b"x" * 43 + b"\r\n\r\n",
    "long heads": HEAD + b"X-Long: " + b"y" * 60_000,
    "large bodies": b"POST /octets HTTP/1.1\r\nHost: door\r\nContent-Length: 900000\r\n\r\n" + b"z" * 100_000,
    "slow heads": HEAD,
}


async def client(host: str, port: int, kind: str) -> None:
    """Connect, send, read, and again."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                if kind == "slow heads":
                    for octet in KINDS[kind] * 20:
                        if writer.transport.is_closing():
                            break
                        writer.write(bytes((octet,)))
                        await asyncio.sleep(0)
                else:
                    writer.write(KINDS[kind])
                    if KINDS[kind]:
                        await reader.read()
            finally:
                writer.transport.abort()


async def main(host: str, port: int, kind: str, seconds: float) -> None:
    """Flood for so many seconds."""
    os.nice(19)
    tasks = [asyncio.create_task(client(host, port, kind)) for _ in range(AT_ONCE)]
    sys.stdout.write("flooding\n")
    sys.stdout.flush()
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
