"""The rules of `postroad.shell`, each asked of both shells."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from postroad.shell import HANDSHAKE, LINGER
from postroad.shell.admission import GRACE
from tests.harness.reactor import ON_REACTOR
from tests.harness.shells import Shell, SmtpShell, ToyShell
from tests.harness.taps import Taps
from tests.harness.toy import CONTEXT, PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from postroad_store.protocol.tls import ServerTls

    Start = Callable[..., Awaitable[Shell]]

pytestmark = ON_REACTOR

MUCH = 32_000_000  # octets: more than the kernel holds for both directions


@pytest_asyncio.fixture(loop_scope="session", params=["smtp", "twisted"])
async def start(
    request: pytest.FixtureRequest, tmp_path: Path, server_tls: ssl.SSLContext, store_tls: ServerTls
) -> AsyncIterator[Start]:
    shells: list[Shell] = []

    async def make(tap: Taps | None = None, most: int = 500) -> Shell:
        shell: Shell
        if request.param == "smtp":
            shell = await SmtpShell.start(tmp_path, server_tls, tap=tap, most=most)
        else:
            shell = ToyShell(store_tls, tap=tap, most=most)
        shells.append(shell)
        return shell

    yield make
    for shell in shells:
        shell.go.set()
        await shell.stop(0.1)


class Client:
    """A client that reads and writes octets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def line(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readline()

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionResetError):
                return await self.reader.read()
            return b""

    async def ask(self, shell: Shell) -> None:
        """Say something, and see that it is answered."""
        self.send(shell.words.echo)
        assert await self.line() == shell.words.answer

    async def make_ready(self, shell: Shell) -> None:
        """Do what has to come before `wait`."""
        self.send(shell.words.ready)
        for _ in range(shell.words.ready_answers):
            assert await self.line()


@contextlib.asynccontextmanager
async def connected(shell: Shell, *, tls: bool = False, greeted: bool = True) -> AsyncIterator[Client]:
    port = shell.tls_port if tls else shell.port
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=CONTEXT if tls else None)
    client = Client(reader, writer)
    try:
        if greeted:
            assert (await client.line()).startswith(shell.words.greeting)
        yield client
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for: the other side of a socket
            await asyncio.sleep(0.001)


# Pump


async def test_replies_keep_the_order_of_the_commands(start: Start) -> None:
    shell = await start()
    words = shell.words
    async with connected(shell) as client:
        await client.make_ready(shell)
        client.send(words.wait + words.echo)
        await shell.arrived.wait()
        client.send(words.echo)
        await asyncio.sleep(0.01)
        shell.go.set()
        assert [await client.line() for _ in range(3)] == [words.waited, words.answer, words.answer]


# Back-pressure


async def test_a_client_that_does_not_read_is_not_answered_without_end(start: Start) -> None:
    shell = await start()
    async with connected(shell) as client:
        client.send(shell.words.bulk * (MUCH // len(shell.words.bulk)))
        await asyncio.sleep(0.2)
        assert client.writer.transport.get_write_buffer_size() > 0  # the server does not read it all
        client.writer.transport.abort()


async def test_input_behind_what_is_awaited_is_bounded(start: Start) -> None:
    shell = await start()
    words = shell.words
    async with connected(shell) as client:
        await client.make_ready(shell)
        client.send(words.wait)
        await shell.arrived.wait()
        client.send(words.echo * (MUCH // len(words.echo)))
        await asyncio.sleep(0.1)
        assert client.writer.transport.get_write_buffer_size() > MUCH / 4  # the kernel holds the rest
        shell.go.set()
        assert await client.line() == words.waited
        for _ in range(1000):
            assert await client.line() == words.answer
        client.writer.transport.abort()


# Pieces


@pytest.mark.parametrize("tls", [False, True])
async def test_a_client_that_holds_its_next_piece_back_is_not_kept_waiting(start: Start, *, tls: bool) -> None:
    """Nagle's algorithm holds a piece until the last one is acknowledged, which the kernel does after 40 ms."""
    shell = await start()
    half = len(shell.words.echo) // 2
    took = []
    async with connected(shell, tls=tls) as client:
        client.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        for _ in range(20):
            begun = time.monotonic()
            client.send(shell.words.echo[:half])
            client.send(shell.words.echo[half:])
            assert await client.line() == shell.words.answer
            took.append(time.monotonic() - begun)
    assert min(took[5:]) < 0.03  # the kernel acknowledges the first ones of a connection at once


# Half-close


async def test_a_client_that_has_closed_its_side_is_answered(start: Start) -> None:
    shell = await start()
    words = shell.words
    async with connected(shell) as client:
        await client.make_ready(shell)
        client.send(words.wait + words.echo)
        client.writer.write_eof()
        await shell.arrived.wait()
        shell.go.set()
        assert await client.rest() == words.waited + words.answer


# Deadlines and farewells


async def test_silence_ends_the_session(start: Start) -> None:
    shell = await start()
    async with connected(shell) as client:
        shell.clock.push(shell.silence - 1)
        await client.ask(shell)
        shell.clock.push(shell.silence - 1)
        await client.ask(shell)
        shell.clock.push(shell.silence + 1)
        assert (await client.rest()).startswith(shell.words.idle)
    await until(lambda: shell.connections == 0)


async def test_a_client_that_waits_for_us_is_not_silent(start: Start) -> None:
    shell = await start()
    words = shell.words
    async with connected(shell) as client:
        await client.make_ready(shell)
        client.send(words.wait)
        await shell.arrived.wait()
        for _ in range(3):
            shell.clock.push(3600)
            await asyncio.sleep(0.01)
        shell.go.set()
        assert await client.line() == words.waited
        await client.ask(shell)


async def test_a_stop_finishes_and_answers_what_is_under_way(start: Start) -> None:
    shell = await start()
    words = shell.words
    async with connected(shell) as idle, connected(shell) as busy:
        await busy.make_ready(shell)
        busy.send(words.wait)
        await shell.arrived.wait()
        asyncio.get_running_loop().call_later(0.02, shell.go.set)
        await shell.stop(PATIENCE)
        assert (await idle.rest()).startswith(words.shutdown)
        assert (await busy.rest()).startswith(words.waited + words.shutdown)
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", shell.port)


# Linger and loss


async def test_a_client_that_takes_no_farewell_is_cut_off(start: Start) -> None:
    shell = await start()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", shell.port))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            await loop.sock_recv(client, 100)
        sending = loop.create_task(loop.sock_sendall(client, shell.words.bulk * (MUCH // len(shell.words.bulk))))
        async with asyncio.timeout(PATIENCE):
            while shell.connections:  # it may take a while until all buffers are full
                await asyncio.sleep(0.05)
                shell.clock.push(shell.silence + LINGER)
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await sending


async def test_work_goes_on_when_the_client_goes(start: Start) -> None:
    shell = await start()
    async with connected(shell) as client:
        await client.make_ready(shell)
        client.send(shell.words.wait)
        await shell.arrived.wait()
        client.writer.transport.abort()
        await asyncio.sleep(0.02)
    assert shell.finished == []
    shell.go.set()
    await until(lambda: len(shell.finished) == 1)
    await until(lambda: shell.connections == 0)


# Limits


async def test_strangers_that_are_silent_go_first(start: Start) -> None:
    shell = await start(most=3)
    words = shell.words
    async with contextlib.AsyncExitStack() as held:
        known = await held.enter_async_context(connected(shell))
        await known.make_ready(shell)
        first = await held.enter_async_context(connected(shell))
        second = await held.enter_async_context(connected(shell))
        async with connected(shell, greeted=False) as early:  # they may still be about to log in
            assert (await early.rest()).startswith(words.full)
        shell.clock.push(GRACE)
        third = await held.enter_async_context(connected(shell))
        assert (await first.rest()).startswith(words.crowded)
        async with connected(shell) as fourth:
            assert (await second.rest()).startswith(words.crowded)
            await third.ask(shell)
            await fourth.ask(shell)
            known.send(words.wait)
            await shell.arrived.wait()
            assert shell.connections == 3


async def test_five_hundred_silent_sockets_shut_nobody_out(start: Start) -> None:
    shell = await start(most=50)
    async with contextlib.AsyncExitStack() as held:
        for _ in range(50):
            await held.enter_async_context(connected(shell))
        shell.clock.push(GRACE)
        for _ in range(60):
            async with connected(shell) as client:
                await client.make_ready(shell)


async def test_handshakes_that_hang_are_counted_and_go_first(start: Start) -> None:
    shell = await start(most=2)
    hanging = [await asyncio.open_connection("127.0.0.1", shell.tls_port) for _ in range(2)]
    await until(lambda: shell.connections == 2)
    async with connected(shell, greeted=False) as early:
        assert (await early.rest()).startswith(shell.words.full)
    shell.clock.push(GRACE)
    async with connected(shell) as client:
        await client.ask(shell)
        assert shell.connections == 2
    for reader, writer in hanging:
        writer.close()
        with contextlib.suppress(OSError):
            await reader.read()


# TLS


async def test_starttls_forgets_what_came_in_plaintext(start: Start) -> None:
    shell = await start()
    async with connected(shell) as client:
        client.send(shell.words.starttls)
        async with asyncio.timeout(PATIENCE):
            while not (await client.reader.readline()).startswith((b"220 ", b"begin")):
                pass
            await client.writer.start_tls(CONTEXT)
        await client.ask(shell)


async def test_implicit_tls(start: Start) -> None:
    shell = await start()
    async with connected(shell, tls=True) as client:
        await client.ask(shell)
    await until(lambda: shell.connections == 0)


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_handshake_has_its_time(start: Start, implicit: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shell = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", shell.tls_port if implicit else shell.port)
    if not implicit:
        await reader.readline()
        writer.write(shell.words.starttls)
        async with asyncio.timeout(PATIENCE):
            while not (await reader.readline()).startswith((b"220 2.0.0", b"begin")):
                pass
    await until(lambda: shell.connections == 1)
    await asyncio.sleep(0.01)
    shell.clock.push(HANDSHAKE - 1)
    await asyncio.sleep(0.02)
    assert shell.connections == 1
    shell.clock.push(2)
    await until(lambda: shell.connections == 0)
    assert reports(caplog) == ["TLS handshake failed: the client took too long"]
    writer.close()


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log says of failed handshakes; each line names the client and our port."""
    lines = [record for record in caplog.records if "handshake" in record.getMessage()]
    for record in lines:
        assert vars(record)["peer"] == "127.0.0.1"
        assert vars(record)["port"] > 0
    return [record.getMessage() for record in lines]


def distrust(starttls: bytes, port: int) -> None:
    """Shake hands as a client does that does not know the CA; asyncio's would send no alert."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        if starttls:
            with plain.makefile("rb", buffering=0) as lines:
                lines.readline()  # the greeting: nobody may speak before it
                plain.sendall(starttls)
                while not lines.readline().startswith((b"220 2.0.0", b"begin")):
                    pass
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_client_without_the_ca_is_one_line_in_the_log(
    start: Start, implicit: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shell = await start()
    await asyncio.to_thread(
        distrust, shell.words.starttls if not implicit else b"", shell.tls_port if implicit else shell.port
    )
    await until(lambda: shell.connections == 0)
    (line,) = reports(caplog)
    assert line.startswith("TLS handshake failed: the client does not trust the CA; give the client the CA: make ca [")
    assert [f"TLS handshake failed: {why}" for why in shell.shut_out] == [line]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "the client speaks HTTP"),
        (b"EHLO client.test\r\n" * 10, "the client does not speak TLS"),
        (b"", "the client closed the connection"),
    ],
)
async def test_what_is_no_handshake_is_one_line_in_the_log(
    start: Start, octets: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shell = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", shell.tls_port)
    await until(lambda: shell.connections == 1)
    writer.write(octets)
    if not octets:
        writer.close()
    await until(lambda: shell.connections == 0)
    (line,) = reports(caplog)
    assert line.startswith(f"TLS handshake failed: {why}")
    assert [f"TLS handshake failed: {told}" for told in shell.shut_out] == [line]
    writer.close()
    with contextlib.suppress(OSError):
        await reader.read()


# Crashes


async def test_a_crash_is_answered_without_details(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    shell = await start()
    async with connected(shell) as client:
        client.send(shell.words.crash)
        answer = b"".join([await client.line() for _ in range(shell.words.crashed.count(b"\n") or 1)])
        if not answer.startswith(shell.words.crashed):
            answer += await client.line()
        assert answer.startswith(shell.words.crashed)
        assert b"secret" not in answer
        await client.ask(shell)
    assert "secret details" in caplog.text


# The tap


async def test_a_tap_hears_every_octet(start: Start) -> None:
    taps = Taps()
    shell = await start(tap=taps)
    words = shell.words
    plain = b""
    async with connected(shell, greeted=False) as client:
        plain += await client.line()
        client.send(words.echo)
        plain += await client.line()
        client.send(words.starttls)
        while not plain.endswith((b"220 2.0.0 Ready to start TLS\r\n", b"begin\n")):
            plain += await client.line()
        await client.writer.start_tls(CONTEXT)
        shell.clock.push(10)
        await client.ask(shell)
        local = client.writer.get_extra_info("sockname")
    await until(lambda: shell.connections == 0)
    (heard,) = taps.sessions
    assert heard.opened.protocol in {"smtp", "toy"}
    assert heard.opened.session
    assert heard.opened.peer == f"127.0.0.1:{local[1]}"
    assert heard.opened.local == f"127.0.0.1:{shell.port}"
    assert not heard.opened.outbound
    assert heard.octets("received", tls=False) == words.echo + words.starttls
    assert heard.octets("sent", tls=False) == plain
    assert heard.octets("received", tls=True) == words.echo
    assert heard.octets("sent", tls=True) == words.answer
    times = [heard.opened.at, *(at for _, _, at, _ in heard.events), *heard.ends]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 10
    assert len(heard.ends) == 1


async def test_a_tap_hears_implicit_tls(start: Start) -> None:
    taps = Taps()
    shell = await start(tap=taps)
    async with connected(shell, tls=True, greeted=False) as client:
        greeting = await client.line()
        await client.ask(shell)
    await until(lambda: shell.connections == 0)
    (heard,) = taps.sessions
    assert heard.octets("sent", tls=True) == greeting + shell.words.answer
    assert heard.octets("received", tls=True) == shell.words.echo
    assert heard.opened.local == f"127.0.0.1:{shell.tls_port}"


async def test_a_tap_may_leave_a_session_alone(start: Start) -> None:
    taps = Taps(deaf=True)
    shell = await start(tap=taps)
    async with connected(shell) as client, connected(shell) as other:
        await client.ask(shell)
        await other.ask(shell)
    assert [heard.events for heard in taps.sessions] == [[], []]
    assert len({heard.opened.session for heard in taps.sessions}) == 2
