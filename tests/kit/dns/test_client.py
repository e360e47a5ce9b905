"""The client of the name server: an answer that is too long for UDP comes by TCP (RFC 7766)."""

from __future__ import annotations

import socket
import struct
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from postroad_kit.dns.client import Dns
from postroad_kit.dns.wire import query
from tests.kit.dns.test_wire import answer

if TYPE_CHECKING:
    from postroad_kit import World

TXT = b"\3v=1"


def test_a_long_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        place = tcp.getsockname()
        udp.bind(place)
        asked: list[bytes] = []

        def serve() -> None:
            question, client = udp.recvfrom(65535)
            (ident,) = struct.unpack_from("!H", question)
            udp.sendto(answer(flags=0x8600, ident=ident), client)
            connection, _ = tcp.accept()
            with connection, connection.makefile("rb") as lines:
                asked.append(lines.read(2 + len(question))[2:])
                whole = answer((16, TXT), ident=ident)
                connection.sendall(struct.pack("!H", len(whole)) + whole)

        thread = threading.Thread(target=serve)
        thread.start()
        world = cast("World", SimpleNamespace(endpoints={"dns": place}))
        assert Dns(world).lookup("shop.test", "txt") == ["v=1"]
        thread.join()
        assert asked[0][2:] == query(0, "shop.test", "TXT")[2:]
