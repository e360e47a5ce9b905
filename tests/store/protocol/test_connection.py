"""The adapter on live sockets, driven by a toy engine: what Twisted's side of the contract promises."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from OpenSSL import SSL

from postroad.shell import LINGER
from postroad_store.protocol.contract import ConnectionLost
from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service
from tests.harness.reactor import ON_REACTOR
from tests.harness.toy import CONTEXT, PATIENCE, Room, ToySession, connected, ended, event, stalled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from postroad_store.protocol.tls import ServerTls


pytestmark = ON_REACTOR


@pytest_asyncio.fixture(loop_scope="session")
async def start(store_tls: ServerTls) -> AsyncIterator[Callable[..., Room]]:
    rooms: list[Room] = []

    def make(**limits: Any) -> Room:
        rooms.append(Room(store_tls, **limits))
        return rooms[-1]

    yield make
    for room in rooms:
        room.go.set()
        await room.listener.stop()


def agree(port: int, groups: str, version: int) -> str | None:
    """Return the group of the key exchange where the client prefers those."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(version)
    library: Any = vars(SSL)["_lib"]  # pyOpenSSL has no public way
    assert library.SSL_CTX_set1_curves_list(context._context, groups.encode()) == 1
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        plain.settimeout(None)  # pyOpenSSL wants a blocking socket
        secure = SSL.Connection(context, plain)
        secure.set_connect_state()
        secure.do_handshake()
        return secure.get_group_name()


class TestDialogue:
    async def test_greeting_lines_and_close(self, start: Callable[..., Room]) -> None:
        async with connected(start()) as client:
            assert await client.line() == "hello 127.0.0.1 plain"
            assert await client.ask("one") == "one"
            client.send(b"tw")
            client.send(b"o\nthree\nBYE\nfour\n")
            assert await client.rest() == b"two\nthree\nbye\n"

    async def test_what_is_pipelined_waits_for_its_turn(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"WAIT a\nb\n")
            await event(room.waiting)
            client.send(b"c\nBYE\n")
            room.go.set()
            assert await client.rest() == b"a\nb\nc\nbye\n"

    async def test_a_client_that_has_said_all_and_closed_its_side_is_answered(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            client.send(b"one\nWAIT two\nthree\n")
            client.writer.write_eof()
            await event(room.waiting)
            room.go.set()
            assert await client.rest() == b"hello 127.0.0.1 plain\none\ntwo\nthree\n"
            await ended(room.sessions[0])


class TestTls:
    async def test_implicit(self, start: Callable[..., Room]) -> None:
        async with connected(start(), implicit_tls=True) as client:
            assert await client.line() == "hello 127.0.0.1 tls"
            client.send(b"x" * 100_000 + b"\nBYE\n")
            assert await client.rest() == b"x" * 100_000 + b"\nbye\n"

    async def test_upgrade_and_nothing_of_the_plaintext_survives(self, start: Callable[..., Room]) -> None:
        async with connected(start()) as client:
            await client.line()
            client.send(b"TLS\nevil\n")
            assert await client.line() == "begin"
            await client.writer.start_tls(CONTEXT)
            assert await client.ask("good") == "good"
            client.send(b"BYE\n")
            assert await client.rest() == b"bye\n"

    async def test_a_client_that_closes_without_a_word(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room, implicit_tls=True) as client:
            await client.line()
            client.writer.transport.abort()
            await ended(room.sessions[0])

    async def test_plaintext_on_the_tls_port_is_no_session(self, start: Callable[..., Room]) -> None:
        room = start()
        reader, writer = await asyncio.open_connection("127.0.0.1", room.tls_port)
        writer.write(b"NOOP\r\n" * 10)
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        await ended(room.sessions[0])
        writer.close()

    async def test_old_versions_are_refused(self, start: Callable[..., Room]) -> None:
        room = start()
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname = False
        old.verify_mode = ssl.CERT_NONE
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES128-SHA")
        with pytest.raises((ssl.SSLError, OSError)):
            await asyncio.open_connection("127.0.0.1", room.tls_port, ssl=old)

    @pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
    @pytest.mark.parametrize("group", ["X25519", "P-256", "P-384"])
    async def test_the_key_exchange_is_the_client_s_choice(
        self, start: Callable[..., Room], group: str, version: int
    ) -> None:
        """P-256 has to be offered for TLS 1.2: the certificate's key is on it (RFC 8422 §5.1)."""
        room = start()
        groups = f"{group}:P-256" if version == SSL.TLS1_2_VERSION else group
        agreed = await asyncio.to_thread(agree, room.tls_port, groups, version)
        assert agreed == {"X25519": "x25519", "P-256": "secp256r1", "P-384": "secp384r1"}[group]

    @pytest.mark.parametrize("implicit_tls", [False, True])
    @pytest.mark.parametrize(("offered", "chosen"), [((), None), (("h2", "toy"), "toy"), (("http/1.1",), "")])
    async def test_the_protocol_that_a_client_names(
        self, start: Callable[..., Room], *, offered: tuple[str, ...], chosen: str | None, implicit_tls: bool
    ) -> None:
        """RFC 7301 §3.2: the server's own is chosen; where the client has only others, the handshake ends."""
        room = start()
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if offered:
            context.set_alpn_protocols(list(offered))
        ends = pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol")
        async with asyncio.timeout(PATIENCE):
            with contextlib.nullcontext() if chosen != "" else ends:
                if implicit_tls:
                    _, writer = await asyncio.open_connection("127.0.0.1", room.tls_port, ssl=context)
                else:
                    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
                    await reader.readline()
                    writer.write(b"TLS\n")
                    await reader.readline()
                    await writer.start_tls(context)
                assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == chosen
                writer.transport.abort()
            await ended(room.sessions[0])
        assert len(room.shut_out) == (chosen == "")

    async def test_a_listener_without_a_certificate_has_no_tls_port(self) -> None:
        loop = asyncio.get_running_loop()
        listener = Listener(Service("toy", ToySession, b"", 1.0), reactor_on(loop), loop)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="certificate"):
            listener.listen("127.0.0.1", 0, implicit_tls=True)


class TestBackPressure:
    @pytest.mark.parametrize("implicit_tls", [False, True])
    async def test_a_slow_reader_costs_no_memory(self, start: Callable[..., Room], implicit_tls: bool) -> None:
        room = start()
        async with connected(room, implicit_tls=implicit_tls) as client:
            await client.line()
            client.send(b"FLOOD 40000000\nafter\nBYE\n")
            await event(room.waiting)
            for _ in range(50):
                await asyncio.sleep(0)
            stalled = room.sessions[0].written
            assert stalled < 20_000_000  # what the kernel and the two buffers hold
            rest = await client.rest()
            assert rest.endswith(b"\nflooded\nafter\nbye\n")
            assert len(rest) > 39_000_000

    async def test_a_pipelining_flood_is_paused(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"WAIT a\n")
            await event(room.waiting)
            client.send(b"x" * 63 * 1024 * 1024 + b"\n")
            for _ in range(200):
                await asyncio.sleep(0.001)
            assert room.sessions[0].engine.most < 1_000_000
            client.writer.transport.abort()
            room.go.set()
            await ended(room.sessions[0])
            assert room.done == ["a"]

    async def test_reading_goes_on_after_a_pause(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"WAIT a\n")
            await event(room.waiting)
            lines = [b"line %d" % number for number in range(40_000)]
            client.send(b"\n".join(lines) + b"\nBYE\n")
            room.go.set()
            assert await client.rest() == b"a\n" + b"\n".join(lines) + b"\nbye\n"

    async def test_who_waits_to_write_to_a_client_that_goes_is_told(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"FLOOD 40000000\n")
            await event(room.waiting)
            client.writer.transport.abort()
            await ended(room.sessions[0])
            connection = room.sessions[0].connection
            assert connection is not None
            with pytest.raises(ConnectionLost):
                await connection.wait_writable()


class TestEnds:
    async def test_what_is_under_way_is_finished_when_the_client_goes(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"WAIT commit\nnever\n")
            await event(room.waiting)
            client.writer.transport.abort()
        await asyncio.sleep(0.05)
        session = room.sessions[0]
        assert not session.ended.is_set()
        room.go.set()
        await ended(session)
        assert room.done == ["commit"]

    async def test_a_silent_client_is_told_goodbye(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            room.clock.push(59)
            assert await client.ask("x") == "x"
            room.clock.push(59)
            assert await client.ask("LOGIN") == "LOGIN"  # from here on the longer time counts
            room.clock.push(599)
            assert await client.ask("x") == "x"
            room.clock.push(601)
            assert await client.rest() == b"IDLE\n"

    async def test_a_client_that_does_not_log_in_is_told_sooner(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            room.clock.push(61)
            assert await client.rest() == b"IDLE\n"

    async def test_the_client_is_not_blamed_for_a_slow_server(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"WAIT a\n")
            await event(room.waiting)
            room.clock.push(1000)
            await asyncio.sleep(0.01)
            room.go.set()
            assert await client.line() == "a"
            room.clock.push(61)
            assert await client.rest() == b"IDLE\n"

    async def test_a_client_that_never_reads_is_cut_off(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            client.send(b"FLOOD 100000000\n")
            await event(room.waiting)
            async with asyncio.timeout(PATIENCE):
                while not room.sessions[0].ended.is_set():  # all buffers have to be full first
                    await asyncio.sleep(0.05)
                    room.clock.push(61)

    async def test_a_client_that_does_not_take_the_last_words_is_cut_off(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as client:
            client.send(b"FLOOD 40000000\n")
            await event(room.waiting)
            session = room.sessions[0]
            assert session.connection is not None
            await stalled(session)
            session.connection.close()
            session.connection.close()
            room.clock.push(LINGER)
            await ended(session)

    async def test_stop_says_goodbye_and_waits_for_what_is_under_way(self, start: Callable[..., Room]) -> None:
        room = start()
        async with connected(room) as idle, connected(room) as busy:
            await idle.line()
            await busy.line()
            busy.send(b"WAIT commit\n")
            await event(room.waiting)
            asyncio.get_running_loop().call_later(0.05, room.go.set)
            await room.listener.stop(PATIENCE)
            assert await idle.rest() == b"SHUTDOWN\n"
            assert await busy.rest() == b"commit\nSHUTDOWN\n"
            assert room.listener.connections == 0
        with pytest.raises(OSError, match=r"refused|Connect"):
            await asyncio.open_connection("127.0.0.1", room.port)

    async def test_stop_does_not_wait_for_ever(
        self, start: Callable[..., Room], caplog: pytest.LogCaptureFixture
    ) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"WAIT long\n")
            await event(room.waiting)
            await room.listener.stop(0.05)
            assert "1 connections cut off" in caplog.text
            room.go.set()


class TestLimits:
    @pytest.mark.parametrize("limits", [{"connections": 2}, {"connections_per_address": 2}])
    async def test_too_many(self, start: Callable[..., Room], limits: dict[str, int]) -> None:
        room = start(**limits)
        async with connected(room) as first, connected(room) as second:
            await first.line()
            await second.line()
            async with connected(room) as third:
                assert await third.rest() == b"full\n"
            with contextlib.suppress(OSError):  # a handshake that ends early has several names
                async with connected(room, implicit_tls=True) as fourth:
                    assert await fourth.line() == ""
            assert room.listener.connections == 2
            first.send(b"BYE\n")
            await first.rest()
            await ended(room.sessions[0])
            async with connected(room) as fifth:
                assert await fifth.line() == "hello 127.0.0.1 plain"


class TestTrouble:
    @pytest.mark.parametrize("command", ["CRASH", "SLOWCRASH"])
    async def test_a_crash_is_logged_and_answered_without_details(
        self, start: Callable[..., Room], caplog: pytest.LogCaptureFixture, command: str
    ) -> None:
        async with connected(start()) as client:
            await client.line()
            assert await client.ask(command) == "failed"
            assert await client.ask("next") == "next"
        assert "secret details" in caplog.text

    @pytest.mark.parametrize("octets", [b"BUG\n", b"\x00"])
    async def test_a_bug_of_the_engine_ends_the_connection(
        self, start: Callable[..., Room], caplog: pytest.LogCaptureFixture, octets: bytes
    ) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(octets)
            with contextlib.suppress(ConnectionResetError):
                assert await client.rest() == b""
            await ended(room.sessions[0])
        assert "the engine failed" in caplog.text

    @pytest.mark.parametrize("where", ["begin", "farewell", "end"])
    async def test_a_bug_of_the_session_ends_no_more_than_its_connection(
        self, start: Callable[..., Room], caplog: pytest.LogCaptureFixture, where: str
    ) -> None:
        room = start()
        room.trouble = where
        async with connected(room) as client:
            await event(room.new)
            await asyncio.sleep(0.01)
            room.clock.push(61)
            with contextlib.suppress(ConnectionResetError):
                await client.rest()
        await ended(room.sessions[0])
        assert f"{where} has a bug" in caplog.text.replace("greeting", "begin")
        room.trouble = ""
        async with connected(room) as client:
            assert await client.line() == "hello 127.0.0.1 plain"

    async def test_a_crash_after_the_client_has_gone(
        self, start: Callable[..., Room], caplog: pytest.LogCaptureFixture
    ) -> None:
        room = start()
        async with connected(room) as client:
            await client.line()
            client.send(b"SLOWCRASH\n")
            client.writer.transport.abort()
        await event(room.new)
        await ended(room.sessions[0])
        assert room.listener.connections == 0
        assert "Traceback" not in caplog.text or "secret details" in caplog.text


async def test_a_reactor_belongs_to_one_loop() -> None:
    loop = asyncio.get_running_loop()
    assert reactor_on(loop) is reactor_on(loop)
    other = asyncio.new_event_loop()
    try:
        with pytest.raises(RuntimeError, match="another loop"):
            reactor_on(other)
    finally:
        other.close()
