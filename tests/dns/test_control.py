"""The control door of the name server."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.query
import pytest

from postroad.control.client import DoorClient, DoorRefused, quote_path
from postroad_dns.control import DoorThread
from tests.dns.golden import query
from tests.dns.test_server import SMALL, bound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_dns.server import Server

TOKEN = "t" * 43


@contextmanager
def serving() -> Iterator[tuple[Server, DoorThread]]:
    server = bound("127.0.0.1", 5)
    thread = threading.Thread(target=server.serve)
    thread.start()
    door = DoorThread(server, TOKEN)
    door.start("127.0.0.1", 0)
    try:
        yield server, door
    finally:
        door.stop()
        server.stop()
        thread.join()


async def test_zones_and_their_records() -> None:
    with serving() as (server, door):
        client = DoorClient("dns", *door.address, TOKEN)
        server.replace(SMALL)
        assert await client.get("/zones") == {"zones": [{"apex": "small.", "serial": 1, "records": 3}]}
        for apex in ("small.", "SMALL"):
            assert await client.get(quote_path("zones", apex)) == {
                "records": [
                    "small. 3600 IN SOA ns.small. a.small. 1 2 3 4 5",
                    "small. 3600 IN NS ns.small.",
                    "ns.small. 3600 IN A 192.0.2.1",
                ]
            }
        for apex in ("other.", ".", "x" * 64, ""):
            with pytest.raises(DoorRefused, match="there is no zone") as refused:
                await client.get(quote_path("zones", apex))
            assert refused.value.status == 404
        await client.close()


async def test_figures() -> None:
    with serving() as (server, door):
        host, port = server.address
        client = DoorClient("dns", *door.address, TOKEN)
        for _ in range(3):
            dns.query.udp(query("example. SOA"), host, 5, port)
        dns.query.tcp(query("nowhere.example. A"), host, 5, port)
        server.replace(SMALL)
        dns.query.udp(query("example. SOA"), host, 5, port)  # refused: it is no longer ours
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(b"short", (host, port))
        dns.query.udp(query("example. SOA"), host, 5, port)
        figures = await client.get("/figures")
        await client.close()
    assert figures["queries"] == {"udp": 6, "tcp": 1}
    assert figures["answers"] == {"NOERROR": 4, "REFUSED": 2}
    assert figures["cache"] == {"hits": 3, "misses": 4}
    assert figures["zones"] == 1
    assert figures["process"]["rss"] > 1 << 20


def test_an_address_that_is_taken() -> None:
    with serving() as (server, door), pytest.raises(OSError, match="in use"):
        DoorThread(server, TOKEN).start(*door.address)
